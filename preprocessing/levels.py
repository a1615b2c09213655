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
    place = share * (levels.size - 1)
    below = int(place)
    above = min(below + 1, levels.size - 1)
    if levels.size > MANY:
        low, high = np.searchsorted(_counted(levels), (below, above), side="right").tolist()
    else:
        ranked = np.partition(levels, (below, above), axis=None)
        low, high = int(ranked[below]), int(ranked[above])
    return low + (place - below) * (high - low)


def _counted(levels: np.ndarray) -> np.ndarray:
    """(256,): how many are no higher than each level."""
    return np.cumsum(cv2.calcHist([levels.reshape(1, -1)], [0], None, [256], [0, 256]).ravel(), dtype=np.int64)
