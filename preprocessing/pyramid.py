"""A page at several sizes.

To shrink a full page by an odd factor costs more than to find the form on it; halving is nearly free, and what is left
of the factor has few pixels to work on.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """A page made smaller: ``grey`` is (h, w) uint8, ``page_from_reduced`` (3, 3) takes its pixels to the page's.

    Pixel centres, not corners, are what the matrix relates.
    """

    grey: np.ndarray
    page_from_reduced: np.ndarray


class Pyramid:
    """A page and its halves, each made when it is first asked for, by averages of four pixels."""

    def __init__(self, full: np.ndarray) -> None:
        """``full`` is (H, W) uint8."""
        self.full = full
        self._halves = [full]

    def at(self, scale: float) -> Reduced:
        """The page at about ``scale`` of its size, or as it is from 1 on."""
        level = self._level(scale)
        half = self._half(level)
        left = scale * 2**level
        size = (round(half.shape[1] * left), round(half.shape[0] * left))
        grey = cv2.resize(half, size, interpolation=cv2.INTER_LINEAR) if left < 1 else half
        across, down = (
            2**level * before / after for before, after in zip(half.shape[::-1], grey.shape[::-1], strict=True)
        )
        page_from_reduced = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
        return Reduced(grey, page_from_reduced)

    def _level(self, scale: float) -> int:
        """How often the page may be halved and still be no smaller than asked for."""
        level = 0
        while scale * 2 ** (level + 1) <= 1 and min(self.full.shape) >> (level + 1):
            level += 1
        return level

    def _half(self, level: int) -> np.ndarray:
        while len(self._halves) <= level:
            last = self._halves[-1]
            height, width = (side // 2 for side in last.shape)
            even = last[: 2 * height, : 2 * width]
            self._halves.append(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))
        return self._halves[level]
