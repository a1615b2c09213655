"""The gate: whether a net that learned from corrections may take the place of the one in use.

Both read the same fields, which neither was trained on, so that only the fields count of which one is right and the
other wrong: McNemar's test (1947, Psychometrika 12, 153), exact, by the binomial distribution. A candidate passes

- *in all*, where it is right at least as often, and either surely better (one-sided, at 5 %) or, at 5 % too, surely not
  worse by more than ``TOLERATED`` of the fields (Newcombe 1998, Statistics in Medicine 17, 2635, method 10: the score
  interval of a difference of paired shares);
- *on each kind of field*, where it is not surely worse (one-sided, at 5 %);
- *on MNIST*, where it is right on no less than 0.05 points fewer digits;
- *by its calibration*, where for each error rate that may be asked for the accepted fields are not surely wrong more
  often (the exact interval of Clopper and Pearson 1934).

Each training is judged at these levels by itself. Pure: no net, no file.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.stats import binom

from reading.realised_error import RealisedError

LEVEL = 0.05
TOLERATED = 0.02
MNIST_TOLERATED = 0.0005
RATES = (0.05, 0.02, 0.01, 0.005)  # the error rates that the calibration is tried at
_Z = 1.6448536269514722  # of the standard normal distribution, one-sided at ``LEVEL``


@dataclass(frozen=True, slots=True)
class Paired:
    """One field that both have read. ``group`` is its kind, as the report names it."""

    group: str
    right_before: bool
    right_after: bool


@dataclass(frozen=True, slots=True)
class Honesty:
    """What a calibration let through on fields of known truth: for a rate, what was accepted, and wrong of that."""

    rate: float
    seen: RealisedError

    @property
    def is_kept(self) -> bool:
        """Whether the rate may be what it says: it lies within the exact 95 % interval of the error, or above it."""
        return self.seen.interval[0] <= self.rate


@dataclass(frozen=True, slots=True)
class Check:
    """One of the gate's questions, and its answer in a sentence."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All questions with their answers; ``promote`` where all are passed."""

    checks: tuple[Check, ...]

    @property
    def promote(self) -> bool:
        """Whether the candidate may be used."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it may not; none where it may."""
        return tuple(check.sentence for check in self.checks if not check.passed)


@dataclass(frozen=True, slots=True)
class Tally:
    """Fields of which both are right, only the candidate (``gained``), only the one in use (``lost``), or neither."""

    both: int
    gained: int
    lost: int
    neither: int

    @staticmethod
    def of(paired: Iterable[Paired]) -> Tally:
        """Count."""
        seen = [(one.right_before, one.right_after) for one in paired]
        return Tally(*(seen.count(way) for way in ((True, True), (False, True), (True, False), (False, False))))

    @property
    def count(self) -> int:
        return self.both + self.gained + self.lost + self.neither

    @property
    def before(self) -> int:
        """How many the one in use has right."""
        return self.both + self.lost

    @property
    def after(self) -> int:
        """How many the candidate has right."""
        return self.both + self.gained


def judge(paired: Sequence[Paired], mnist: tuple[float, float], honesty: Sequence[Honesty]) -> Verdict:
    """Whether the candidate may be used.

    Args:
        paired: held-out fields of known truth.
        mnist: the share of MNIST's test half that is read right, before and after.
        honesty: what the candidate's calibration let through of the held-out fields, for each of ``RATES``.
    """
    return Verdict((_in_all(paired), *_on_each_kind(paired), _on_mnist(*mnist), *map(_by_calibration, honesty)))


def mcnemar(better: int, worse: int) -> float:
    """The chance of ``better`` or more of the fields that tell the two apart, if neither were better."""
    return float(binom.sf(better - 1, better + worse, 0.5))


def largest_loss(tally: Tally) -> float:
    """The share of fields that the candidate may have lost, net: the upper end of a one-sided 95 % interval.

    Newcombe's method 10: the score intervals of both shares, put together with how they go along with each other.
    """
    if not tally.count:
        return 1.0
    n = tally.count
    before, after = tally.before / n, tally.after / n
    top, bottom = _score(tally.before, n)[1] - before, after - _score(tally.after, n)[0]
    joint = _correlation(tally)
    reach = math.sqrt(max(0.0, top**2 - 2 * joint * top * bottom + bottom**2))
    return before - after + reach


def _in_all(paired: Sequence[Paired]) -> Check:
    tally = Tally.of(paired)
    chance, loss = mcnemar(tally.gained, tally.lost), largest_loss(tally)
    surely_better, surely_no_worse = chance <= LEVEL, loss <= TOLERATED
    passed = tally.after >= tally.before and (surely_better or surely_no_worse)
    said = f"of {tally.count} held-out fields {tally.before} were right and {tally.after} are ({_told(tally)})"
    if tally.after < tally.before:
        said += ": fewer than before"
    elif surely_better:
        said += f": better, McNemar's p = {chance:.2g}"
    else:
        said += f": not surely better, and up to {100 * loss:.1f} % may be lost, where {100 * TOLERATED:g} % may"
    return Check("in all", passed, said)


def _on_each_kind(paired: Sequence[Paired]) -> list[Check]:
    groups: dict[str, list[Paired]] = defaultdict(list)
    for one in paired:
        groups[one.group].append(one)
    return [_on_kind(group, Tally.of(members)) for group, members in sorted(groups.items())]


def _on_kind(group: str, tally: Tally) -> Check:
    chance = mcnemar(tally.lost, tally.gained)
    passed = chance > LEVEL
    end = "not clearly worse" if passed else f"clearly worse, McNemar's p = {chance:.2g}"
    said = f"{group}: {tally.before} of {tally.count} were right, {tally.after} are ({_told(tally)}): {end}"
    return Check(group, passed, said)


def _on_mnist(before: float, after: float) -> Check:
    passed = before - after <= MNIST_TOLERATED + 1e-9
    end = "within 0.05 points" if passed else "lower by more than 0.05 points"
    return Check("MNIST", passed, f"MNIST: {before:.2%} were right, {after:.2%} are: {end}")


def _by_calibration(one: Honesty) -> Check:
    low, high = one.seen.interval
    said = f"at {100 * one.rate:g} % error asked for, {one.seen.wrong} of {one.seen.answered} accepted are wrong"
    end = f" (95 % interval {100 * low:.1f} to {100 * high:.1f} %): {'kept' if one.is_kept else 'not kept'}"
    return Check(f"error of {100 * one.rate:g} %", one.is_kept, said + end)


def _told(tally: Tally) -> str:
    return f"{tally.gained} gained, {tally.lost} lost"


def _score(right: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share, each end at ``LEVEL``."""
    middle = (right + _Z**2 / 2) / (count + _Z**2)
    reach = _Z * math.sqrt(right * (count - right) / count + _Z**2 / 4) / (count + _Z**2)
    return middle - reach, middle + reach


def _correlation(tally: Tally) -> float:
    """Newcombe's phi, with his correction for continuity where the two go along with each other."""
    spread = math.prod((tally.before, tally.count - tally.before, tally.after, tally.count - tally.after))
    if not spread:
        return 0.0
    along = tally.both * tally.neither - tally.gained * tally.lost
    return (max(along - tally.count / 2, 0) if along > 0 else along) / math.sqrt(spread)
