"""Comb fields: one printed cell a digit. Which cell does a stroke belong to, and what does a cell hold?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from preprocessing.components import Components, is_blotted
from preprocessing.page import Candidates, CellState, FieldImage, Piece, PixelBox, Surroundings

EMPTY_MM2 = 0.35  # less ink than this is a slip of the pen or dirt: the dot of a 0.5 mm pen has 0.2
REACH_MM = 1.2  # how far outside of its cell a stroke may lie altogether and still be taken for the cell's
INSET_MM = 0.4  # a stroke of the cell's own digit comes at least this far inside
SPECK_MM = 1.2  # shorter than any stroke of a digit
SPECKS_MM2 = 1.2  # of specks in one cell; more may be a pale digit, broken to pieces
LED_THROUGH = 1.0  # one stroke through three cells: whatever lies below it is not valid
LIKELY_CROSS, POSSIBLE_CROSS = 0.97, 0.5
SQUARE_PX = 48
DIGIT_REACH_MM = 3.5  # a digit that begins this far from the cells may belong to them
DIGIT_SHARE = 0.3  # of the cells' height: no digit that belongs to them is lower
WORD_SHARE = 0.5  # of the cells' height: how high a printed word is at most that a digit is written over
RULE_MM = 0.7  # no wider, and four times as long: a rule, or what is left of one
CROSSED_SHARE = 0.5  # of a cell's width: a cross may well reach over into the next cell


def segment_comb(image: FieldImage) -> Candidates:
    """One piece for each cell that holds ink; the cuts are the borders of the cells.

    ``STRUCK_OUT`` is a cell whose ink has the shape of a cross; its ``void_prior``, and that of what may be one, says
    how likely that is by shape alone. The classifier has a say in whether it is.

    A stroke that leaves its cell stays whole and goes to the cell that holds most of it, unless it joins digits of two
    cells: then it is cut at the border.
    """
    components = Components.of(image.ink)
    zones = _zones(image.ink.shape, image.cells, image.px_per_mm)
    shares = _shares(components, zones, len(image.cells))
    crossed = _crossed_cells(components, image.cells)
    pieces, states = [], []
    for index, (own, cell) in enumerate(zip(_assign(image, components, zones, shares), image.cells, strict=True)):
        held = Components.of(own.ink)
        if _is_empty(held, image.px_per_mm):
            states.append(CellState.STRUCK_OUT if is_blotted(image.grey, cell) else CellState.EMPTY)
            continue
        prior = LED_THROUGH if index in crossed else _cross_prior(held, cell)
        states.append(CellState.STRUCK_OUT if prior > POSSIBLE_CROSS else CellState.INK)
        pieces.append(Piece(index, index + 1, own.box, own.ink, prior))
    beside = image.around is not None and (
        _is_written_beside(image, image.around, components) or _is_written_around(image, image.around, components)
    )
    return Candidates(len(image.cells), tuple(pieces), tuple(states), ink_beside=beside)


def _shares(components: Components, zones: np.ndarray, cells: int) -> np.ndarray:
    """(N, 1 + cells) int: how many pixels of each component lie in each zone."""
    ink = components.labels > 0
    pairs = components.labels[ink].astype(np.int64) * (cells + 1) + zones[ink]
    counts = np.bincount(pairs, minlength=(len(components.areas) + 1) * (cells + 1))
    return counts.reshape(-1, cells + 1)[1:]


def _crossed_cells(components: Components, cells: tuple[PixelBox, ...]) -> set[int]:
    """The cells that one straight stroke leads through, three or more: the field is struck out, whatever it says.

    Crosses and large digits in a row may be joined as well, but not by a line.
    """
    left, right = components.boxes[:, :1], components.boxes[:, 2:3]
    starts, ends = np.array([cell.left for cell in cells]), np.array([cell.right for cell in cells])
    covered = np.minimum(right, ends) - np.maximum(left, starts) > CROSSED_SHARE * (ends - starts)
    crossed: set[int] = set()
    for label in np.flatnonzero(covered.sum(axis=1) >= 3) + 1:
        passed = np.flatnonzero(covered[label - 1])
        mark = components.labels == label
        if all(_leads_through(mark, cells[index], index == passed[0], index == passed[-1]) for index in passed):
            crossed |= {int(index) for index in passed}
    return crossed


def _leads_through(mark: np.ndarray, cell: PixelBox, is_first: bool, is_last: bool) -> bool:
    """Whether a straight and rather level line lies in (h, w) bool ``mark`` from one side of the cell to the other.

    In the first cell it may begin in the middle, in the last one end there.
    """
    middle = (cell.left + cell.right) // 2
    columns = slice(middle if is_first else cell.left, middle if is_last else cell.right)
    rows = slice(cell.top + cell.height // 8, cell.bottom - cell.height // 8)
    part = cv2.dilate(mark[rows, columns].astype(np.uint8), np.ones((3, 3), np.uint8))
    entered, left = (side.ravel() for side in np.meshgrid(np.flatnonzero(part[:, 0]), np.flatnonzero(part[:, -1])))
    level = np.abs(entered - left) < 0.3 * cell.height
    steps = np.linspace(0, 1, part.shape[1])
    heights = entered[level, None] * (1 - steps) + left[level, None] * steps
    on_line = part[heights.round().astype(int), np.arange(part.shape[1])].mean(axis=1)
    return bool(on_line.size and on_line.max() > 0.97)


@dataclass(frozen=True, slots=True, eq=False)
class _CellInk:
    """The ink of one cell alone, (h, w) uint8, cropped to it, and where it lies in the field image."""

    box: PixelBox
    ink: np.ndarray


def _assign(image: FieldImage, components: Components, zones: np.ndarray, shares: np.ndarray) -> Iterator[_CellInk]:
    """For each cell its ink."""
    home = _home_cells(shares, components, image)
    cell_of_pixel = np.concatenate([[0], home]).astype(np.uint8)[components.labels]
    joins = _joins_cells(shares, components, image)
    if joins.any():
        is_split = np.concatenate([[False], joins])[components.labels]
        cell_of_pixel[is_split] = zones[is_split]
    # The soft edge around a stroke goes with the stroke: give each faint pixel its strongest neighbour's cell.
    spread = cv2.dilate(cell_of_pixel, np.ones((3, 3), np.uint8))
    cell_of_pixel = np.where(cell_of_pixel > 0, cell_of_pixel, spread)
    for index in range(len(image.cells)):
        around = _window(components.boxes[(home == index + 1) | joins])
        yield _cropped(image.ink[around.slices] * (cell_of_pixel[around.slices] == index + 1), around)


def _window(boxes: np.ndarray) -> PixelBox:
    """What holds all these (N, 4) boxes, and the soft edge around them."""
    if not len(boxes):
        return PixelBox(0, 0, 0, 0)
    left, top = np.maximum(boxes[:, :2].min(axis=0) - 1, 0).tolist()
    right, bottom = (boxes[:, 2:].max(axis=0) + 1).tolist()
    return PixelBox(left, top, right, bottom)


def _cropped(ink: np.ndarray, window: PixelBox) -> _CellInk:
    left, top, width, height = cv2.boundingRect(ink) if ink.size else (0, 0, 0, 0)
    inner = PixelBox(left, top, left + width, top + height)
    box = PixelBox(window.left + left, window.top + top, window.left + left + width, window.top + top + height)
    return _CellInk(box, ink[inner.slices])


def _is_written_beside(image: FieldImage, around: Surroundings, components: Components) -> bool:
    """Whether a stroke lies next to the cells that is no other field's: a digit too many, or a correction.

    It counts where it is as long as a stroke of a digit. What another field's ink may be is not counted, nor a rule.
    What runs out of the field's cut is told in its surroundings, where more of it is seen.
    """
    longest = np.maximum(components.widths, components.heights)
    is_beside = _beside_shares(image.cells, around.others, components, image.px_per_mm) > 0.5 * components.areas
    is_beside &= (components.areas > EMPTY_MM2 * image.px_per_mm**2) & (longest > SPECK_MM * image.px_per_mm)
    return bool((is_beside & ~_run_out(components) & ~_are_rules(components, image.px_per_mm)).any())


def _is_written_around(image: FieldImage, around: Surroundings, components: Components) -> bool:
    """Whether something as high as a digit lies within a digit's reach of the cells, and seems to be of this field.

    What runs out of the surroundings is other writing. What belongs to ``components``, the field's own ink, and lies
    mostly in its cells, is the end of one of its strokes. A digit over a printed word is found in two parts.
    """
    margin = around.margin_px
    found = Components.of(around.ink)
    cells, others = (tuple(_moved(box, margin) for box in boxes) for boxes in (image.cells, around.others))
    is_beside = _beside_shares(cells, others, found, image.px_per_mm) > 0.9 * found.areas
    is_beside &= ~_run_out(found) & ~_are_rules(found, image.px_per_mm) & (found.areas > EMPTY_MM2 * image.px_per_mm**2)
    is_beside &= _are_near(found, cells, image.px_per_mm)
    if not is_beside.any():  # as in most fields
        return False
    is_beside &= ~_belong_to_cells(found, image, margin, components)
    height = float(np.median([cell.height for cell in cells]))
    parts = np.where(np.concatenate([[False], is_beside])[found.labels], 255, 0).astype(np.uint8)
    whole = cv2.morphologyEx(parts, cv2.MORPH_CLOSE, np.ones((round(WORD_SHARE * height), 1), np.uint8))
    return bool((Components.of(whole).heights > DIGIT_SHARE * height).any())


def _are_near(components: Components, cells: tuple[PixelBox, ...], px_per_mm: float) -> np.ndarray:
    """(N,) bool: what begins within ``DIGIT_REACH_MM`` of the cells."""
    reach = round(DIGIT_REACH_MM * px_per_mm)
    left, top, right, bottom = components.boxes.T
    is_near = (right > cells[0].left - reach) & (left < cells[-1].right + reach)
    highest, lowest = min(cell.top for cell in cells), max(cell.bottom for cell in cells)
    return is_near & (bottom > highest - reach) & (top < lowest + reach)


def _belong_to_cells(found: Components, image: FieldImage, margin: int, components: Components) -> np.ndarray:
    """(N,) bool: of ``found`` in the surroundings those that share ink with what lies mostly in the cells."""
    in_cells = np.zeros(image.ink.shape, bool)
    for cell in image.cells:
        in_cells[cell.slices] = True
    held = np.bincount(components.labels[in_cells], minlength=len(components.areas) + 1)
    is_own = np.concatenate([[False], held[1:] > 0.5 * components.areas])[components.labels]
    height, width = image.ink.shape
    labels = found.labels[margin : margin + height, margin : margin + width]
    return np.bincount(labels[is_own], minlength=len(found.areas) + 1)[1:] > 0


def _moved(box: PixelBox, by: int) -> PixelBox:
    return PixelBox(box.left + by, box.top + by, box.right + by, box.bottom + by)


def _are_rules(components: Components, px_per_mm: float) -> np.ndarray:
    """(N,) bool: level lines. An upright one may be a 1."""
    return (components.heights < RULE_MM * px_per_mm) & (components.widths > 4 * RULE_MM * px_per_mm)


def _run_out(components: Components) -> np.ndarray:
    """(N,) bool: what reaches the edge of the cut and may go on beyond it."""
    height, width = components.labels.shape
    left, top, right, bottom = components.boxes.T
    return (left <= 1) | (top <= 1) | (right >= width - 1) | (bottom >= height - 1)


def _beside_shares(
    cells: tuple[PixelBox, ...], others: tuple[PixelBox, ...], components: Components, px_per_mm: float
) -> np.ndarray:
    """(N,) int: how many pixels of each component lie in no field's cells, nor near another's."""
    is_beside = components.labels > 0
    for cell in cells:
        is_beside[cell.slices] = False
    reach = round(REACH_MM * px_per_mm)
    for box in others:
        rows = slice(max(0, box.top - reach), max(0, box.bottom + reach))
        is_beside[rows, max(0, box.left - reach) : max(0, box.right + reach)] = False
    return np.bincount(components.labels[is_beside], minlength=len(components.areas) + 1)[1:]


def _zones(shape: tuple[int, ...], cells: tuple[PixelBox, ...], px_per_mm: float) -> np.ndarray:
    """(h, w) int: 1 + the cell that a pixel lies in or nearest to, 0 where it is too far from all."""
    height, width = shape
    reach = round(REACH_MM * px_per_mm)
    zones = np.zeros(shape, np.int32)
    borders = [0] + [(a.right + b.left) // 2 for a, b in pairwise(cells)] + [width]
    for index, cell in enumerate(cells):
        left = max(borders[index], cell.left - reach, 0)
        right = min(borders[index + 1], cell.right + reach, width)
        zones[max(0, cell.top - reach) : min(height, cell.bottom + reach), left:right] = index + 1
    return zones


def _home_cells(shares: np.ndarray, components: Components, image: FieldImage) -> np.ndarray:
    """(N,) int: 1 + the cell a component belongs to as a whole; 0 where it joins cells, or belongs to none."""
    in_cells = shares[:, 1:]
    outside = in_cells.max(axis=1) < 0.5 * components.areas
    nowhere = outside | _is_stray(components, image) | _joins_cells(shares, components, image)
    return np.where(nowhere, 0, in_cells.argmax(axis=1) + 1)


def _joins_cells(shares: np.ndarray, components: Components, image: FieldImage) -> np.ndarray:
    """(N,) bool: components that hold much ink in two cells and are wider than one."""
    if len(image.cells) < 2:
        return np.zeros(len(components.areas), bool)
    second, largest = np.sort(shares[:, 1:], axis=1)[:, -2:].T
    cell_width = np.median([cell.width for cell in image.cells])
    return (second > 0.25 * largest) & (components.widths > 1.15 * cell_width)


def _is_stray(components: Components, image: FieldImage) -> np.ndarray:
    """(N,) bool: what touches no cell's inside and is too low for a digit, such as a remnant of the printed border."""
    inset = round(INSET_MM * image.px_per_mm)
    inside = np.zeros((len(components.areas) + 1,), bool)
    for cell in image.cells:
        rows, columns = slice(cell.top + inset, cell.bottom - inset), slice(cell.left + inset, cell.right - inset)
        inside[components.labels[rows, columns]] = True
    digit_height = 0.4 * np.median([cell.height for cell in image.cells])
    return ~inside[1:] & (components.heights < digit_height)


def _is_empty(components: Components, px_per_mm: float) -> bool:
    """Whether there is nothing, a slip of the pen, or a few specks of dirt, none as long as the shortest stroke."""
    area_mm2 = float(components.areas.sum()) / px_per_mm**2
    if area_mm2 < EMPTY_MM2:
        return True
    longest = max(components.widths.max(), components.heights.max())
    return bool(area_mm2 < SPECKS_MM2 and longest < SPECK_MM * px_per_mm)


def _cross_prior(components: Components, cell: PixelBox) -> float:
    """How likely the largest component is a cross over the cell, by its shape: two strokes from corner to corner.

    It is looked at in a square, its own bounding box stretched. A digit may have ink in all four corners as well, as
    an open 2 has; what leaves the middles of three sides free, and lies along both diagonals, is hardly one (of 3,000
    digits of MNIST 1, and 102 in the corners).
    """
    if not len(components.areas):
        return 0.0
    largest = int(components.areas.argmax())
    if components.widths[largest] < 0.5 * cell.width or components.heights[largest] < 0.5 * cell.height:
        return 0.0
    square = _in_a_square(components, largest)
    free_sides = sum(not square[middle].any() for middle in _SIDE_MIDDLES)
    if free_sides < 2 or not all(square[corner].any() for corner in _CORNERS):
        return 0.0
    steps = np.arange(2, SQUARE_PX - 2)
    corridor = cv2.dilate(square.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    along = min(corridor[steps, steps].mean(), corridor[steps, SQUARE_PX - 1 - steps].mean())
    return LIKELY_CROSS if free_sides >= 3 and along > 0.8 else POSSIBLE_CROSS


def _in_a_square(components: Components, index: int) -> np.ndarray:
    left, top, right, bottom = components.boxes[index]
    mark = (components.labels[top:bottom, left:right] == index + 1).astype(np.uint8)
    return cv2.resize(mark * 255, (SQUARE_PX, SQUARE_PX), interpolation=cv2.INTER_AREA) > 60


_CORNERS = tuple((rows, columns) for rows in (slice(0, 15), slice(33, 48)) for columns in (slice(0, 15), slice(33, 48)))
_SIDE_MIDDLES = (
    (slice(0, 8), slice(18, 30)),
    (slice(40, 48), slice(18, 30)),
    (slice(18, 30), slice(0, 8)),
    (slice(18, 30), slice(40, 48)),
)
