"""Images that are not a digit, composed of digits and pen strokes: what a cut in the wrong place or a form leaves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mnist_model.augmentation import finish, ink_box, warp
from mnist_model.pen import CANVAS_PX, CROSS, SIGNS, draw, on_canvas, scribble

_HIDDEN = 1.5  # times the ink of either: less than this and one digit of two lies within the other
# Halves of digits that do not look like another digit (the right half of an eight is a three).
_HALVES = (
    *((digit, "left") for digit in (0, 2, 3, 4, 5, 6, 7, 8, 9)),
    *((digit, "right") for digit in (0, 5, 6)),
    *((digit, "upper") for digit in (0, 4, 5)),
    *((digit, "lower") for digit in (0, 2, 4)),
)


def compose(images: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Composes images that are not a digit.

    Args:
        images: (N, 28, 28) uint8 digits to compose of, white on black; every digit must be among them.
        labels: (N,) which digits they are.
        count: how many to compose.
        rng: decides everything.

    Returns:
        (count, 28, 28) uint8, normalized as MNIST is.
    """
    makers: tuple[tuple[Callable[[_Drawer], np.ndarray], float], ...] = (
        (_Drawer.row_of_digits, 0.3),
        (_Drawer.overwritten, 0.1),
        (_Drawer.half, 0.18),
        (_Drawer.digit_and_half, 0.07),
        (_Drawer.sign, 0.15),
        (_Drawer.blob, 0.08),
        (_Drawer.scribble, 0.06),
        (_Drawer.struck_out, 0.06),
    )
    drawer = _Drawer(images, labels, rng)
    chosen = rng.choice(len(makers), size=count, p=[share for _, share in makers])
    canvases = np.zeros((count, CANVAS_PX, 2 * CANVAS_PX), dtype=np.float32)
    for canvas, maker in zip(canvases, chosen, strict=True):
        drawn = makers[maker][0](drawer)
        canvas[:, : drawn.shape[1]] = drawn
    return finish(canvases, rng)


class _Drawer:
    """Draws one canvas at a time: (44, 44) or (44, 88) float32 in [0, 1]."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator):
        self._images = images
        self._of_digit = [np.flatnonzero(labels == digit) for digit in range(10)]
        self._rng = rng

    def row_of_digits(self) -> np.ndarray:
        """Two or three digits that touch or nearly do."""
        count = 3 if self._rng.random() < 0.15 else 2
        pieces = [_cropped(canvas) for canvas in self._digits(count)]
        if self._rng.random() < 0.15:  # ones stand closest, and are taken for one digit most
            pieces[self._rng.integers(count)] = _cropped(self._of(1))
        return self._in_a_row(pieces)

    def overwritten(self) -> np.ndarray:
        """A digit over another, so that neither can be told; where one lies within the other it is that one."""
        while True:
            under, over = (self._of(int(digit)) for digit in self._rng.choice(10, 2, replace=False))
            down, across = self._rng.integers(-3, 4, 2)
            both = np.maximum(over, np.roll(under, (down, across), (0, 1)))
            if both.sum() > _HIDDEN * max(under.sum(), over.sum()):
                return both

    def half(self) -> np.ndarray:
        """About half of a digit, cut off straight."""
        digit, side = _HALVES[self._rng.integers(len(_HALVES))]
        return _half(self._of(digit), side, self._rng.uniform(0.42, 0.58))

    def digit_and_half(self) -> np.ndarray:
        """A digit with the near half of its neighbour, which is no one: half of that is hardly seen."""
        whole = _cropped(self._digits(1)[0])
        neighbour = _cropped(self._of(int(self._rng.choice([0, *range(2, 10)]))))
        middle = neighbour.shape[1] // 2
        if self._rng.random() < 0.5:
            return self._in_a_row([whole, neighbour[:, :middle]])
        return self._in_a_row([neighbour[:, -middle:], whole])

    def sign(self) -> np.ndarray:
        return draw(on_canvas(SIGNS[self._rng.integers(len(SIGNS))], 1.5, self._rng), self._rng.uniform(2, 5))

    def blob(self) -> np.ndarray:
        """A dot or a comma: short and thick."""
        middle = np.full(2, CANVAS_PX / 2)
        tail = middle + self._rng.uniform(0, 10) * np.array([-0.4, 1]) + self._rng.normal(0, 1.5, 2)
        return draw([np.stack([middle, tail])], self._rng.uniform(10, 18))

    def scribble(self) -> np.ndarray:
        return draw([scribble(int(self._rng.integers(7, 14)), self._rng)], self._rng.uniform(2, 5))

    def struck_out(self) -> np.ndarray:
        """A digit under a cross or under several strokes."""
        if self._rng.random() < 0.5:
            strokes = on_canvas(CROSS, 2.5, self._rng)
        else:
            ends = self._rng.uniform(((4, 12), (30, 12)), ((14, 32), (40, 32)), (self._rng.integers(3, 6), 2, 2))
            strokes = list(ends)
        return np.maximum(self._digits(1)[0], draw(strokes, self._rng.uniform(2.5, 4.5)))

    def _of(self, digit: int) -> np.ndarray:
        chosen = self._rng.choice(self._of_digit[digit])
        return warp(self._images[chosen : chosen + 1], self._rng)[0]

    def _digits(self, count: int) -> np.ndarray:
        return warp(self._images[self._rng.integers(len(self._images), size=count)], self._rng)

    def _in_a_row(self, pieces: list[np.ndarray]) -> np.ndarray:
        """Pieces side by side on about one base line, up to 4 px over each other or 2 px apart; the rest is cut off."""
        strip = np.zeros((CANVAS_PX, 2 * CANVAS_PX), dtype=np.float32)
        column = 0
        for piece in pieces:
            height, width = piece.shape
            row = int(np.clip(38 - height + self._rng.integers(-5, 6), 0, CANVAS_PX - height))
            place = strip[row : row + height, column : column + width]
            np.maximum(place, piece[:, : place.shape[1]], out=place)
            overlap = min(int(self._rng.integers(-2, 5)), width // 3)
            column += width - overlap
        return strip


def _cropped(canvas: np.ndarray) -> np.ndarray:
    """The canvas around its ink; all of it where there is none."""
    rows, columns = ink_box(canvas)
    return canvas[rows, columns]


def _half(canvas: np.ndarray, side: str, share: float) -> np.ndarray:
    """Keeps ``share`` of the ink's width or height on one side."""
    rows, columns = ink_box(canvas)
    kept = np.zeros_like(canvas)
    if side in ("left", "right"):
        cut = round(columns.start + share * (columns.stop - columns.start))
        columns = slice(columns.start, cut) if side == "left" else slice(cut, columns.stop)
    else:
        cut = round(rows.start + share * (rows.stop - rows.start))
        rows = slice(rows.start, cut) if side == "upper" else slice(cut, rows.stop)
    kept[rows, columns] = canvas[rows, columns]
    return kept
