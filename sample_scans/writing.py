"""A page being filled in: digits into fields, words onto lines, strokes through what was wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sample_scans.layout import Rect, Slot
from sample_scans.paper import MM_PER_INCH
from sample_scans.pen import Hand, draw_strokes, scrawl

CROSSING_SHARE = 0.1  # of digits in boxes touch or cross a line of their box
PEN_MM = 0.42


@dataclass(frozen=True, slots=True)
class Ink:
    """What a pen leaves: its colour, how much of the paper it covers, and how uneven (a pencil's grain)."""

    colour: tuple[int, int, int]
    strength: float
    grain: float


INKS = {
    "blue": Ink((32, 48, 138), 0.93, 0.10),
    "black": Ink((26, 24, 28), 0.95, 0.06),
    "dark blue": Ink((22, 30, 84), 0.95, 0.08),
    "pencil": Ink((78, 78, 84), 0.85, 0.24),
}


class Writing:
    """The ink on one page at ``dpi``: coverage (H, W) float32 in [0, 1]. Lengths in mm from its top left."""

    def __init__(self, shape: tuple[int, int], dpi: int, hand: Hand, rng: np.random.Generator) -> None:
        self._coverage = np.zeros(shape, dtype=np.float32)
        self._px_per_mm = dpi / MM_PER_INCH
        self._hand, self._rng = hand, rng
        self._size = rng.uniform(0.62, 0.76)  # digit height as a share of the box: a writer's habit
        self._spacing_mm = rng.uniform(0.7, 1.5)
        self._slant = rng.uniform(0.05, 0.45)

    def inked(self, paper: np.ndarray, ink: Ink) -> np.ndarray:
        """``paper`` (H, W, 3) uint8 with the ink on it, as (H, W, 3) uint8."""
        grain = ndimage.gaussian_filter(self._rng.normal(0, 1, paper.shape[:2]).astype(np.float32), 0.8)
        slow = ndimage.zoom(self._rng.normal(0, 1, (12, 12)), np.array(paper.shape[:2]) / 12, order=1)
        cover = self._coverage * np.clip(ink.strength + ink.grain * (2 * grain + 0.5 * slow[: len(grain)]), 0.25, 1)
        absorbed = 1 - np.array(ink.colour, dtype=np.float32) / 255
        return np.clip(paper * (1 - cover[:, :, None] * absorbed) + 0.5, 0, 255).astype(np.uint8)

    def write(self, slot: Slot, digits: str) -> Rect:
        """``digits`` into a field as its kind asks for, in boxes to the right; the rectangle that the ink takes."""
        if not digits:
            return slot.rect
        if slot.comb:
            boxes = slot.boxes[len(slot.boxes) - len(digits) :]
            ink = [self._write_in_box(box, int(digit)) for box, digit in zip(boxes, digits, strict=True)]
        else:
            ink = self._write_side_by_side(slot.rect, digits)
        left, top, right, bottom = (
            limit(edges) for limit, edges in zip((min, min, max, max), zip(*ink, strict=True), strict=True)
        )
        return tuple(edge / self._px_per_mm for edge in (left, top, right - left, bottom - top))

    def _write_in_box(self, box: Rect, digit: int) -> tuple[float, ...]:
        x, y, width, height = (length * self._px_per_mm for length in box)
        room = 0.7 * self._px_per_mm  # between the ink and the box, in all
        glyph = self._hand.digit(digit, min(self._size * height, 1.15 * width), self._rng)
        glyph = _fitted(glyph, height - room, width - room)
        free = np.array([height - glyph.shape[0], width - glyph.shape[1]])
        shift = np.clip(self._rng.normal(0.5, 0.16, 2), 0.15, 0.85) * free
        if self._rng.random() < CROSSING_SHARE:
            shift = self._over_the_line(shift, free)
        return self._put(glyph, y + shift[0], x + shift[1])

    def _over_the_line(self, shift: np.ndarray, free: np.ndarray) -> np.ndarray:
        """``shift`` with the digit pushed onto or over one of the box's four lines."""
        axis, far = self._rng.integers(2), self._rng.integers(2)
        over = self._rng.uniform(0.1, 0.7) * self._px_per_mm
        moved = shift.copy()
        moved[axis] = free[axis] + over if far else -over
        return moved

    def _write_side_by_side(self, rect: Rect, digits: str) -> list[tuple[float, ...]]:
        left, top, width, height = (length * self._px_per_mm for length in rect)
        glyphs = [
            self._hand.digit(int(digit), min(self._size * height, 7.0 * self._px_per_mm), self._rng) for digit in digits
        ]
        gaps = np.clip(self._rng.normal(self._spacing_mm, 0.3, len(glyphs)), 0.25, None) * self._px_per_mm
        needed = sum(glyph.shape[1] for glyph in glyphs) + gaps.sum()
        squeeze = min(1.0, 0.94 * width / needed)
        x = left + self._rng.uniform(0.15, 0.7) * (width - squeeze * needed) + 0.03 * width
        baseline = top + height * self._rng.uniform(0.83, 0.9)
        climb = self._rng.normal(0, 0.012)
        ink = []
        for glyph, gap in zip(glyphs, gaps * squeeze, strict=True):
            small = _fitted(glyph, glyph.shape[0] * squeeze, glyph.shape[1] * squeeze)
            y = baseline - small.shape[0] - climb * (x - left) + self._rng.normal(0, 0.15) * self._px_per_mm
            ink.append(self._put(small, max(y, top + 0.5 * self._px_per_mm), x))
            x += small.shape[1] + gap
        return ink

    def dash(self, rect: Rect) -> None:
        """Two short strokes after an amount, so that nothing can be added: towards the right end of a field."""
        x, y, width, height = rect
        for dy in (0.46, 0.62):
            self._stroke([(x + 0.88 * width, y + dy * height), (x + 0.96 * width, y + (dy - 0.03) * height)])

    def strike(self, rect: Rect) -> None:
        """Something through all that was written in ``rect``: a double line, a zigzag or a cross."""
        x, y, width, height = rect
        x, width = x - 1.0, width + 2.0
        match self._rng.integers(3):
            case 0:
                for level in (0.46, 0.62):
                    self._stroke([(x + width * t, y + height * (level + self._jitter())) for t in (0, 0.3, 0.7, 1)])
            case 1:
                ends = np.linspace(0, 1, 2 * max(3, round(width / 4)) + 1)
                levels = [0.24 if n % 2 else 0.78 for n in range(len(ends))]
                self._stroke(
                    [(x + width * t, y + height * (v + self._jitter())) for t, v in zip(ends, levels, strict=True)]
                )
            case _:
                self._stroke(
                    [(x, y + 0.2 * height), (x + width / 2, y + 0.55 * height), (x + width, y + 0.85 * height)]
                )
                self._stroke([(x, y + 0.85 * height), (x + width / 2, y + 0.5 * height), (x + width, y + 0.2 * height)])

    def _jitter(self) -> float:
        return float(self._rng.normal(0, 0.05))

    def words(self, x_mm: float, baseline_mm: float, width_mm: float, x_height_mm: float = 2.0) -> None:
        """Running words from ``x_mm`` on, as many as fit into ``width_mm``."""
        end = x_mm + width_mm
        while True:
            letters = int(self._rng.integers(3, 10))
            points = scrawl(letters, x_height_mm, self._slant, self._rng)
            if x_mm + points[:, 0].max() > end:
                return
            self._stroke([(x_mm + x, baseline_mm + y) for x, y in points])
            x_mm += float(points[:, 0].max()) + 1.2 * x_height_mm

    def sign(self, x_mm: float, baseline_mm: float, width_mm: float) -> None:
        """A signature: tall loops that shrink to a tail, and a flourish below."""
        t = np.linspace(0, 1, 60)
        turns, lean = self._rng.uniform(20, 40), self._rng.uniform(0.03, 0.1)
        high = 1 + self._rng.normal(0, 0.35, 6) @ np.cos(np.outer(np.arange(6), 6 * t) + 1)
        loops = -2.6 * np.exp(-1.3 * t) * high * (1 + np.sin(turns * t))
        x = x_mm + width_mm * (0.85 * t + lean * np.cos(turns * t))
        self._stroke(list(zip(x, baseline_mm - 1.0 + loops, strict=True)))
        self._stroke([(x_mm + width_mm * t, baseline_mm + 1.2 - 2.0 * t * t) for t in (0.1, 0.5, 1.0)])

    def tick(self, x_mm: float, y_mm: float) -> None:
        """A check mark over a box of 4 mm whose corner this is."""
        self._stroke([(x_mm + 0.4, y_mm + 2.0), (x_mm + 1.6, y_mm + 3.4), (x_mm + 4.6, y_mm - 0.8)])

    def _stroke(self, points_mm: list[tuple[float, float]]) -> None:
        points = np.array(points_mm) * self._px_per_mm
        corner = np.floor(points.min(axis=0)) - 12
        size = np.ceil(points.max(axis=0) - corner).astype(int) + 12
        line = draw_strokes([points - corner], (int(size[0]), int(size[1])), PEN_MM * self._px_per_mm)
        self._put(line, corner[1], corner[0])

    def _put(self, glyph: np.ndarray, top: float, left: float) -> tuple[float, ...]:
        """Lay ``glyph`` over the page at a whole pixel, and say where: left, top, right, bottom in px.

        What falls off the page is lost.
        """
        rows, columns = round(top), round(left)
        height, width = self._coverage.shape
        inside = glyph[max(0, -rows) : max(0, height - rows), max(0, -columns) : max(0, width - columns)]
        page = self._coverage[max(0, rows) :, max(0, columns) :][: inside.shape[0], : inside.shape[1]]
        np.maximum(page, inside, out=page)
        return columns, rows, columns + glyph.shape[1], rows + glyph.shape[0]


def _fitted(glyph: np.ndarray, height_px: float, width_px: float) -> np.ndarray:
    """``glyph``, made smaller where it does not fit."""
    scale = min(1.0, height_px / glyph.shape[0], width_px / glyph.shape[1])
    return glyph if scale == 1.0 else np.clip(ndimage.zoom(glyph, scale, order=1), 0, 1)
