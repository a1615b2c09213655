"""Comb fields: one printed cell a digit. Which cell does a stroke belong to, and what does a cell hold?"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from preprocessing.components import INK_LEVEL, Components
from preprocessing.page import Candidates, CellState, FieldImage, Piece, PixelBox

EMPTY_MM2 = 0.35  # less ink than this is a slip of the pen or dirt: the dot of a 0.5 mm pen has 0.2
REACH_MM = 1.2  # how far outside of its cell a stroke may lie altogether and still be taken for the cell's
INSET_MM = 0.4  # a stroke of the cell's own digit comes at least this far inside
STRUCK_OUT_PRIOR = 0.97
CROSSED_SHARE = 0.5  # of a cell's width: a cross may well reach over into the next cell


def segment_comb(image: FieldImage) -> Candidates:
    """One piece for each cell that holds ink; the cuts are the borders of the cells.

    A stroke that leaves its cell stays whole and goes to the cell that holds most of it, unless it joins digits of two
    cells: then it is cut at the border.
    """
    components = Components.of(image.ink)
    zones = _zones(image.ink.shape, image.cells, image.px_per_mm)
    shares = _shares(components, zones, len(image.cells))
    crossed = _crossed_cells(components, image.cells)
    pieces, states = [], []
    for index, (ink, cell) in enumerate(zip(_assign(image, components, zones, shares), image.cells, strict=True)):
        state = CellState.STRUCK_OUT if index in crossed else _state(ink, cell, image.px_per_mm)
        states.append(state)
        if state is not CellState.EMPTY:
            pieces.append(_piece(index, ink, state))
    return Candidates(len(image.cells), tuple(pieces), tuple(states))


def _shares(components: Components, zones: np.ndarray, cells: int) -> np.ndarray:
    """(N, 1 + cells) int: how many pixels of each component lie in each zone."""
    pairs = components.labels.astype(np.int64) * (cells + 1) + zones
    counts = np.bincount(pairs.ravel(), minlength=(len(components.areas) + 1) * (cells + 1))
    return counts.reshape(-1, cells + 1)[1:]


def _crossed_cells(components: Components, cells: tuple[PixelBox, ...]) -> set[int]:
    """The cells that one stroke leads through, where it leads through three or more: the field is struck out.

    A stroke that leads through a cell comes near its middle; what is left of the printed frame does not.
    """
    left, right = components.boxes[:, :1], components.boxes[:, 2:3]
    starts, ends = np.array([cell.left for cell in cells]), np.array([cell.right for cell in cells])
    covered = np.minimum(right, ends) - np.maximum(left, starts) > CROSSED_SHARE * (ends - starts)
    for index, cell in enumerate(cells):
        rows = slice(cell.top + cell.height // 4, cell.bottom - cell.height // 4)
        columns = slice(cell.left + cell.width // 4, cell.right - cell.width // 4)
        within = np.isin(np.arange(1, len(components.areas) + 1), components.labels[rows, columns])
        covered[:, index] &= within
    return {int(cell) for row in covered if row.sum() >= 3 for cell in np.flatnonzero(row)}


def _assign(image: FieldImage, components: Components, zones: np.ndarray, shares: np.ndarray) -> list[np.ndarray]:
    """For each cell a (h, w) uint8 image of the field that holds its ink alone."""
    home = _home_cells(shares, components, image)
    cell_of_pixel = np.concatenate([[0], home])[components.labels]
    is_split = np.concatenate([[False], _joins_cells(shares, components, image)])
    cell_of_pixel = np.where(is_split[components.labels], zones, cell_of_pixel)
    # The soft edge around a stroke goes with the stroke: give each faint pixel its strongest neighbour's cell.
    spread = cv2.dilate(cell_of_pixel.astype(np.uint8), np.ones((3, 3), np.uint8))
    cell_of_pixel = np.where(cell_of_pixel > 0, cell_of_pixel, spread)
    return [np.where(cell_of_pixel == index + 1, image.ink, 0).astype(np.uint8) for index in range(len(image.cells))]


def _zones(shape: tuple[int, ...], cells: tuple[PixelBox, ...], px_per_mm: float) -> np.ndarray:
    """(h, w) int: 1 + the cell that a pixel lies in or nearest to, 0 where it is too far from all."""
    height, width = shape
    reach = round(REACH_MM * px_per_mm)
    zones = np.zeros(shape, np.int64)
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


def _state(ink: np.ndarray, cell: PixelBox, px_per_mm: float) -> CellState:
    area_mm2 = float((ink > INK_LEVEL).sum()) / px_per_mm**2
    if area_mm2 < EMPTY_MM2:
        return CellState.EMPTY
    return CellState.STRUCK_OUT if _is_struck_out(ink, cell) else CellState.INK


def _is_struck_out(ink: np.ndarray, cell: PixelBox) -> bool:
    """Whether two strokes run from corner to corner of the cell.

    Ink is looked for along both diagonals of its own bounding box, in a corridor of a sixth of its size: a cross has
    it all along both, a digit leaves one of them somewhere.
    """
    left, top, width, height = cv2.boundingRect((ink > INK_LEVEL).astype(np.uint8))
    if width < 0.7 * cell.width or height < 0.55 * cell.height:
        return False
    mark = (ink[top : top + height, left : left + width] > INK_LEVEL).astype(np.uint8)
    square = cv2.resize(mark * 255, (48, 48), interpolation=cv2.INTER_AREA) > 60
    steps = np.arange(2, 46)
    corridor = cv2.dilate(square.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    falling, rising = corridor[steps, steps].mean(), corridor[steps, 47 - steps].mean()
    # A cross leaves the middles of its four sides free; an 8 or a scrawl of rings does not.
    free_sides = sum(not square[a].any() for a in _SIDE_MIDDLES)
    return bool(falling > 0.9 and rising > 0.9 and free_sides >= 3)


_SIDE_MIDDLES = (
    (slice(0, 8), slice(18, 30)),
    (slice(40, 48), slice(18, 30)),
    (slice(18, 30), slice(0, 8)),
    (slice(18, 30), slice(40, 48)),
)


def _piece(index: int, ink: np.ndarray, state: CellState) -> Piece:
    left, top, width, height = cv2.boundingRect((ink > 0).astype(np.uint8))
    box = PixelBox(left, top, left + width, top + height)
    prior = STRUCK_OUT_PRIOR if state is CellState.STRUCK_OUT else 0.0
    return Piece(index, index + 1, box, ink[box.slices].copy(), prior)
