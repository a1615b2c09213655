"""The same fields read by two sets of nets: how many are right, and which digits are taken for which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from reading.checked import is_acceptable
from reading.gate import Honesty, Paired
from reading.lessons import Lesson
from reading.readings import FieldReading
from reading.realised_error import RealisedError
from reading.trust import Trust

NO_DIGIT = 10  # in a confusion matrix: a digit that was lost, or one too many


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A lesson's field as it was read before and after learning."""

    lesson: Lesson
    before: FieldReading
    after: FieldReading

    @property
    def right_before(self) -> bool:
        return self.before.value == self.lesson.value

    @property
    def right_after(self) -> bool:
        return self.after.value == self.lesson.value

    @property
    def group(self) -> str:
        """The kind of field, as reports name it: the form's fields of one kind go together."""
        return f"{self.lesson.kind} fields of {self.lesson.form.name}"

    @property
    def paired(self) -> Paired:
        """What the gate needs of it."""
        return Paired(self.group, self.right_before, self.right_after)


@dataclass(frozen=True, slots=True)
class KindFigures:
    """How many fields of one kind are right before and after; intervals are exact 95 % ones (Clopper and Pearson)."""

    name: str
    count: int
    right_before: int
    right_after: int

    @property
    def interval_before(self) -> tuple[float, float]:
        return _interval(self.right_before, self.count)

    @property
    def interval_after(self) -> tuple[float, float]:
        return _interval(self.right_after, self.count)


def figures_by_kind(compared: Sequence[Compared]) -> tuple[KindFigures, ...]:
    """All fields first, then each kind."""
    groups: dict[str, list[Compared]] = defaultdict(list)
    for one in compared:
        groups[one.group].append(one)
    return tuple(_figures(name, members) for name, members in [("all", compared), *sorted(groups.items())])


def confusion(truths: Sequence[str], values: Sequence[str]) -> np.ndarray:
    """Which digits were read as which, over values laid beside their truths.

    Returns:
        (11, 11) int64: rows the truth, columns what was read; 10 stands for no digit.
    """
    counts = np.zeros((NO_DIGIT + 1, NO_DIGIT + 1), dtype=np.int64)
    for truth, value in zip(truths, values, strict=True):
        for right, read in _beside(truth, value):
            counts[right, read] += 1
    return counts


def honesty_of(compared: Sequence[Compared], trust: Trust, rates: Sequence[float]) -> tuple[Honesty, ...]:
    """What the candidate's thresholds let through of the fields, for each error rate."""
    return tuple(Honesty(rate, _let_through(compared, trust, rate)) for rate in rates)


def _let_through(compared: Sequence[Compared], trust: Trust, rate: float) -> RealisedError:
    kinds = {(one.lesson.form.name, one.lesson.kind) for one in compared}
    thresholds = {key: trust.promise(*key, rate).threshold for key in kinds}
    accepted = [
        one.right_after
        for one in compared
        if one.after.value
        and is_acceptable(one.after.reasons)
        and one.after.confidence >= thresholds[one.lesson.form.name, one.lesson.kind]
    ]
    return RealisedError(accepted.count(False), len(accepted))


def _beside(truth: str, value: str) -> list[tuple[int, int]]:
    """Pairs of digits: what both have in common stays together, the rest is laid side by side from the left."""
    pairs: list[tuple[int, int]] = []
    for _, a, b, c, d in SequenceMatcher(None, truth, value, autojunk=False).get_opcodes():
        length = max(b - a, d - c)
        rights = [*map(int, truth[a:b]), *[NO_DIGIT] * (length - (b - a))]
        reads = [*map(int, value[c:d]), *[NO_DIGIT] * (length - (d - c))]
        pairs += zip(rights, reads, strict=True)
    return pairs


def _figures(name: str, compared: Sequence[Compared]) -> KindFigures:
    right = sum(one.right_before for one in compared), sum(one.right_after for one in compared)
    return KindFigures(name, len(compared), *right)


def _interval(right: int, count: int) -> tuple[float, float]:
    low, high = RealisedError(count - right, count).interval
    return 1 - high, 1 - low
