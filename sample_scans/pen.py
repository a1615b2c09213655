"""Handwriting: digits, words and signatures as ink coverage.

Digits come from MNIST's test half (:class:`MnistHand`) or from the project's own strokes (:class:`StrokeHand`); words
and signatures are always strokes. A hand keeps one style: its slant, its pen's width and its few shapes for each digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.interpolate import CubicSpline

GLYPH_PX = 20  # MNIST's digits fill a box of 20 px on their longer side
SHAPES_PER_DIGIT = 4
SAMPLED_PER_DIGIT = 160
LOWEST_LEVEL = 90.0  # of 255: where the edge of a blurred glyph may be cut
FAINT_INK = 80
FAINTEST = 90.0  # of 255: what is fainter than this is no stroke


class Hand(Protocol):
    """Someone who writes digits."""

    def digit(self, digit: int, height_px: float, rng: np.random.Generator) -> np.ndarray:
        """One digit, cropped to its ink: (h, w) float32 coverage in [0, 1]; a full-sized one is ``height_px`` high."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Glyphs:
    """MNIST digits with what tells writers apart: images (N, 28, 28) uint8, labels, slant and stroke width in px."""

    images: np.ndarray
    labels: np.ndarray
    slant: np.ndarray
    width_px: np.ndarray


def load_glyphs(mnist_npz: Path) -> Glyphs:
    """MNIST's test half from Keras' file, without the 2 % that its sampling broke to pieces: no pen leaves such."""
    with np.load(mnist_npz) as arrays:
        images, labels = arrays["x_test"], arrays["y_test"]
    whole = _pieces(images) <= np.where(labels == 5, 2, 1)  # a 5's roof often stands alone
    images, labels = images[whole], labels[whole]
    return Glyphs(images, labels, _slant(images), _stroke_width_px(images))


def _pieces(images: np.ndarray) -> np.ndarray:
    """How many separate pieces of ink each image holds."""
    neighbours = np.zeros((3, 3, 3), dtype=int)
    neighbours[1] = 1  # within an image, not from one to the next
    labels, _ = ndimage.label(images > FAINT_INK, neighbours)
    highest = np.maximum.accumulate(labels.max(axis=(1, 2)))
    return np.diff(highest, prepend=0)


def _slant(images: np.ndarray) -> np.ndarray:
    """Shear of each image from its second moments: px to the right for each px upwards."""
    weight = images / images.sum(axis=(1, 2), keepdims=True)
    rows, columns = np.mgrid[:28, :28]
    row = rows - (weight * rows).sum(axis=(1, 2))[:, None, None]
    column = columns - (weight * columns).sum(axis=(1, 2))[:, None, None]
    return -(weight * row * column).sum(axis=(1, 2)) / (weight * row**2).sum(axis=(1, 2))


def _stroke_width_px(images: np.ndarray) -> np.ndarray:
    """Twice the ink's area over its outline's length."""
    ink = images / 255.0
    down, across = np.gradient(ink, axis=(1, 2))
    return 2 * ink.sum(axis=(1, 2)) / np.hypot(down, across).sum(axis=(1, 2))


class MnistHand:
    """Writes with digits of MNIST that could be one person's: alike in slant and stroke width."""

    def __init__(self, glyphs: Glyphs, rng: np.random.Generator) -> None:
        slant, width_px = rng.normal(0.12, 0.16), rng.uniform(1.8, 2.8)
        distance = np.hypot((glyphs.slant - slant) / 0.2, (glyphs.width_px - width_px) / 0.5)
        self._shapes = [self._choose(glyphs, digit, distance, rng) for digit in range(10)]
        self._level = rng.uniform(115, 165)  # where the blurred edge is cut: a wider or a finer pen

    @staticmethod
    def _choose(glyphs: Glyphs, digit: int, distance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        of_digit = np.flatnonzero(glyphs.labels == digit)
        sampled = rng.choice(of_digit, min(SAMPLED_PER_DIGIT, of_digit.size), replace=False)
        return glyphs.images[sampled[np.argsort(distance[sampled])[:SHAPES_PER_DIGIT]]]

    def digit(self, digit: int, height_px: float, rng: np.random.Generator) -> np.ndarray:
        """One of this hand's shapes of the digit, redrawn smoothly at pen resolution."""
        shape = self._shapes[digit][rng.integers(len(self._shapes[digit]))]
        return redraw(shape, height_px / GLYPH_PX * rng.uniform(0.94, 1.06), self._level, rng.normal(0, 0.03))


def redraw(glyph: np.ndarray, scale: float, level: float, shear: float) -> np.ndarray:
    """A (28, 28) uint8 digit enlarged to look like a pen's line: (h, w) float32 coverage, cropped to its ink.

    Cubic interpolation of the blurred glyph and a soft threshold: the steps of the small picture vanish, and the edge
    is about one pixel wide at any size.
    """
    smooth = _even(ndimage.gaussian_filter(np.pad(glyph, 4).astype(np.float32), 0.7))
    size = np.ceil(np.array(smooth.shape) * scale).astype(int)
    to_glyph = np.array([[1, 0], [shear, 1]]) / scale
    offset = np.array([0.5, 0.5]) / scale - 0.5 - [0, shear * smooth.shape[0] / 2]
    large = ndimage.affine_transform(smooth, to_glyph, offset, tuple(size), order=3)
    level = _unbroken_level(large, level)
    coverage = np.clip((large - level) / (110.0 / scale) + 0.5, 0, 1).astype(np.float32)
    return _cropped(coverage)


def _even(smooth: np.ndarray) -> np.ndarray:
    """``smooth`` with all its strokes as dark as the darkest: MNIST's thin ones are grey, and a cut would lose them."""
    darkest = ndimage.gaussian_filter(ndimage.maximum_filter(smooth, 5), 1.0)
    return np.minimum(255.0 * smooth / np.maximum(darkest, FAINTEST), 255.0)


def _unbroken_level(large: np.ndarray, level: float) -> float:
    """``level``, lowered until the cut keeps the glyph's pieces and holes: a fine pen must not turn an 8 into a 3."""
    pieces = _topology(large > LOWEST_LEVEL)
    while level > LOWEST_LEVEL and _topology(large > level) != pieces:
        level -= 10
    return max(level, LOWEST_LEVEL)


def _topology(ink: np.ndarray) -> tuple[int, int]:
    return ndimage.label(ink)[1], ndimage.label(~ink)[1]


def _cropped(coverage: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(coverage.max(axis=1) > 0.1), np.flatnonzero(coverage.max(axis=0) > 0.1)
    if rows.size == 0:
        return coverage[:1, :1]
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


# Each digit as strokes through points, x to the right and y down in a box one high.
STROKES: dict[int, tuple[tuple[tuple[float, float], ...], ...]] = {
    0: (((0.36, 0.02), (0.1, 0.2), (0.05, 0.6), (0.2, 0.95), (0.42, 0.95), (0.58, 0.6), (0.55, 0.2), (0.34, 0.03)),),
    1: (((0.1, 0.22), (0.22, 0.12), (0.3, 0.0), (0.29, 0.5), (0.28, 1.0)),),
    2: (((0.06, 0.22), (0.2, 0.03), (0.45, 0.06), (0.52, 0.3), (0.3, 0.66), (0.04, 0.97), (0.3, 0.95), (0.6, 0.98)),),
    3: (
        ((0.08, 0.08), (0.3, 0.0), (0.5, 0.14), (0.42, 0.38), (0.22, 0.46)),
        ((0.22, 0.46), (0.48, 0.54), (0.54, 0.78), (0.34, 0.98), (0.04, 0.9)),
    ),
    4: (((0.3, 0.0), (0.18, 0.36), (0.04, 0.62), (0.3, 0.64), (0.62, 0.6)), ((0.46, 0.3), (0.44, 0.65), (0.42, 1.0))),
    5: (
        ((0.14, 0.04), (0.11, 0.24), (0.08, 0.44)),
        ((0.08, 0.44), (0.34, 0.38), (0.54, 0.58), (0.46, 0.88), (0.22, 1.0), (0.02, 0.9)),
        ((0.14, 0.04), (0.34, 0.03), (0.58, 0.02)),
    ),
    6: (((0.44, 0.0), (0.2, 0.24), (0.06, 0.62), (0.18, 0.96), (0.44, 0.92), (0.5, 0.66), (0.3, 0.52), (0.1, 0.66)),),
    7: (((0.04, 0.06), (0.3, 0.05), (0.58, 0.03)), ((0.58, 0.03), (0.42, 0.4), (0.24, 1.0))),
    8: (
        (
            (0.48, 0.1),
            (0.24, 0.0),
            (0.1, 0.2),
            (0.3, 0.45),
            (0.5, 0.74),
            (0.32, 0.98),
            (0.08, 0.84),
            (0.16, 0.58),
            (0.4, 0.36),
            (0.5, 0.12),
        ),
    ),
    9: (((0.5, 0.16), (0.3, 0.02), (0.08, 0.2), (0.16, 0.46), (0.4, 0.42), (0.52, 0.16), (0.5, 0.5), (0.42, 1.0)),),
}


class StrokeHand:
    """Writes digits with the project's own strokes: needs no data."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._slant = rng.normal(0.1, 0.12)
        self._pen = rng.uniform(0.08, 0.12)  # of the digit's height

    def digit(self, digit: int, height_px: float, rng: np.random.Generator) -> np.ndarray:
        """The digit's strokes, a little different each time."""
        strokes = []
        for stroke in STROKES[digit]:
            points = np.array(stroke) + rng.normal(0, 0.012, (len(stroke), 2))
            points[:, 0] += self._slant * (1 - points[:, 1]) + 0.3
            strokes.append((points + 0.2) * height_px)
        size = (int(1.6 * height_px), int(1.4 * height_px))
        return _cropped(draw_strokes(strokes, size, self._pen * height_px))


def draw_strokes(strokes: list[np.ndarray], size_px: tuple[int, int], pen_px: float) -> np.ndarray:
    """Smooth lines through the (N, 2) points of each stroke: (h, w) float32 coverage; ``size_px`` is (w, h)."""
    oversampling = 3
    image = Image.new("L", (size_px[0] * oversampling, size_px[1] * oversampling))
    draw = ImageDraw.Draw(image)
    radius = max(0.7, pen_px * oversampling / 2)
    for stroke in strokes:
        steps = max(8, round(float(np.hypot(*np.diff(stroke, axis=0).T).sum() * oversampling / radius * 2)))
        along = np.linspace(0, len(stroke) - 1, steps)
        for x, y in CubicSpline(np.arange(len(stroke)), stroke)(along) * oversampling:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(image.resize(size_px, Image.Resampling.BOX), dtype=np.float32) / 255


# Letters of a running hand: points between the baseline (0) and the x-height (1), each letter one unit wide.
LETTERS: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0.2, 0.1), (0.55, 0.9), (0.3, 0.95), (0.3, 0.15), (0.9, 0.1)),  # e
    ((0.2, 0.2), (0.5, 2.1), (0.3, 2.0), (0.35, 0.1), (0.9, 0.1)),  # l
    ((0.2, 0.9), (0.3, 0.1), (0.5, 0.9), (0.7, 0.9), (0.75, 0.1), (0.95, 0.15)),  # n
    ((0.2, 0.9), (0.25, 0.15), (0.6, 0.15), (0.7, 0.9), (0.75, 0.1), (0.95, 0.15)),  # u
    ((0.7, 0.85), (0.3, 0.9), (0.25, 0.2), (0.65, 0.2), (0.72, 0.9), (0.78, 0.1), (0.95, 0.15)),  # a
    ((0.5, 0.95), (0.2, 0.5), (0.5, 0.02), (0.8, 0.5), (0.5, 0.95), (0.95, 0.8)),  # o
    ((0.3, 0.8), (0.5, 1.0), (0.55, 0.3), (0.3, 0.05), (0.9, 0.15)),  # s
    ((0.7, 0.9), (0.3, 0.8), (0.4, 0.3), (0.7, 0.9), (0.7, -0.9), (0.4, -0.9), (0.9, 0.2)),  # g
    ((0.4, 1.7), (0.38, 0.8), (0.42, 0.1), (0.8, 0.1)),  # t
    ((0.2, 0.8), (0.4, 0.85), (0.45, 0.1), (0.9, 0.15)),  # i
)


def scrawl(letters: int, x_height_px: float, slant: float, rng: np.random.Generator) -> np.ndarray:
    """A word of so many running letters: (N, 2) points from (0, 0) on the baseline, y down."""
    points = []
    for n in range(letters):
        shape = np.array(LETTERS[rng.integers(len(LETTERS))]) + rng.normal(0, 0.05, 2)
        high = 1.35 if n == 0 else 1.0  # a capital
        x = (n + shape[:, 0]) * 0.85 + slant * shape[:, 1]
        points.append(np.column_stack([x, -high * shape[:, 1]]))
    return np.concatenate(points) * x_height_px
