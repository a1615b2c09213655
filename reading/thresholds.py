"""An error rate in, a threshold out: with the certainty that the rate is kept.

Learn then test (Angelopoulos, Bates, Candes, Jordan and Lei 2021, "Learn then Test", sections 2 and 3.2; the idea of
a selective classifier with a guaranteed risk is Geifman and El-Yaniv's, 2017). For a threshold, *more than
``max_error`` of the fields accepted are wrong* is a hypothesis; the number of errors among n accepted fields is
binomial, and the exact (Clopper and Pearson 1934) tail rejects it. Thresholds are tested from strict to lenient, and
the test ends at the first that is not rejected, so that testing many costs nothing (fixed sequence). A sequence that
began at the strictest would end at an early slip: some begin at each of ``_STARTS``, at an equal share of the allowed
risk (the paper's multi-start fallback), and the most lenient threshold that any of them reaches counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

CERTAINTY = 0.95
_STARTS = (0.2, 0.4, 0.7)  # the share of the fields that is accepted where a sequence begins


@dataclass(frozen=True, slots=True)
class Threshold:
    """Accept from this confidence on, and with ``CERTAINTY`` at most the rate asked for is wrong.

    ``accepted`` of the calibration's fields reach it, ``wrong`` of which are wrong.
    """

    confidence: float
    accepted: int
    wrong: int


def find_threshold(
    confidences: Sequence[float], right: Sequence[bool], max_error: float, certainty: float = CERTAINTY
) -> Threshold | None:
    """The most lenient threshold that keeps ``max_error``.

    If the calibration's fields and the fields to come are drawn alike, at most ``1 - certainty`` of calibrations give
    a threshold above which more than ``max_error`` of the fields to come are wrong. A larger ``max_error`` never gives
    a stricter threshold.

    Args:
        confidences: of the calibration's fields, in any order.
        right: whether each was right.
        max_error: the share of the accepted that may be wrong, in (0, 1).
        certainty: that the rate is kept.

    Returns:
        The threshold; None where these fields support none.
    """
    order = np.argsort(-np.asarray(confidences, dtype=float), kind="stable")
    ranked = np.asarray(confidences, dtype=float)[order]
    wrong = np.cumsum(~np.asarray(right, dtype=bool)[order])
    ends = _ends_of_ties(ranked)
    kept = error_bound(wrong[ends], ends + 1, 1 - (1 - certainty) / len(_STARTS)) <= max_error
    last = max(_reached(kept, int(np.searchsorted(ends + 1, share * len(ranked)))) for share in _STARTS)
    if last < 0:
        return None
    end = int(ends[last])
    return Threshold(float(ranked[end]), end + 1, int(wrong[end]))


def error_bound(wrong: np.ndarray, accepted: np.ndarray, certainty: float = CERTAINTY) -> np.ndarray:
    """Clopper and Pearson's upper bound of an error rate, element by element, for ``wrong`` of ``accepted`` > 0."""
    bound = betaincinv(wrong + 1, np.maximum(accepted - wrong, 1), certainty)
    return np.where(wrong >= accepted, 1.0, bound)


def fields_needed(max_error: float, certainty: float = CERTAINTY) -> int:
    """How many fields must be accepted without one error before ``max_error`` can be claimed of them at all."""
    return math.ceil(math.log(1 - certainty) / math.log1p(-max_error))


def _ends_of_ties(ranked: np.ndarray) -> np.ndarray:
    """The last index of each run of equal confidences: a threshold accepts all of a run or none."""
    return np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, int)


def _reached(kept: np.ndarray, start: int) -> int:
    """The last index of the unbroken run of ``kept`` from ``start``; -1 where there is none."""
    broken = np.flatnonzero(~kept[start:])
    end = start + int(broken[0]) if len(broken) else len(kept)
    return end - 1 if end > start else -1
