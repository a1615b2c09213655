"""How good confidences of whole values are: calibration error, risk against coverage, and what an error rate leaves.

Fields may count differently: people answer all that was flagged and a sample of what was accepted, so that each answer
stands for a number of fields (Cochran 1977, "Sampling Techniques", chapter 5). Among fields that count alike the
figures are those of ``mnist_model.evaluation`` for digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15  # as for digits
RATES = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
COVERAGES = tuple(tenth / 10 for tenth in range(1, 11))


@dataclass(frozen=True, slots=True)
class JudgedField:
    """A field whose truth is known, and for how many it stands. What was not read has the confidence 0."""

    confidence: float
    right: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Fields of about one confidence: its mean, the share that is right, and how many they stand for."""

    confidence: float
    right: float
    weight: float


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """With the ``coverage`` surest of the fields accepted, those from ``confidence`` on, ``risk`` of them are wrong."""

    coverage: float
    confidence: float
    risk: float


@dataclass(frozen=True, slots=True)
class FieldFigures:
    """``count`` judged fields: the share ``exact`` (right), the expected calibration error, the area under the curve.

    ``curve`` has a point for each threshold there is, the strictest first.
    """

    count: int
    exact: float
    ece: float
    aurc: float
    reliability: tuple[ReliabilityBin, ...]
    curve: tuple[RiskPoint, ...]

    def covering(self, coverage: float) -> RiskPoint:
        """The strictest threshold that accepts at least this share."""
        return next(point for point in self.curve if point.coverage >= coverage - 1e-9)

    def within(self, rate: float) -> RiskPoint | None:
        """The most lenient threshold with no more errors than that, in hindsight; None where there is none."""
        return next((point for point in reversed(self.curve) if point.risk <= rate), None)


def field_figures(fields: Sequence[JudgedField]) -> FieldFigures:
    """The figures of at least one field."""
    ordered = sorted(fields, key=lambda field: -field.confidence)
    sure = np.array([field.confidence for field in ordered])
    right = np.array([field.right for field in ordered], dtype=float)
    weight = np.array([field.weight for field in ordered])
    covered, wrong = np.cumsum(weight), np.cumsum(weight * (1 - right))
    last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))  # a threshold takes equal ones together
    total = float(covered[-1])
    curve = [RiskPoint(float(covered[n]) / total, float(sure[n]), float(wrong[n] / covered[n])) for n in last]
    bins = _bins(sure, right, weight)
    shares = np.diff([0.0, *(point.coverage for point in curve)])
    return FieldFigures(
        count=len(fields),
        exact=1 - curve[-1].risk,
        ece=sum(one.weight * abs(one.confidence - one.right) for one in bins) / total,
        aurc=float(sum(share * point.risk for share, point in zip(shares, curve, strict=True))),
        reliability=tuple(bins),
        curve=tuple(curve),
    )


def _bins(sure: np.ndarray, right: np.ndarray, weight: np.ndarray) -> list[ReliabilityBin]:
    """Of equal width over [0, 1] (Guo et al. 2017, section 2); those without fields are left out."""
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    weights, confidences, rights = (
        np.bincount(places, part, minlength=BINS) for part in (weight, weight * sure, weight * right)
    )
    return [
        ReliabilityBin(float(confidences[n] / weights[n]), float(rights[n] / weights[n]), float(weights[n]))
        for n in np.flatnonzero(weights)
    ]
