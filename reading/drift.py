"""Whether a batch's fields are like those that acceptance was set on: two-sample tests, statistic by statistic.

Two questions are asked of each statistic. Is there a difference at all: the two-sample test of Kolmogorov and Smirnov
(Smirnov 1948, Annals of Mathematical Statistics 19, 279), at a level that is shared among the statistics (Bonferroni).
And does it matter: among thousands of fields the smallest difference is certain, so that the population stability index
over the reference's tenths must also pass its usual bounds, 0.1 and 0.25 (Siddiqi 2006, "Credit Risk Scorecards",
chapter 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.special import kolmogorov

LEAST = 100  # fields on either side: with fewer the index is mostly noise
KEPT = 1000  # numbers of a reference that are kept: more would hardly tell more
CERTAINTY = 0.99
_MARKED, _STRONG = 0.1, 0.25
_TENTHS = 10


class Level(IntEnum):
    """How far a statistic has moved."""

    NONE = 0
    MARKED = 1  # people are warned
    STRONG = 2  # and nothing is accepted


@dataclass(frozen=True, slots=True)
class Reference:
    """The statistics of fields as they should be, by name, each sorted; ``fields`` is how many fields they are from."""

    fields: int
    samples: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class StatisticDrift:
    """One statistic beside its reference.

    ``distance`` in [0, 1] is the largest difference of the two distribution functions, ``p_value`` the chance of one as
    large between equal distributions; ``stability`` is the population stability index; ``before`` and ``now`` are the
    medians.
    """

    name: str
    distance: float
    p_value: float
    stability: float
    before: float
    now: float
    level: Level


@dataclass(frozen=True, slots=True)
class DriftReport:
    """``fields`` beside a reference of ``reference_fields``."""

    fields: int
    reference_fields: int
    statistics: tuple[StatisticDrift, ...]

    @property
    def level(self) -> Level:
        """How far the statistic that moved most has moved."""
        return max((one.level for one in self.statistics), default=Level.NONE)

    @property
    def moved(self) -> tuple[StatisticDrift, ...]:
        """The statistics that drifted, the furthest first."""
        drifted = (one for one in self.statistics if one.level > Level.NONE)
        return tuple(sorted(drifted, key=lambda one: -one.stability))


def reference_of(samples: Mapping[str, Sequence[float]], kept: int = KEPT) -> Reference:
    """A reference of these samples, one number a field for each statistic; long ones are thinned evenly to ``kept``."""
    fields = max((len(sample) for sample in samples.values()), default=0)
    return Reference(fields, {name: _thinned(sample, kept) for name, sample in samples.items()})


def drift(reference: Reference, samples: Mapping[str, Sequence[float]]) -> DriftReport | None:
    """Compare samples with the reference's, as far as both have them.

    Returns:
        The report; None where either side has fewer than ``LEAST`` fields.
    """
    fields = max((len(sample) for sample in samples.values()), default=0)
    if min(fields, reference.fields) < LEAST:
        return None
    names = [name for name in reference.samples if name in samples]
    level = (1 - CERTAINTY) / max(1, len(names))
    found = (_statistic(name, reference.samples[name], samples[name], level) for name in names)
    return DriftReport(fields, reference.fields, tuple(found))


def _thinned(sample: Sequence[float], kept: int) -> tuple[float, ...]:
    ordered = np.sort(np.asarray(sample, dtype=float))
    if len(ordered) > kept:
        ordered = ordered[np.linspace(0, len(ordered) - 1, kept).round().astype(int)]
    return tuple(ordered.tolist())


def _statistic(name: str, before: Sequence[float], now: Sequence[float], level: float) -> StatisticDrift:
    old, new = np.asarray(before), np.sort(np.asarray(now, dtype=float))
    distance = _distance(old, new)
    p_value = _p_value(distance, len(old), len(new))
    stability = _stability(old, new)
    found = _level(stability) if p_value < level else Level.NONE
    return StatisticDrift(name, distance, p_value, stability, float(np.median(old)), float(np.median(new)), found)


def _level(stability: float) -> Level:
    if stability >= _STRONG:
        return Level.STRONG
    return Level.MARKED if stability >= _MARKED else Level.NONE


def _distance(old: np.ndarray, new: np.ndarray) -> float:
    """The Kolmogorov-Smirnov statistic of two sorted samples."""
    everything = np.concatenate([old, new])
    shares = [np.searchsorted(sample, everything, side="right") / len(sample) for sample in (old, new)]
    return float(np.abs(shares[0] - shares[1]).max())


def _p_value(distance: float, old: int, new: int) -> float:
    """By Kolmogorov's limit, which errs to the large side where values are equal."""
    return float(kolmogorov(distance * np.sqrt(old * new / (old + new))))


def _stability(old: np.ndarray, new: np.ndarray) -> float:
    """The population stability index over the tenths of ``old``, half a field added to each so that none is empty."""
    inner = np.unique(np.quantile(old, np.linspace(0, 1, _TENTHS + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(inner, sample), minlength=len(inner) + 1) for sample in (old, new)]
    expected, found = ((count + 0.5) / (count + 0.5).sum() for count in counts)
    return float(((found - expected) * np.log(found / expected)).sum())
