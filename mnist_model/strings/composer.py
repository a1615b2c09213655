"""Strips of digits as people write them on printed paper, composed of MNIST's digits and of pen strokes.

Everything is drawn at twice the strip's resolution as *darkness* in [0, 1] and halved at the end. The label is the
digits alone: separators, fillers, currency signs, borders, scribbles and patterns are there to be read as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from mnist_model.augmentation import sample
from mnist_model.strings.glyphs import SHARES, distance_to, draw_glyphs, spline

HEIGHT_PX = 32
MAX_WIDTH_PX = 512
_ROWS = 2 * HEIGHT_PX
_CELL = (64, 72)  # a digit's own canvas, rows and columns
_GLYPHS = 12_000
_ZOOM = 2.0  # canvas pixels for one of the digit's, at its usual size
_KNOTS = 7
_INK = 0.4
_AT_ONCE = 32  # strips whose digits are warped together: they stay in the processor's cache
_DIGIT_SHARES = np.array([1.9, 1.5, 1, 1, 1, 1.1, 1, 1.1, 1, 1]) / 11.6
_LENGTH_SHARES = np.array([0.08, 0.15, 0.17, 0.15, 0.15, 0.12, 0.07, 0.05, 0.03, 0.03])
_WITHOUT_DIGITS = 0.04  # the share of strips with scribbles, rules or paper alone


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """``pixels`` (32, W) uint8, white on black, and the digits that stand there."""

    pixels: np.ndarray
    digits: str


@dataclass(frozen=True, slots=True)
class _Hand:
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


class Composer:
    """Composes strips; what it makes is decided by the digits given and the generators alone."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator):
        """``images`` (N, 28, 28) uint8 white on black, every digit among them, with ``labels`` (N,)."""
        drawn, drawn_labels = draw_glyphs(_GLYPHS, rng)
        self._images = (images, drawn)
        self._of_digit = tuple(
            [np.flatnonzero(known == digit) for digit in range(10)] for known in (labels, drawn_labels)
        )
        self._rng = rng

    def compose(self, count: int, rng: np.random.Generator) -> list[Strip]:
        """``count`` strips, of 1 to 10 digits, a few of them without any."""
        self._rng = rng
        return [strip for start in range(0, count, _AT_ONCE) for strip in self._composed(min(_AT_ONCE, count - start))]

    def _composed(self, count: int) -> list[Strip]:
        hands = [_hand(self._rng) for _ in range(count)]
        strings = [self._string() for _ in range(count)]
        owners = np.repeat(np.arange(count), [len(string) for string in strings])
        sizes = np.concatenate([_sizes(len(string), hand) for string, hand in zip(strings, hands, strict=True)])
        cells = self._written("".join(strings), [hands[owner] for owner in owners], sizes)
        parts = np.split(cells, np.cumsum([len(string) for string in strings])[:-1])
        return [
            self._without_digits(len(part), hand)
            if self._rng.random() < _WITHOUT_DIGITS
            else Strip(_Sheet(string, part, hand, self._rng).finished(), string)
            for string, part, hand in zip(strings, parts, hands, strict=True)
        ]

    def _without_digits(self, places: int, hand: _Hand) -> Strip:
        """What is no digit but stands where digits should: a signature, a stroke through the field, paper alone."""
        sheet = _Sheet("", np.zeros((places, *_CELL), dtype=np.float32), hand, self._rng)
        if self._rng.random() < 0.7:
            sheet.scribble()
        return Strip(sheet.finished(), "")

    def _string(self) -> str:
        rng = self._rng
        length = 1 + rng.choice(10, p=_LENGTH_SHARES)
        digits = rng.choice(10, size=length, p=_DIGIT_SHARES)
        if length > 2 and rng.random() < 0.25:
            digits[-int(rng.integers(2, min(length, 4))) :] = 0
        if length > 1 and rng.random() < 0.12:
            start = rng.integers(length - 1)
            digits[start : start + rng.integers(2, 4)] = digits[start]
        return "".join(map(str, digits))

    def _written(self, digits: str, hands: list[_Hand], sizes: np.ndarray) -> np.ndarray:
        """(N, rows, columns) float32: each digit on its own canvas, by its hand."""
        rng = self._rng
        # One writer keeps to one style of a digit more often than not: the same picture again, bent a little.
        sources = self._sources(digits, hands)
        height = np.array([hand.height for hand in hands])
        uneven = np.array([hand.uneven for hand in hands])
        scale = sizes * height / 40 * np.exp(rng.normal(0, 0.07, len(hands)) * uneven)
        aspect = np.array([hand.aspect for hand in hands]) * np.exp(rng.normal(0, 0.07, len(hands)) * uneven)
        shear = np.array([hand.shear for hand in hands]) + rng.normal(0, 0.05, len(hands)) * uneven
        angle = np.deg2rad(rng.normal(0, 3.5, len(hands)) * uneven)
        warped = sample(sources, _places(scale * _ZOOM, aspect, shear, angle, rng))
        soft = gaussian_filter(warped, (0, 1.0, 1.0))
        level = np.array([hand.level for hand in hands]) + rng.normal(0, 0.04, len(hands))
        level *= soft.max(axis=(1, 2))  # the thinnest pen leaves the ridge of a stroke
        return np.clip((soft - level[:, None, None]) * 4.5 + 0.5, 0, 1).astype(np.float32)

    def _sources(self, digits: str, hands: list[_Hand]) -> np.ndarray:
        rng, chosen = self._rng, []
        habits: dict[tuple[int, str], np.ndarray] = {}
        for digit, hand in zip(digits, hands, strict=True):
            habit = habits.get((id(hand), digit))
            if habit is None or rng.random() < 0.5:
                kind = int(rng.random() < SHARES[int(digit)])
                habit = self._images[kind][rng.choice(self._of_digit[kind][int(digit)])]
                habits[id(hand), digit] = habit
            chosen.append(habit)
        return np.stack(chosen).astype(np.float32) / 255


def _hand(rng: np.random.Generator) -> _Hand:
    broad = rng.random() < 0.3
    return _Hand(
        height=float(np.clip(rng.normal(41.5, 7), 22, 58)),
        shear=float(np.clip(rng.normal(0.16, 0.25), -0.35, 0.8)),
        aspect=float(np.exp(rng.normal(0, 0.28))),
        level=float(rng.uniform(0.15, 0.4) if broad else rng.uniform(0.35, 0.72)),
        gap=float(np.clip(rng.normal(0.14, 0.16), -0.12, 0.7)) * 40,
        uneven=float(rng.uniform(0.3, 1.6)),
        climb=float(rng.normal(0, 0.02)),
        tail=int(rng.integers(2, 4)) if rng.random() < 0.2 else 0,
        tail_size=float(rng.uniform(0.5, 0.85)),
        tail_raised=bool(rng.random() < 0.5),
        pen_px=float(rng.uniform(4.5, 8) if broad else rng.uniform(2.2, 5)),
    )


def _sizes(count: int, hand: _Hand) -> np.ndarray:
    """(count,): 1, or less for the last digits of a hand that writes them smaller."""
    small = np.arange(count) >= max(1, count - hand.tail) if hand.tail else np.zeros(count, bool)
    return np.where(small, hand.tail_size, 1.0)


def _places(
    scale: np.ndarray, aspect: np.ndarray, shear: np.ndarray, angle: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(N, 2, rows, columns): where in a digit's picture each pixel of its canvas comes from, bent elastically."""
    rows, columns = _CELL
    count = len(scale)
    down = (np.arange(rows, dtype=np.float32) - rows / 2)[None, :, None] / scale[:, None, None]
    across = (np.arange(columns, dtype=np.float32) - columns / 2)[None, None, :] / scale[:, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    places = np.empty((count, 2, rows, columns), dtype=np.float32)
    places[:, 0] = 13.5 + cos * down - sin * across
    places[:, 1] = 13.5 + ((across + shear[:, None, None] * down) / aspect[:, None, None]) * cos + sin * down
    knots = rng.normal(size=(count, 2, _KNOTS, _KNOTS)) * rng.uniform(0, 1.1, (count, 1, 1, 1))
    places += _smooth_basis(rows) @ knots.astype(np.float32) @ _smooth_basis(columns).T
    return places


@cache
def _smooth_basis(length: int) -> np.ndarray:
    """(length, _KNOTS) float32: what each knot gives to each pixel; noise at the knots becomes a smooth field."""
    knots = np.linspace(0, length - 1, _KNOTS)
    reach = np.exp(-(((np.arange(length)[:, None] - knots) / (0.8 * length / _KNOTS)) ** 2) / 2)
    return (reach / np.sqrt((reach**2).sum(axis=1, keepdims=True))).astype(np.float32)


class _Sheet:
    """One strip while it is composed: digits are laid side by side, then all that surrounds them."""

    def __init__(self, digits: str, cells: np.ndarray, hand: _Hand, rng: np.random.Generator):
        self._hand, self._rng, self._digits = hand, rng, digits
        self._unit = hand.height
        self._marks: list[tuple[np.ndarray, float]] = []  # segments and the pen's width, placed as the digits are
        columns = self._laid_out(cells)
        before = self._lead_in(columns[0])
        after = self._lead_out(columns[-1] + _CELL[1])
        left, right = self._margins(cells, columns, before, after)
        width = int(np.clip(right - left, 40, 2 * MAX_WIDTH_PX))
        self.ink = np.zeros((_ROWS, -(-width // 8) * 8), dtype=np.float32)
        self._place(cells, columns - left)
        self._draw_marks(left)

    def finished(self) -> np.ndarray:
        """(32, W) uint8."""
        rng = self._rng
        canvas = self._damaged(self.ink)
        if rng.random() < 0.75:
            canvas = _over(canvas, self._pattern())
        for border in self._borders():
            canvas = _over(canvas, border)
        return self._scanned(canvas)

    # --- the writing ---

    def _laid_out(self, cells: np.ndarray) -> np.ndarray:
        """The left column of each canvas: strokes come as close as the hand's gap, row by row, as type is kerned."""
        rng, hand = self._rng, self._hand
        left, right = _profiles(cells)
        # Canvases are centred: what is written smaller is moved to the line's foot, or raised to its head.
        sink = (1 - _sizes(len(cells), hand)) * hand.height / 2 * (-1 if hand.tail_raised else 1)
        column, baseline = 0.0, 0.0
        columns, self._rows = [0], [self._row(cells[0], 0)]
        self._baseline = self._bottom(cells[0], self._rows[0])
        for index in range(1, len(cells)):
            clear = (_CELL[1] + left[index] - right[index - 1]).min()
            clear = clear if clear < _CELL[1] else 0.6 * _CELL[1]  # above one another: no row has both
            gap = hand.gap + rng.normal(0, 0.07 * self._unit) * hand.uneven
            wide = self._separator(index, len(cells))
            step = _CELL[1] - clear + gap
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
        return round((_ROWS - _CELL[0]) / 2 + baseline + wander)

    def _bottom(self, cell: np.ndarray, row: int) -> float:
        rows = np.flatnonzero(cell.max(axis=1) > _INK)
        return row + (float(rows[-1]) if len(rows) else _CELL[0] * 0.8)

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
            return column + _CELL[1] / 2
        kinds = (_CURRENCY_DOLLAR, _RUPEE, _RS, _EQUALS, _DASH, _DASH, _HASH, _STAR, _PAREN)
        x = column + 8 - rng.uniform(0.1, 0.6) * unit
        return self._add_sign(kinds[rng.integers(len(kinds))], x, rng.uniform(0.6, 1.0), side=-1)

    def _lead_out(self, column: float) -> float:
        """Fillers after the last digit; returns their rightmost column."""
        rng, unit = self._rng, self._unit
        if rng.random() > 0.47:
            return column - _CELL[1] / 2
        x = column - _CELL[1] * 0.28 + rng.uniform(0.0, 0.5) * unit
        reach = x
        for _ in range(1 + (rng.random() < 0.25)):
            sign = _TRAILERS[rng.integers(len(_TRAILERS))]
            least = 0.35 if sign[0] not in _SLASHES else 0.75
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
        inked = [np.flatnonzero(cell.max(axis=0) > _INK) for cell in (cells[0], cells[-1])]
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
        bottoms = [row + _CELL[0] - _first(cell.max(axis=1)[::-1]) for cell, row in zip(cells, self._rows, strict=True)]
        middle = (np.quantile(tops, 0.15) + np.quantile(bottoms, 0.85)) / 2
        return round(_ROWS / 2 - middle + self._rng.normal(0, 2.2))

    def _draw_marks(self, left: int) -> None:
        for segments, width in self._marks:
            moved = segments - np.array([left, -self._shift, left, -self._shift])
            draw_onto(self.ink, moved, width)

    # --- what happens to it ---

    def _damaged(self, ink: np.ndarray) -> np.ndarray:
        """Ink that fades along the line, gaps where print was taken out, two shades."""
        rng = self._rng
        canvas = ink
        if rng.random() < 0.35:
            wave = zoom(rng.uniform(0.35, 1.2, (3, max(2, ink.shape[1] // 40))), _fit(ink.shape, 3, 40), order=1)
            canvas = canvas * np.clip(_fitted(wave, ink.shape), 0, 1)
        if rng.random() < 0.1:  # a printed rule was taken out under the writing
            row = rng.integers(8, _ROWS - 8)
            canvas = canvas.copy()
            canvas[row : row + rng.integers(1, 5)] *= rng.uniform(0, 0.6)
        if rng.random() < 0.06:
            column = rng.integers(0, ink.shape[1])
            canvas = canvas.copy()
            canvas[:, column : column + rng.integers(1, 5)] *= rng.uniform(0, 0.6)
        return canvas

    def _pattern(self) -> np.ndarray:
        """Security print, texture, bleed-through: darkness that is fainter than the ink, mostly."""
        rng, shape = self._rng, self.ink.shape
        dark = np.zeros(shape, dtype=np.float32)
        if rng.random() < 0.55:
            for _ in range(rng.integers(1, 4)):
                dark = np.maximum(dark, rng.uniform(0.05, 0.5) * _waves(shape, rng))
        if rng.random() < 0.5:
            coarse = rng.choice([1, 2, 4])
            grain = rng.normal(0, 1, (shape[0] // coarse + 1, shape[1] // coarse + 1)).astype(np.float32)
            grain = gaussian_filter(grain, rng.uniform(0.5, 1.2))
            grain = np.repeat(np.repeat(grain, coarse, 0), coarse, 1)[: shape[0], : shape[1]]
            dark = np.maximum(dark, rng.uniform(0.03, 0.25) * np.maximum(grain / max(grain.std(), 1e-6), 0) / 2)
        if rng.random() < 0.07:  # bleed-through
            ghost = gaussian_filter(np.roll(self.ink[:, ::-1], rng.integers(-20, 20), axis=1), 2.0)
            dark = np.maximum(dark, rng.uniform(0.1, 0.4) * ghost)
        for _ in range(rng.poisson(0.5)):  # specks
            x, y = rng.uniform(0, shape[1]), rng.uniform(0, _ROWS)
            speck = np.zeros(shape, dtype=np.float32)
            draw_onto(speck, np.array([[x, y, x + rng.normal(0, 2), y + rng.normal(0, 2)]]), rng.uniform(1.5, 5))
            dark = np.maximum(dark, speck * rng.uniform(0.3, 1))
        return dark

    def _borders(self) -> list[np.ndarray]:
        """Lines of cells and rules, and the ink of neighbours that is cut off."""
        rng, (rows, columns) = self._rng, self.ink.shape
        lines: list[list[float]] = []
        if rng.random() < 0.36:  # a rule above or below, or both
            for y in rng.permutation([rng.uniform(0, 8), rows - rng.uniform(0, 9)])[: rng.integers(1, 3)]:
                ends = (0, columns) if rng.random() < 0.6 else np.sort(rng.uniform(0, columns, 2))
                tilt = rng.normal(0, 0.8)
                lines.append([ends[0], y - tilt, ends[1], y + tilt])
        if rng.random() < 0.12:  # a rule that the digits stand on, or that runs through them
            y = self._baseline + self._shift + rng.normal(1, 3) if rng.random() < 0.7 else rng.uniform(10, rows - 10)
            lines.append([0, y + rng.normal(0, 1), columns, y + rng.normal(0, 1)])
        for side in (0, 1):
            if rng.random() < 0.25:
                x = rng.uniform(0, 7)
                x = columns - 1 - x if side else x
                ends = (0, rows) if rng.random() < 0.6 else np.sort(rng.uniform(0, rows, 2))
                tilt = rng.normal(0, 0.7)
                lines.append([x - tilt, ends[0], x + tilt, ends[1]])
        drawn = []
        for line in lines:
            border = np.zeros(self.ink.shape, dtype=np.float32)
            draw_onto(border, np.array([line]), rng.uniform(0.8, 5))
            if rng.random() < 0.3:
                border *= rng.random((1, columns)) > rng.uniform(0, 0.4)
            drawn.append(border * rng.uniform(0.3, 1.3))
        if rng.random() < 0.1:
            drawn.append(self._neighbours())
        return drawn

    def _neighbours(self) -> np.ndarray:
        """Feet or heads of another line's writing along an edge."""
        rng = self._rng
        other = np.zeros_like(self.ink)
        depth = int(rng.integers(4, 14))
        strip = np.roll(self.ink, int(rng.integers(10, 60)), axis=1)
        inked = np.flatnonzero(strip.max(axis=1) > _INK)
        if not len(inked):
            return other
        if rng.random() < 0.5:
            band = strip[max(0, inked[-1] - depth) : inked[-1] + 1]
            other[: len(band)] = band
        else:
            band = strip[inked[0] : inked[0] + depth]
            other[len(other) - len(band) :] = band
        return other

    def _scanned(self, canvas: np.ndarray) -> np.ndarray:
        """Focus, resolution, exposure, noise."""
        rng = self._rng
        if rng.random() < 0.6:
            canvas = gaussian_filter(canvas, abs(rng.normal(0, 1.3)) + 0.3)
        small = canvas.reshape(HEIGHT_PX, 2, -1, 2).mean(axis=(1, 3))
        if rng.random() < 0.33:  # scanned coarsely, or photographed from afar
            factor = rng.uniform(0.4, 0.85)
            coarse = zoom(gaussian_filter(small, 0.35 / factor), (factor, factor), order=1)
            small = _fitted(
                zoom(coarse, (HEIGHT_PX / coarse.shape[0], small.shape[1] / coarse.shape[1]), order=1), small.shape
            )
        if rng.random() < 0.4:
            small = small + rng.normal(0, rng.uniform(0.01, 0.08), small.shape)
        if rng.random() < 0.15:  # JPEG's blocks
            blocks = rng.normal(0, rng.uniform(0.01, 0.05), (HEIGHT_PX // 8, small.shape[1] // 8 + 1))
            small = small + np.repeat(np.repeat(blocks, 8, 0), 8, 1)[:, : small.shape[1]]
        peak = max(float(np.quantile(small, 0.985)), 0.2)
        gain = rng.uniform(0.65, 1.25)
        gamma = np.exp(rng.normal(0, 0.25))
        floor = rng.uniform(0, 0.12) if rng.random() < 0.3 else 0.0
        even = np.clip((small - floor) / peak, 0, None) ** gamma * gain * 0.85
        return np.rint(255 * np.clip(even, 0, 1)).astype(np.uint8)


# Signs in a unit box, y down.
_DASH = (((0.0, 0.5), (0.45, 0.5)),)
_LONG_DASH = (((0.0, 0.5), (1.0, 0.52), (2.2, 0.5)),)
_EQUALS = (((0.0, 0.4), (0.5, 0.38)), ((0.0, 0.65), (0.5, 0.62)))
_JOINED_EQUALS = (((0.0, 0.4), (0.5, 0.36), (0.5, 0.36), (0.05, 0.66), (0.05, 0.66), (0.55, 0.62)),)
_BROAD_EQUALS = (((0.0, 0.35), (0.9, 0.33)), ((0.0, 0.7), (0.9, 0.68)))
_COLON_EQUALS = (
    ((0.0, 0.5), (0.03, 0.52)),
    ((0.0, 0.97), (0.03, 1.0)),
    ((0.3, 0.5), (0.6, 0.47)),
    ((0.3, 0.7), (0.6, 0.68)),
)
_SLASH_DASH = (((0.0, 1.1), (0.35, -0.1)), ((0.4, 0.6), (0.9, 0.58)))
_STEEP_SLASH_DASH = (((0.0, 1.05), (0.2, -0.1)), ((0.3, 0.6), (0.75, 0.56)))
_LONG_SLASH_DASH = (((0.0, 1.3), (0.6, -0.25)), ((0.6, 0.5), (1.3, 0.45)))
_CURVED_SLASH_DASH = (((0.0, 1.1), (0.2, 0.4), (0.4, -0.1)), ((0.35, 0.65), (0.7, 0.5), (1.1, 0.55)))
_BAR_DASH = (((0.05, 0.0), (0.0, 1.0)), ((0.35, 0.55), (0.85, 0.52)))
_BAR_FAR_DASH = (((0.08, -0.05), (0.0, 1.05)), ((0.6, 0.6), (0.9, 0.5), (1.4, 0.52)))
_SLASH_FAR_DASH = (((0.0, 1.05), (0.3, -0.05)), ((0.65, 0.6), (0.9, 0.45), (1.4, 0.42)))
_SLASH_EQUALS = (((0.0, 1.1), (0.35, -0.1)), ((0.4, 0.5), (0.85, 0.48)), ((0.4, 0.72), (0.85, 0.7)))
_HASH = (
    ((0.3, 0.0), (0.15, 1.0)),
    ((0.65, 0.0), (0.5, 1.0)),
    ((0.0, 0.35), (0.8, 0.3)),
    ((0.0, 0.7), (0.75, 0.65)),
)
_CROSSED = (((0.2, 0.15), (0.1, 0.85)), ((0.4, 0.15), (0.3, 0.85)), ((-0.1, 0.55), (0.9, 0.45)))
_STAR = (((0.0, 0.25), (0.5, 0.75)), ((0.5, 0.25), (0.0, 0.75)), ((0.25, 0.15), (0.25, 0.85)))
_CURRENCY_DOLLAR = (
    ((0.5, 0.2), (0.3, 0.1), (0.08, 0.2), (0.12, 0.42), (0.45, 0.58), (0.5, 0.8), (0.25, 0.92), (0.0, 0.8)),
    ((0.27, -0.05), (0.25, 1.05)),
)
_RUPEE = (
    ((0.0, 0.05), (0.6, 0.05)),
    ((0.0, 0.3), (0.6, 0.3)),
    ((0.1, 0.05), (0.4, 0.1), (0.4, 0.45), (0.05, 0.55), (0.45, 1.0)),
)
_RS = (
    ((0.05, 0.0), (0.0, 1.0)),
    ((0.05, 0.0), (0.35, 0.05), (0.38, 0.35), (0.05, 0.5), (0.4, 1.0)),
    ((0.75, 0.55), (0.6, 0.55), (0.55, 0.68), (0.75, 0.82), (0.7, 0.97), (0.5, 0.95)),
)
_PAREN = (((0.2, -0.05), (0.05, 0.3), (0.05, 0.7), (0.2, 1.05)),)
_TICK = (((0.0, 0.0), (-0.05, 0.25)),)
_POINT = (((0.0, 0.97), (0.02, 1.0)),)
_POINT_DASH = (((0.0, 0.97), (0.02, 1.0)), ((0.25, 0.6), (0.7, 0.57)))
_COLON_DASH = (((0.0, 0.97), (0.02, 1.0)), ((0.0, 0.5), (0.02, 0.52)), ((0.25, 0.6), (0.7, 0.57)))
_COMMA = (((0.05, 0.95), (0.0, 1.2)),)
_COMMA_DASH = (((0.06, 0.85), (0.05, 1.0), (-0.05, 1.2)), ((0.2, 0.62), (0.45, 0.52), (0.9, 0.55)))
_POINT_LONG_DASH = (((0.0, 0.97), (0.02, 1.0)), ((0.2, 0.65), (0.4, 0.5), (0.9, 0.5), (1.4, 0.42)))
_RISING_DASH = (((0.0, 0.85), (0.25, 0.55), (0.25, 0.55), (0.9, 0.45)),)
_HIGH_EQUALS = (((0.0, 0.05), (0.5, 0.0)), ((0.0, 0.25), (0.55, 0.2)))
_FLOURISH = (((0.0, 0.6), (0.3, 0.4), (0.6, 0.6), (0.9, 0.45), (1.3, 0.5)),)
_HOOK = (((0.0, 0.5), (0.6, 0.45), (0.9, 0.2), (0.7, 0.1), (0.3, 0.8)),)
_SLASHES = {
    sign[0]
    for sign in (
        *(_SLASH_DASH, _STEEP_SLASH_DASH, _LONG_SLASH_DASH, _CURVED_SLASH_DASH, _SLASH_FAR_DASH, _SLASH_EQUALS),
        *(_BAR_DASH, _BAR_FAR_DASH),
    )
}
_TRAILERS = (
    *(
        _DASH,
        _DASH,
        _DASH,
        _LONG_DASH,
        _LONG_DASH,
        _EQUALS,
        _EQUALS,
        _JOINED_EQUALS,
        _BROAD_EQUALS,
        _COLON_EQUALS,
        _SLASH_DASH,
        _SLASH_DASH,
        _STEEP_SLASH_DASH,
        _STEEP_SLASH_DASH,
        _BAR_DASH,
        _BAR_DASH,
        _BAR_FAR_DASH,
        _SLASH_FAR_DASH,
        _LONG_SLASH_DASH,
        _CURVED_SLASH_DASH,
        _SLASH_EQUALS,
        _HASH,
    ),
    *(
        _CROSSED,
        _STAR,
        _POINT,
        _POINT,
        _POINT_DASH,
        _POINT_DASH,
        _COLON_DASH,
        _COMMA,
        _COMMA_DASH,
        _COMMA_DASH,
        _POINT_LONG_DASH,
        _RISING_DASH,
        _HIGH_EQUALS,
        _FLOURISH,
        _HOOK,
        _PAREN,
    ),
)


def draw_onto(canvas: np.ndarray, segments: np.ndarray, width_px: float) -> None:
    """Changes ``canvas`` in place: segments (S, 4) of x0, y0, x1, y1 with a round pen, no more than fits."""
    reach = width_px / 2 + 1
    xs, ys = segments[:, ::2], segments[:, 1::2]
    left, top = int(max(0, np.floor(xs.min() - reach))), int(max(0, np.floor(ys.min() - reach)))
    right, bottom = (
        int(min(canvas.shape[1], np.ceil(xs.max() + reach))),
        int(min(canvas.shape[0], np.ceil(ys.max() + reach))),
    )
    if right <= left or bottom <= top:
        return
    place = canvas[top:bottom, left:right]
    distance = distance_to(segments - np.array([left, top, left, top]), (bottom - top, right - left))
    np.maximum(place, np.clip(width_px / 2 + 0.5 - distance, 0, 1), out=place)


def _waves(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Fine parallel lines, straight, wavy or bent round a far centre: (rows, columns) float32 in [0, 1]."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    period = rng.uniform(5, 16)
    kind = rng.random()
    if kind < 0.35:
        along = y + rng.uniform(0, 6) * np.sin(x / rng.uniform(8, 60) + rng.uniform(0, 6)) + rng.normal(0, 0.4) * x
    elif kind < 0.6:
        along = np.hypot(x - rng.uniform(-100, shape[1] + 100), y - rng.uniform(-120, 180))
    else:
        turn = rng.uniform(0, np.pi)
        along = np.cos(turn) * x + np.sin(turn) * y + rng.uniform(0, 2) * np.sin((x + y) / rng.uniform(5, 30))
    sharp = rng.choice([1.0, 2.0, 5.0])
    return ((0.5 + 0.5 * np.cos(2 * np.pi * along / period + rng.uniform(0, 6))) ** sharp).astype(np.float32)


def _profiles(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and last inked column of each row of (N, rows, columns), rows widened; far off where it is empty."""
    inked = cells > _INK
    widened = inked.copy()
    for shift in (1, 2, 3, 4):
        widened[:, shift:] |= inked[:, :-shift]
        widened[:, :-shift] |= inked[:, shift:]
    some = widened.any(axis=2)
    left = np.where(some, widened.argmax(axis=2), cells.shape[2])
    right = np.where(some, cells.shape[2] - 1 - widened[:, :, ::-1].argmax(axis=2), 0)
    return left, right


def _first(profile: np.ndarray) -> int:
    return int((profile > _INK).argmax())


def _lay(canvas: np.ndarray, cell: np.ndarray, row: int, column: int) -> None:
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + cell.shape[0], canvas.shape[0]), min(column + cell.shape[1], canvas.shape[1])
    if bottom <= top or right <= left:
        return
    place = canvas[top:bottom, left:right]
    np.maximum(place, cell[top - row : bottom - row, left - column : right - column], out=place)


def _over(ink: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Darkness upon darkness: more than either, never more than full."""
    return ink + other * (1 - 0.8 * np.minimum(ink, 1))


def _fit(shape: tuple[int, int], rows: int, step: int) -> tuple[float, float]:
    return shape[0] / rows, shape[1] / max(2, shape[1] // step)


def _fitted(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Cut or padded with its last values to ``shape``: ``zoom`` rounds as it likes."""
    cut = values[: shape[0], : shape[1]]
    return np.pad(cut, ((0, shape[0] - cut.shape[0]), (0, shape[1] - cut.shape[1])), mode="edge")
