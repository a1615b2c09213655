"""Digits as strokes of a pen, and ink as it is left when paper and print are gone.

Ink is (h, w) uint8 at 200 dpi, 255 where the pen wrote. The strokes are the tests' own: ``cv2.putText`` draws other
shapes in other versions of OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

PX_PER_MM = 200 / 25.4
WIDTH_OF_DIGIT = 0.6  # of its height
PITCH = 0.85

Stroke = list[tuple[float, float]]


def _arc(x: float, y: float, rx: float, ry: float, begin_deg: float, end_deg: float) -> Stroke:
    """From ``begin_deg`` to ``end_deg``; 0 is to the right, 90 down."""
    angles = np.deg2rad(np.linspace(begin_deg, end_deg, 25))
    return [(x + rx * float(np.cos(angle)), y + ry * float(np.sin(angle))) for angle in angles]


# In a box of width 0.6 and height 1, y down.
_GLYPHS: dict[str, list[Stroke]] = {
    "0": [_arc(0.3, 0.5, 0.3, 0.5, -90, 270)],
    "1": [[(0.1, 0.2), (0.3, 0.0), (0.3, 1.0)]],
    "2": [[*_arc(0.3, 0.28, 0.28, 0.28, -170, 30), (0.0, 1.0), (0.6, 1.0)]],
    "3": [_arc(0.28, 0.26, 0.28, 0.26, -150, 90), _arc(0.28, 0.75, 0.32, 0.25, -90, 150)],
    "4": [[(0.4, 0.0), (0.0, 0.65), (0.6, 0.65)], [(0.42, 0.35), (0.42, 1.0)]],
    "5": [[(0.08, 0.05), (0.05, 0.45), *_arc(0.26, 0.7, 0.32, 0.3, -130, 150)], [(0.08, 0.05), (0.55, 0.0)]],
    "6": [[(0.45, 0.0), *_arc(0.3, 0.7, 0.3, 0.3, -170, 190)]],
    "7": [[(0.0, 0.0), (0.6, 0.0), (0.2, 1.0)]],
    "8": [_arc(0.3, 0.25, 0.24, 0.25, 90, 450), _arc(0.3, 0.75, 0.3, 0.25, -90, 270)],
    "9": [[*_arc(0.3, 0.3, 0.28, 0.3, 0, -360), (0.5, 1.0)]],
}


def strokes_of(text: str, left_mm: float, foot_mm: float, height_mm: float, slant: float = 0.0) -> list[Stroke]:
    """The strokes of a number in mm. ``slant``: how far heads lean to the right, as a share of the height."""
    strokes: list[Stroke] = []
    for index, digit in enumerate(text):
        x = left_mm + index * PITCH * height_mm
        strokes += [
            [(x + height_mm * (u + slant * (1 - v)), foot_mm + height_mm * (v - 1)) for u, v in stroke]
            for stroke in _GLYPHS[digit]
        ]
    return strokes


def ink_of_strokes(shape: tuple[int, int], strokes_mm: Sequence[Stroke], pen_mm: float = 0.5) -> np.ndarray:
    """Strokes along straight lines, soft at their edges as a scan's are."""
    fine = np.zeros((4 * shape[0], 4 * shape[1]), np.uint8)
    for stroke in strokes_mm:
        points = (np.array(stroke) * 4 * PX_PER_MM).round().astype(np.int32)
        cv2.polylines(fine, [points], isClosed=False, color=255, thickness=max(1, round(4 * pen_mm * PX_PER_MM)))
    return cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA)


def ink_of_digit(
    shape: tuple[int, int],
    digit: str,
    middle_mm: tuple[float, float],
    height_mm: float,
    pen_mm: float = 0.5,
    slant: float = 0.0,
) -> np.ndarray:
    """One digit with the middle of its box at (x, y), ``height_mm`` high from the pen's middle to the pen's middle."""
    left = middle_mm[0] - height_mm * (WIDTH_OF_DIGIT + slant) / 2
    return ink_of_strokes(shape, strokes_of(digit, left, middle_mm[1] + height_mm / 2, height_mm, slant), pen_mm)
