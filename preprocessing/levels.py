"""Quantiles of grey levels: of the few hundred that a digit has, NumPy's own take longer to start than to calculate."""

from __future__ import annotations

import numpy as np


def level_quantile(levels: np.ndarray, share: float) -> float:
    """The same as ``np.quantile(levels, share)``: linear between the two levels where it falls.

    Args:
        levels: uint8 of any shape, at least one.
        share: in [0, 1].
    """
    place = share * (levels.size - 1)
    below = int(place)
    above = min(below + 1, levels.size - 1)
    ranked = np.partition(levels, (below, above), axis=None)
    low, high = int(ranked[below]), int(ranked[above])
    return low + (place - below) * (high - low)
