"""How people fill comb fields, on which print, with which pen, and how it is scanned: each trouble by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from forms.template import MM_PER_INCH
from sample_scans.layout import Rect
from sample_scans.paper import BLACK, Colour, Paper, comb, guilloche
from sample_scans.pen import Hand, draw_strokes, scrawl
from sample_scans.scanner import Look

DPI = 300
PX_PER_MM = DPI / MM_PER_INCH
CELL_MM = (6.0, 8.0)
CELLS = 6
PEN_MM = 0.45
DIGIT_MM = 5.2
PALE: Colour = (196, 196, 200)
TINT: Colour = (205, 214, 226)


class Writing:
    """Ink on one page: coverage (H, W) float32 in [0, 1]. Lengths in mm."""

    def __init__(self, shape: tuple[int, int], hand: Hand, rng: np.random.Generator) -> None:
        self.coverage = np.zeros(shape, np.float32)
        self.hand, self.rng = hand, rng

    def digit(self, digit: str, middle_mm: tuple[float, float], height_mm: float = DIGIT_MM, slim: float = 1.0) -> None:
        """One digit around a place, made narrower where ``slim`` is below 1."""
        shape = self.hand.digit(int(digit), height_mm * PX_PER_MM, self.rng)
        if slim < 1:
            shape = ndimage.zoom(shape, (1, slim), order=1)
        top_left = np.array(middle_mm[::-1]) * PX_PER_MM - np.array(shape.shape) / 2
        self._put(shape, top_left)

    def stroke(self, points_mm: Sequence[tuple[float, float]], pen_mm: float = PEN_MM) -> None:
        """A smooth line through the points."""
        points = np.array(points_mm) * PX_PER_MM
        corner = np.floor(points.min(axis=0)) - 20
        size = np.ceil(np.ptp(points, axis=0)).astype(int) + 40
        self._put(draw_strokes([points - corner], (int(size[0]), int(size[1])), pen_mm * PX_PER_MM), corner[::-1])

    def cross(self, box: Rect) -> None:
        """An X through a cell, not quite from corner to corner."""
        x, y, width, height = box
        left, right = x + self._about(0.4), x + width - self._about(0.4)
        top, foot = y + self._about(0.8), y + height - self._about(0.8)
        self.stroke([(left, top), (x + width / 2, y + height / 2 + self._about(0)), (right, foot)])
        self.stroke([(right, top), (x + width / 2, y + height / 2 + self._about(0)), (left, foot)])

    def _about(self, mm: float) -> float:
        return mm + float(self.rng.normal(0, 0.35))

    def _put(self, shape: np.ndarray, top_left: np.ndarray) -> None:
        top, left = np.maximum(top_left, 0).astype(int)
        place = self.coverage[top : top + shape.shape[0], left : left + shape.shape[1]]
        np.maximum(place, shape[: place.shape[0], : place.shape[1]], out=place)


Boxes = tuple[Rect, ...]
Fill = Callable[[Writing, Boxes, str], str]
Print = Callable[[Paper, Boxes], None]
Hands = Callable[[np.random.Generator], Hand]


def middle(box: Rect) -> tuple[float, float]:
    """Of a cell, (x, y)."""
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def written(writing: Writing, boxes: Boxes, digits: str, *, spread_mm: float = 0.3, height_mm: float = DIGIT_MM) -> str:
    """A digit in each of these cells, about in the middle."""
    for box, digit in zip(boxes, digits, strict=True):
        x, y = np.array(middle(box)) + writing.rng.normal(0, spread_mm, 2).clip(-2 * spread_mm, 2 * spread_mm)
        writing.digit(digit, (float(x), float(y)), height_mm)
    return digits


def large(writing: Writing, boxes: Boxes, digits: str) -> str:
    """Digits about as large as their cells, so that strokes lie on the borders and reach over them."""
    return written(writing, boxes, digits, spread_mm=0.5, height_mm=7.2)


def off_line(writing: Writing, boxes: Boxes, digits: str) -> str:
    """The whole number too high or too low by 1.5 to 2.5 mm."""
    shift = float(writing.rng.choice([-1, 1]) * writing.rng.uniform(1.5, 2.5))
    return written(writing, tuple((x, y + shift, w, h) for x, y, w, h in boxes), digits)


def beside_cells(writing: Writing, boxes: Boxes, digits: str) -> str:
    """All digits too far to one side, by a third of a cell."""
    shift = float(writing.rng.choice([-1, 1]) * writing.rng.uniform(1.4, 2.0))
    return written(writing, tuple((x + shift, y, w, h) for x, y, w, h in boxes), digits)


def two_in_a_cell(writing: Writing, boxes: Boxes, digits: str) -> str:
    """The last cell holds two narrow digits."""
    written(writing, boxes[:-1], digits[:-1])
    x, y = middle(boxes[-1])
    extra = str(writing.rng.integers(10))
    writing.digit(digits[-1], (x - 1.5, y), 4.6, 0.6)
    writing.digit(extra, (x + 1.5, y), 4.6, 0.6)
    return digits + extra


def to_the_right(writing: Writing, boxes: Boxes, digits: str) -> str:
    """Empty cells before the number."""
    count = int(writing.rng.integers(1, CELLS))
    return written(writing, boxes[-count:], digits[:count])


def to_the_left(writing: Writing, boxes: Boxes, digits: str) -> str:
    """Empty cells behind the number."""
    count = int(writing.rng.integers(1, CELLS))
    return written(writing, boxes[:count], digits[:count])


def gap(writing: Writing, boxes: Boxes, digits: str) -> str:
    """An empty cell within the number: what was meant, a person must say."""
    hole = int(writing.rng.integers(1, CELLS - 1))
    written(writing, boxes[:hole] + boxes[hole + 1 :], digits[:-1])
    return MEANING_UNKNOWN


def crossed_before(writing: Writing, boxes: Boxes, digits: str) -> str:
    """An X in each cell before the number."""
    count = int(writing.rng.integers(1, CELLS))
    for box in boxes[:-count]:
        writing.cross(box)
    return written(writing, boxes[-count:], digits[:count])


def dashed_before(writing: Writing, boxes: Boxes, digits: str) -> str:
    """A dash in each cell before the number."""
    count = int(writing.rng.integers(1, CELLS))
    for box in boxes[:-count]:
        x, y = middle(box)
        writing.stroke([(x - 1.4, y + 0.2), (x, y), (x + 1.4, y - 0.1)])
    return written(writing, boxes[-count:], digits[:count])


def field_struck_out(writing: Writing, boxes: Boxes, digits: str) -> str:
    """A line through all that was written."""
    written(writing, boxes, digits)
    (x, y), (end, foot) = middle(boxes[0]), middle(boxes[-1])
    writing.stroke([(x - 2.5, y + 0.5), ((x + end) / 2, y), (end + 2.5, foot - 0.4)])
    return ""


def digit_struck_out(writing: Writing, boxes: Boxes, digits: str) -> str:
    """One digit struck through and the right one written above its cell."""
    written(writing, boxes, digits)
    index, right = int(writing.rng.integers(CELLS)), str(writing.rng.integers(10))
    x, y = middle(boxes[index])
    writing.stroke([(x - 2.2, y + 2.6), (x, y), (x + 2.2, y - 2.6)])
    writing.digit(right, (x, boxes[index][1] - 2.9), 3.8)
    return digits[:index] + right + digits[index + 1 :]


def written_behind(writing: Writing, boxes: Boxes, digits: str) -> str:
    """One more digit behind the last cell."""
    written(writing, boxes, digits)
    more = str(writing.rng.integers(10))
    x, y = middle(boxes[-1])
    writing.digit(more, (x + 6.0, y))
    return digits + more


def written_before(writing: Writing, boxes: Boxes, digits: str) -> str:
    """One more digit before the first cell."""
    written(writing, boxes, digits)
    more = str(writing.rng.integers(10))
    x, y = middle(boxes[0])
    writing.digit(more, (x - 6.0, y))
    return more + digits


def overwritten(writing: Writing, boxes: Boxes, digits: str) -> str:
    """One digit written over another."""
    index = int(writing.rng.integers(CELLS))
    written(writing, boxes, digits)
    wrong = str((int(digits[index]) + int(writing.rng.integers(1, 10))) % 10)
    writing.digit(wrong, middle(boxes[index]))
    return MEANING_UNKNOWN


def letters(writing: Writing, boxes: Boxes, digits: str) -> str:
    """A word instead of a number."""
    x, y = boxes[0][0] + 2.0, boxes[0][1] + 6.0
    writing.stroke([(x + dx, y + dy) for dx, dy in scrawl(12, 2.4, 0.2, writing.rng)])
    return MEANING_UNKNOWN


def specks(writing: Writing, boxes: Boxes, digits: str) -> str:
    """Dirt in the empty cells before the number."""
    count = int(writing.rng.integers(1, CELLS))
    for box in boxes[:-count]:
        for _ in range(int(writing.rng.integers(1, 4))):
            x, y = np.array(middle(box)) + writing.rng.uniform(-2, 2, 2)
            writing.stroke([(x, y), (x + 0.1, y + 0.05), (x + 0.25, y)], float(writing.rng.uniform(0.2, 0.45)))
    return written(writing, boxes[-count:], digits[:count])


MEANING_UNKNOWN = "?"  # no value is right: it has to be flagged


def boxed(paper: Paper, boxes: Boxes) -> None:
    """Black boxes and nothing else."""
    comb(paper, boxes)


def guided(paper: Paper, boxes: Boxes) -> None:
    """A pale figure of a box with a bar in each cell, to write along."""
    comb(paper, boxes)
    for x, y, width, height in boxes:
        paper.box((x + 1.8, y + 1.8, width - 3.6, height - 3.6), 0.2, PALE)
        paper.line(x + 1.8, y + height / 2, x + width - 1.8, y + height / 2, 0.2, PALE)


def dotted(paper: Paper, boxes: Boxes) -> None:
    """Two columns of three dots in each cell."""
    comb(paper, boxes, PALE)
    for x, y, width, height in boxes:
        for dx in (1.8, width - 1.8):
            for dy in (1.6, height / 2, height - 1.6):
                paper.disc(x + dx, y + dy, 0.2, (150, 150, 154))


def patterned(paper: Paper, boxes: Boxes) -> None:
    """Security print below the cells."""
    x, y = boxes[0][:2]
    guilloche(paper, (x - 4, y - 3, CELLS * CELL_MM[0] + 8, CELL_MM[1] + 6), TINT)
    comb(paper, boxes)


def ruled(paper: Paper, boxes: Boxes) -> None:
    """A black rule across all cells, two thirds down."""
    comb(paper, boxes)
    x, y = boxes[0][:2]
    paper.line(x - 2, y + 5.6, x + CELLS * CELL_MM[0] + 2, y + 5.6, 0.2, BLACK)


def ghost(page: np.ndarray, writing: Writing, strength: float) -> np.ndarray:
    """The page with what is written on its other side shining through: mirrored, blurred, pale."""
    other = ndimage.gaussian_filter(np.roll(writing.coverage[:, ::-1], (40, 90), (0, 1)), 2.0)
    return (page * (1 - strength * other[:, :, None])).astype(np.uint8)


FLATBED = Look(white=250.0, skew_deg=1.5)
DARK_COPY = Look(white=255.0, black=60.0, blur_mm=0.1)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One way to fill a field, on one kind of print, with one pen, and how it is scanned."""

    fill: Fill = written
    printing: Print = boxed
    pen: tuple[float, float, float] = (40.0, 45.0, 90.0)
    strength: float = 1.0
    bleeding: float = 0.0
    photo: bool = False
    brightness: float = 1.0
    look: Look = FLATBED
    has_blank: bool = True


TROUBLES = {
    "plain": Trouble(),
    "large digits over the borders": Trouble(large),
    "too high or too low": Trouble(off_line),
    "too far to one side": Trouble(beside_cells),
    "two digits in a cell": Trouble(two_in_a_cell),
    "empty cells before": Trouble(to_the_right),
    "empty cells behind": Trouble(to_the_left),
    "empty cell within": Trouble(gap),
    "crosses before": Trouble(crossed_before),
    "crosses before, guides": Trouble(crossed_before, guided),
    "dashes before": Trouble(dashed_before),
    "field struck out": Trouble(field_struck_out),
    "digit struck out, new one above": Trouble(digit_struck_out),
    "one more digit behind": Trouble(written_behind),
    "one more digit before": Trouble(written_before),
    "digit over digit": Trouble(overwritten),
    "a word": Trouble(letters),
    "specks": Trouble(specks),
    "pale pencil": Trouble(pen=(150.0, 150.0, 155.0), strength=0.8),
    "bleed-through": Trouble(to_the_right, bleeding=0.22),
    "pale guides": Trouble(to_the_right, guided),
    "pale guides, dark copy": Trouble(to_the_right, guided, look=DARK_COPY),
    "dots": Trouble(to_the_right, dotted),
    "security print": Trouble(to_the_right, patterned),
    "rule across": Trouble(printing=ruled),
    "photo": Trouble(to_the_right, photo=True),
    "photo, guides": Trouble(to_the_right, guided, photo=True),
    "photo, crosses, guides": Trouble(crossed_before, guided, photo=True),
    "dark photo": Trouble(to_the_right, guided, photo=True, brightness=0.45),
    "no blank": Trouble(large, has_blank=False),
}
