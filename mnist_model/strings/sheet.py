"""The writing of one strip while it is composed: digits side by side, and the signs that people put around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_model.pen import spline
from mnist_model.strings.paper import INK, ROWS, Paper
from mnist_model.strings.signs import CURRENCY_DOLLAR, DASH, EQUALS, HASH, PAREN, RS, RUPEE, SLASHES, STAR, TRAILERS
from mnist_model.strings.strokes import draw_onto

MAX_WIDTH_PX = 512
CELL = (64, 72)  # a digit's own canvas, rows and columns


@dataclass(frozen=True, slots=True)
class Hand:
    """How one string is written; lengths are in pixels of the canvas."""

    height: float
    shear: float
    aspect: float
    level: float  # where the softened strokes are cut: low is a broad pen
    gap: float
    uneven: float  # how much sizes and places vary, 1 usual
    climb: float  # of the base line, a column
    tail: int  # how many of the last digits are written smaller, as cents are
    tail_size: float
    tail_raised: bool
    pen_px: float


class Sheet:
    """One strip while it is composed: digits are laid side by side, then all that surrounds them."""

    def __init__(self, digits: str, cells: np.ndarray, hand: Hand, rng: np.random.Generator):
        self._hand, self._rng, self._digits = hand, rng, digits
        self._unit = hand.height
        self._marks: list[tuple[np.ndarray, float]] = []  # segments and the pen's width, placed as the digits are
        columns = self._laid_out(cells)
        before = self._lead_in(columns[0])
        after = self._lead_out(columns[-1] + CELL[1])
        left, right = self._margins(cells, columns, before, after)
        width = int(np.clip(right - left, 40, 2 * MAX_WIDTH_PX))
        self.ink = np.zeros((ROWS, -(-width // 8) * 8), dtype=np.float32)
        self._place(cells, columns - left)
        self._draw_marks(left)

    def finished(self) -> np.ndarray:
        """(32, W) uint8."""
        return Paper(self.ink, self._baseline + self._shift, self._rng).scanned()

    def _laid_out(self, cells: np.ndarray) -> np.ndarray:
        """The left column of each canvas: strokes come as close as the hand's gap, row by row, as type is kerned."""
        rng, hand = self._rng, self._hand
        left, right = _profiles(cells)
        # Canvases are centred: what is written smaller is moved to the line's foot, or raised to its head.
        sink = (1 - sizes_of(len(cells), hand)) * hand.height / 2 * (-1 if hand.tail_raised else 1)
        column, baseline = 0.0, 0.0
        columns, self._rows = [0], [self._row(cells[0], 0)]
        self._baseline = self._bottom(cells[0], self._rows[0])
        for index in range(1, len(cells)):
            clear = (CELL[1] + left[index] - right[index - 1]).min()
            clear = clear if clear < CELL[1] else 0.6 * CELL[1]  # above one another: no row has both
            gap = hand.gap + rng.normal(0, 0.07 * self._unit) * hand.uneven
            wide = self._separator(index, len(cells))
            step = CELL[1] - clear + gap
            column += max(step, 0.28 * self._unit) + wide
            baseline = hand.climb * column
            columns.append(round(column))
            self._rows.append(self._row(cells[index], baseline + sink[index]))
            if self._digits[index - 1 : index + 1] == "00" and not wide and rng.random() < 0.22:
                self._join(columns[-2], columns[-1], right[index - 1], left[index])
            if wide:
                self._mark_between(columns[-2], columns[-1], right[index - 1], left[index])
        return np.array(columns)

    def _row(self, cell: np.ndarray, baseline: float) -> int:
        """The top row of a digit's canvas within the strip; digits stand on the line more or less."""
        wander = self._rng.normal(0, 0.045 * self._unit) * self._hand.uneven
        return round((ROWS - CELL[0]) / 2 + baseline + wander)

    def _bottom(self, cell: np.ndarray, row: int) -> float:
        rows = np.flatnonzero(cell.max(axis=1) > INK)
        return row + (float(rows[-1]) if len(rows) else CELL[0] * 0.8)

    def _separator(self, index: int, count: int) -> float:
        """How much wider the gap before digit ``index`` is made for a separator, 0 for none."""
        rng = self._rng
        from_right = count - index
        share = 0.3 if from_right in (2, 3, 6) else 0.15 if from_right in (5, 7) else 0.06  # 5 and 7: 12,34,567
        if rng.random() > share:
            return 0.0
        return float(rng.uniform(0.02, 0.45) * self._unit)

    def _mark_between(self, before: int, after: int, right: np.ndarray, left: np.ndarray) -> None:
        rng, unit = self._rng, self._unit
        kind = rng.random()
        if kind < 0.15:  # a space only
            return
        x = (before + right.max() + after + left.min()) / 2 + rng.normal(0, 0.05 * unit)
        y = self._baseline + self._hand.climb * after + rng.normal(-0.02, 0.05) * unit
        if kind < 0.6:  # a point
            ends = [[x, y, x + rng.normal(0, 0.03) * unit, y + rng.normal(0, 0.03) * unit]]
        elif kind < 0.92:  # a comma, from a dot with a tail to one as tall as a small 1
            head, foot = rng.uniform(0, 0.2), rng.uniform(0, 0.5)
            if rng.random() < 0.45:
                head, foot = rng.uniform(0.15, 0.5), rng.uniform(0.02, 0.3)
            reach = (head + foot + 0.05) * unit
            head, middle = y - head * unit, x + rng.uniform(0, 0.06) * unit
            ends = [
                [x, head, middle, head + 0.4 * reach],
                [middle, head + 0.4 * reach, x - rng.uniform(0.1, 0.7) * reach, head + reach],
            ]
        else:  # a dash, or a point half way up
            y -= 0.42 * unit
            ends = [[x, y, x + rng.uniform(0, 0.3) * unit, y + rng.normal(0, 0.03) * unit]]
        self._marks.append((np.array(ends), self._hand.pen_px * rng.uniform(0.8, 1.7)))

    def _join(self, before: int, after: int, right: np.ndarray, left: np.ndarray) -> None:
        """Zeros that are written without lifting the pen."""
        rng, unit = self._rng, self._unit
        ends = np.array([before + right.max() - 0.2 * unit, after + left.min() + 0.25 * unit])
        y = self._baseline - unit * rng.uniform(0.75, 1.0)
        x = np.linspace(ends[0], ends[1], 4)
        sag = y + unit * rng.uniform(-0.05, 0.12) * np.array([0, 1, 1, 0]) + rng.normal(0, 0.03, 4) * unit
        self._marks.append((np.stack([x[:-1], sag[:-1], x[1:], sag[1:]], 1), self._hand.pen_px))

    def _lead_in(self, column: float) -> float:
        """Marks before the first digit; returns their leftmost column."""
        rng, unit = self._rng, self._unit
        if rng.random() > 0.13:
            return column + CELL[1] / 2
        kinds = (CURRENCY_DOLLAR, RUPEE, RS, EQUALS, DASH, DASH, HASH, STAR, PAREN)
        x = column + 8 - rng.uniform(0.1, 0.6) * unit
        return self._add_sign(kinds[rng.integers(len(kinds))], x, rng.uniform(0.6, 1.0), side=-1)

    def _lead_out(self, column: float) -> float:
        """Fillers after the last digit; returns their rightmost column."""
        rng, unit = self._rng, self._unit
        if rng.random() > 0.47:
            return column - CELL[1] / 2
        x = column - CELL[1] * 0.28 + rng.uniform(0.0, 0.5) * unit
        reach = x
        for _ in range(1 + (rng.random() < 0.25)):
            sign = TRAILERS[rng.integers(len(TRAILERS))]
            least = 0.35 if sign[0] not in SLASHES else 0.75
            reach = self._add_sign(sign, x, rng.uniform(least, 1.1), side=1)
            x = reach + rng.uniform(0.05, 0.4) * unit
        return reach

    def _add_sign(self, sign: tuple[tuple[tuple[float, float], ...], ...], x: float, size: float, side: int) -> float:
        """Draws a sign of the unit box right (side 1) or left (-1) of ``x``; returns its far column."""
        rng, unit = self._rng, self._unit * size
        stretch = np.exp(rng.normal(0, 0.25))
        points = [np.array(line) + rng.normal(0, 0.05, (len(line), 2)) for line in sign]
        widest = max(line[:, 0].max() for line in points) * unit * stretch
        x0 = x if side > 0 else x - widest
        top = self._baseline - unit + rng.normal(0, 0.05) * unit - rng.uniform(0, 1) * max(0.0, self._unit - unit)
        for line in points:
            placed = np.stack(
                [x0 + (line[:, 0] * stretch + self._hand.shear * (1 - line[:, 1])) * unit, top + line[:, 1] * unit], 1
            )
            self._marks.append((np.hstack([placed[:-1], placed[1:]]), self._hand.pen_px))
        return x0 + widest if side > 0 else x0

    def scribble(self) -> None:
        """A pen that never draws a digit: loops and waves as in a signature, a long stroke, a word's up and down."""
        rng, (rows, columns) = self._rng, self.ink.shape
        kind = rng.random()
        knots = 2 if kind < 0.25 else int(rng.integers(5, 16))
        along = np.sort(rng.uniform(0, columns, knots)) + rng.normal(0, 5, knots) * (kind > 0.5)
        height = rows * (rng.uniform(0.05, 0.15) if kind < 0.4 else rng.uniform(0.15, 0.35))
        line = spline(np.stack([along, rows / 2 + rng.normal(0, height, knots)], 1))
        draw_onto(self.ink, np.hstack([line[:-1], line[1:]]), self._hand.pen_px)

    def _margins(self, cells: np.ndarray, columns: np.ndarray, before: float, after: float) -> tuple[int, int]:
        rng = self._rng
        inked = [np.flatnonzero(cell.max(axis=0) > INK) for cell in (cells[0], cells[-1])]
        first = columns[0] + (inked[0][0] if len(inked[0]) else 30)
        last = columns[-1] + (inked[1][-1] if len(inked[1]) else 50)
        margin = rng.uniform(0, 0.9, 2) * self._unit * (rng.random(2) < 0.9)
        return int(min(first, before) - margin[0]), int(max(last, after) + margin[1])

    def _place(self, cells: np.ndarray, columns: np.ndarray) -> None:
        shift = self._centring(cells)
        self._shift = shift
        for cell, column, row in zip(cells, columns, self._rows, strict=True):
            _lay(self.ink, cell, row + shift, int(column))

    def _centring(self, cells: np.ndarray) -> int:
        """Brings the writing to the middle of the strip, about."""
        tops = [row + _first(cell.max(axis=1)) for cell, row in zip(cells, self._rows, strict=True)]
        bottoms = [row + CELL[0] - _first(cell.max(axis=1)[::-1]) for cell, row in zip(cells, self._rows, strict=True)]
        middle = (np.quantile(tops, 0.15) + np.quantile(bottoms, 0.85)) / 2
        return round(ROWS / 2 - middle + self._rng.normal(0, 2.2))

    def _draw_marks(self, left: int) -> None:
        for segments, width in self._marks:
            moved = segments - np.array([left, -self._shift, left, -self._shift])
            draw_onto(self.ink, moved, width)


def _profiles(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and last inked column of each row of (N, rows, columns), rows widened; far off where it is empty."""
    inked = cells > INK
    widened = inked.copy()
    for shift in (1, 2, 3, 4):
        widened[:, shift:] |= inked[:, :-shift]
        widened[:, :-shift] |= inked[:, shift:]
    some = widened.any(axis=2)
    left = np.where(some, widened.argmax(axis=2), cells.shape[2])
    right = np.where(some, cells.shape[2] - 1 - widened[:, :, ::-1].argmax(axis=2), 0)
    return left, right


def _first(profile: np.ndarray) -> int:
    return int((profile > INK).argmax())


def _lay(canvas: np.ndarray, cell: np.ndarray, row: int, column: int) -> None:
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + cell.shape[0], canvas.shape[0]), min(column + cell.shape[1], canvas.shape[1])
    if bottom <= top or right <= left:
        return
    place = canvas[top:bottom, left:right]
    np.maximum(place, cell[top - row : bottom - row, left - column : right - column], out=place)


def sizes_of(count: int, hand: Hand) -> np.ndarray:
    """(count,): 1, or less for the last digits of a hand that writes them smaller."""
    small = np.arange(count) >= max(1, count - hand.tail) if hand.tail else np.zeros(count, bool)
    return np.where(small, hand.tail_size, 1.0)
