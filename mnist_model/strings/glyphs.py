"""Digits as MNIST seldom has them, drawn with pen strokes in the styles of ``mnist_model.strings.glyph_styles``."""

from __future__ import annotations

import numpy as np

from mnist_model.pen import spline
from mnist_model.strings.glyph_styles import STYLES
from mnist_model.strings.strokes import distance_to

SIDE_PX = 28
_HEIGHT_PX = 20.0

# For each digit: how often this project's own strokes are taken in place of MNIST's digits.
SHARES = (0.25, 0.55, 0.55, 0.3, 0.6, 0.5, 0.3, 0.6, 0.45, 0.6)


def draw_glyphs(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Digits of all styles, as often as ``SHARES`` has them.

    Returns:
        (count, 28, 28) uint8, white on black, 20 px high, and (count,) int64 which digits they are.
    """
    labels = rng.choice(10, size=count, p=np.array(SHARES) / sum(SHARES))
    return np.stack([draw_glyph(int(digit), rng) for digit in labels]), labels


def draw_glyph(digit: int, rng: np.random.Generator) -> np.ndarray:
    """One digit in one of its styles: (28, 28) uint8, white on black, 20 px high."""
    styles = STYLES[digit]
    strokes = styles[rng.integers(len(styles))]
    wobble = rng.uniform(0.02, 0.055)
    stretch = np.array([np.exp(rng.normal(0, 0.22)), 1.0])
    lines = [spline(np.array(stroke) + rng.normal(0, wobble, (len(stroke), 2))) * stretch for stroke in strokes]
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = _HEIGHT_PX / max(high[1] - low[1], (high[0] - low[0]) * _HEIGHT_PX / (SIDE_PX - 3))
    middle = (low + high) / 2
    return _drawn([(line - middle) * scale + SIDE_PX / 2 - 0.5 for line in lines], rng.uniform(2.0, 3.4))


def _drawn(lines: list[np.ndarray], width_px: float) -> np.ndarray:
    segments = np.concatenate([np.hstack([line[:-1], line[1:]]) for line in lines])
    distance = distance_to(segments, (SIDE_PX, SIDE_PX))
    return np.rint(255 * np.clip(width_px / 2 + 0.5 - distance, 0, 1)).astype(np.uint8)
