"""The figures of a report: counts by confidence, reliability, and risk against coverage, from people's answers.

People answer fields that were flagged, and a sample of those that were accepted. To speak for the batch, each answer
counts for as many fields as it stands for: a stratified sample, with the accepted and the flagged as its two strata
(Cochran 1977, "Sampling Techniques", chapter 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from ledger.reporting import BINS, AnsweredField, ReportRows
from reading.realised_error import RealisedError

LEAST_ANSWERS = 20  # of either kind: with fewer the curves say nothing
_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """How many fields have a confidence from ``low`` to ``high``."""

    low: float
    high: float
    accepted: int
    flagged: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Answered fields with a confidence from ``low`` to ``high``: what they promised, and what they kept.

    ``right`` is the share that was right, ``interval`` its exact 95 % interval.
    """

    low: float
    high: float
    answered: int
    promised: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Were only the surest ``coverage`` of the fields accepted, ``risk`` of them would be wrong, by estimate."""

    coverage: float
    risk: float


def bars(rows: ReportRows) -> list[Bar]:
    """The histogram of confidence."""
    counts = zip(rows.accepted, rows.flagged, strict=True)
    return [Bar(number / BINS, (number + 1) / BINS, *count) for number, count in enumerate(counts)]


def reliability(answered: Sequence[AnsweredField]) -> list[Reliability]:
    """What confidences are worth, in the bins that have answers. Within a bin answers count alike."""
    return [
        _reliability(low, high, inside)
        for low, high in pairwise(_EDGES)
        if (inside := [field for field in answered if low <= field.confidence < high or field.confidence == high == 1])
    ]


def _reliability(low: float, high: float, inside: Sequence[AnsweredField]) -> Reliability:
    count = len(inside)
    error = RealisedError(sum(not field.right for field in inside), count)
    least, most = error.interval
    return Reliability(
        low, high, count, sum(field.confidence for field in inside) / count, 1 - error.rate, (1 - most, 1 - least)
    )


def risk_coverage(rows: ReportRows) -> list[CurvePoint]:
    """The curve, the surest first; empty with fewer than ``LEAST_ANSWERS`` to accepted or to flagged fields."""
    strata = {accepted: [one for one in rows.answered if one.accepted is accepted] for accepted in (True, False)}
    if min(map(len, strata.values())) < LEAST_ANSWERS:
        return []
    sizes = {True: sum(rows.accepted), False: sum(rows.flagged)}
    weights = {accepted: sizes[accepted] / len(fields) for accepted, fields in strata.items()}
    return list(_curve(sorted(rows.answered, key=lambda field: -field.confidence), weights))


def _curve(ordered: Sequence[AnsweredField], weights: dict[bool, float]) -> Iterator[CurvePoint]:
    each = [weights[field.accepted] for field in ordered]
    covered = list(accumulate(each))
    wrong = accumulate(0.0 if field.right else weight for field, weight in zip(ordered, each, strict=True))
    for field, following, cover, risk in zip(ordered, [*ordered[1:], None], covered, wrong, strict=True):
        if following is None or following.confidence != field.confidence:  # a threshold takes equal ones together
            yield CurvePoint(cover / covered[-1], risk / cover)
