"""Digits as many hands write them, drawn with a pen: the styles that MNIST, written in the USA, seldom or never has."""

from __future__ import annotations

import numpy as np

from mnist_model.allographs import ALLOGRAPHS, Allograph
from mnist_model.augmentation import normalize
from mnist_model.pen import CANVAS_PX, draw, spline

_HEIGHT_PX = 34.0  # of a digit on the canvas; MNIST's are 20 px high
_TO_MNIST = _HEIGHT_PX / 20
_WIDEST_PX = CANVAS_PX - 10.0  # the thickest pen reaches 4 px further
_POINTS_A_SPAN = 5


def write_digits(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws digits, each digit equally often, each in a hand of its own.

    Args:
        count: how many.
        rng: decides everything.

    Returns:
        (count, 28, 28) uint8, white on black, normalized as MNIST is, and (count,) int64, which digits they are.
    """
    labels = rng.permutation(np.arange(count) % 10)
    canvases = np.stack([write_digit(int(digit), rng) for digit in labels])
    return np.rint(255 * normalize(canvases)).astype(np.uint8), labels


def write_digit(digit: int, rng: np.random.Generator) -> np.ndarray:
    """One digit -> (44, 44) float32 in [0, 1], about 34 px high."""
    ways = ALLOGRAPHS[digit]
    weights = np.array([way.weight for way in ways])
    strokes = _fitted(_by_one_hand(ways[rng.choice(len(ways), p=weights / weights.sum())], rng))
    return draw(strokes, _TO_MNIST * float(np.clip(rng.lognormal(np.log(2.2), 0.35), 1.2, 4.5)))


def _by_one_hand(way: Allograph, rng: np.random.Generator) -> list[np.ndarray]:
    """Strokes (P, 2) in digit heights: between the extremes, in the proportions and with the tremor of one hand."""
    mix = rng.dirichlet(np.full(len(way.extremes), 0.7))
    points = np.tensordot(mix, way.extremes, axes=1) + rng.normal(0, 0.028, way.extremes.shape[1:])
    points = _in_proportion(points, rng)
    corners = way.corners & (rng.random() < 0.75)  # some hands round all corners
    starts = np.flatnonzero(way.lands)
    parts = zip(np.split(points, starts[1:]), np.split(corners, starts[1:]), strict=True)
    return [spline(np.repeat(part, 1 + corner, axis=0), _POINTS_A_SPAN) for part, corner in parts]


def _in_proportion(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The waist higher or lower, the top wider or narrower than the base, the whole wide or narrow and slanted."""
    x, y = points[:, 0] - points[:, 0].mean(), points[:, 1]
    height = np.sign(y) * np.abs(y) ** np.exp(rng.normal(0, 0.12))
    width = np.exp(rng.normal(0, 0.2)) * (1 + rng.normal(0, 0.15) * (y - 0.5))
    return np.stack([x * width + rng.normal(0.1, 0.2) * (0.5 - y), height], axis=1)


def _fitted(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """In the middle of the canvas, 34 px high; less where it would be too wide."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = np.maximum(high - low, 0.05)
    scale = min(_HEIGHT_PX / height, _WIDEST_PX / width)
    return [(stroke - (low + high) / 2) * scale + (CANVAS_PX - 1) / 2 for stroke in strokes]
