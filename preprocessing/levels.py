"""Quantiles of grey levels: of the few hundred that a digit has, NumPy's own take longer to start than to calculate."""

from __future__ import annotations

import cv2
import numpy as np

MANY = 4096  # from so many on counting each level is quicker than ranking


def level_quantile(levels: np.ndarray, share: float) -> float:
    """The same as ``np.quantile(levels, share)``: linear between the two levels where it falls.

    Args:
        levels: uint8 of any shape, at least one.
        share: in [0, 1].
    """
    if levels.size <= MANY:
        return quantile(levels, share)
    return _counted_quantile(_counted(levels.reshape(1, -1), None), share)


def level_quantiles(levels: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """``level_quantile`` for several shares of many levels, which are counted once."""
    counted = _counted(levels.reshape(1, -1), None)
    return [_counted_quantile(counted, share) for share in shares]


def masked_quantile(levels: np.ndarray, mask: np.ndarray, share: float) -> float:
    """``level_quantile(levels[mask], share)`` of (h, w) uint8 levels and a (h, w) bool mask that is True somewhere."""
    return _counted_quantile(_counted(levels, mask.view(np.uint8)), share)


def quantile(values: np.ndarray, share: float) -> float:
    """``level_quantile`` of values of any kind."""
    place = share * (values.size - 1)
    below = int(place)
    above = min(below + 1, values.size - 1)
    ranked = np.partition(values, (below, above), axis=None)
    low, high = float(ranked[below]), float(ranked[above])
    return low + (place - below) * (high - low)


def _counted(levels: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """(256,): how many are no higher than each level."""
    return np.cumsum(cv2.calcHist([levels], [0], mask, [256], [0, 256]).ravel(), dtype=np.int64)


def _counted_quantile(counted: np.ndarray, share: float) -> float:
    place = share * float(counted[-1] - 1)
    low, high = np.searchsorted(counted, (int(place), int(place) + 1), side="right").tolist()
    return float(low + (place - int(place)) * (min(high, 255) - low))
