"""Free-hand fields: digits side by side in one box. Where may one end and the next begin?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from preprocessing.components import INK_LEVEL, Components, is_blotted
from preprocessing.levels import quantile
from preprocessing.page import Candidates, CellState, FieldImage, Piece, PixelBox

EMPTY_MM2 = 0.35
OUTSIDE_MM = 1.0  # ink whose middle lies farther than this outside of the box is not the field's
MAX_SEGMENTS = 60  # a field of 20 digits has some 30: beyond this it is no number, and the lattice is cut off
MAX_JOINED = 4
MAX_CUTS = 24  # within one connected stroke
CUTS_APART = 0.28  # of a digit's height: where two cuts are closer, no digit but a 1 fits between
VALLEY_REACH = 0.07  # of a digit's height: a cut is where a stroke is thinnest, so far to either side
SPECK_SHARE = 0.2  # of a digit's height: a decimal point has some 0.15, a comma 0.3
RULE_SHARE = 0.2
FRAME_REACH_MM = 1.6
FRAME_PRIOR = 0.6  # as likely the one as the other: whichever it is, a person should look
SMALL_PRIORS = ((0.3, 0.99), (0.45, 0.9))  # below this share of a digit's height: a point, a comma, a dash


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """The smallest unit of the lattice: some strokes, or the part of a stroke between two cuts."""

    box: PixelBox
    ink: np.ndarray


def segment_freehand(image: FieldImage) -> Candidates:
    """Over-segment into strokes, cut wide strokes where they are thin, and offer every sensible joint of neighbours.

    LeCun et al. 1998, section V: heuristic over-segmentation; which cuts are right is left to the classifier and
    decoding.
    """
    components = Components.of(image.ink)
    members = _inside(components, image)
    area_mm2 = components.areas[members].sum() / image.px_per_mm**2
    if not members or area_mm2 < EMPTY_MM2:
        state = CellState.STRUCK_OUT if is_blotted(image.grey, image.cells[0]) else CellState.EMPTY
        return Candidates(0, (), (state,))
    digit_height = _digit_height(components, members)
    members = _may_be_written(components, members, digit_height)
    segments = []
    for group in _groups(components, members):
        segments += _cut(components, image.ink, group, digit_height)
    truncated = len(segments) > MAX_SEGMENTS
    segments = segments[:MAX_SEGMENTS]
    return Candidates(len(segments), tuple(_pieces(segments, digit_height, image)), (CellState.INK,), truncated)


def _inside(components: Components, image: FieldImage) -> list[int]:
    """The components that belong to the field, from left to right."""
    cell, reach = image.cells[0], OUTSIDE_MM * image.px_per_mm
    x, y = components.centres.T
    inside = (x > cell.left - reach) & (x < cell.right + reach) & (y > cell.top - reach) & (y < cell.bottom + reach)
    return [int(index) for index in np.argsort(components.boxes[:, 0], kind="stable") if inside[index]]


def _digit_height(components: Components, members: list[int]) -> float:
    """How high this writer's digits are: the upper median of what is not small beside the highest stroke."""
    heights = components.heights[members]
    return quantile(heights[heights > 0.4 * heights.max()], 0.6)


def _may_be_written(components: Components, members: list[int], digit_height: float) -> list[int]:
    """Without specks and points far smaller than a digit, and without rules: flat, and longer than a digit is wide."""
    widths, heights = components.widths[members], components.heights[members]
    is_speck = np.maximum(widths, heights) < SPECK_SHARE * digit_height
    is_rule = (heights < RULE_SHARE * digit_height) & (widths > 1.3 * digit_height)
    return [index for index, left_out in zip(members, (is_speck | is_rule).tolist(), strict=True) if not left_out]


def _groups(components: Components, members: list[int]) -> list[list[int]]:
    """Strokes that lie above one another belong together: the bar of a 5, a broken 0."""
    groups: list[list[int]] = []
    around = PixelBox(0, 0, 0, 0)
    for index, corners in zip(members, components.boxes[members].tolist(), strict=True):
        box = PixelBox(*corners)
        if groups and _overlap(around, box) > 0.5:
            groups[-1].append(index)
            around = _around(around, box)
        else:
            groups.append([index])
            around = box
    return groups


def _overlap(a: PixelBox, b: PixelBox) -> float:
    """The share of the narrower box's width that lies within the other's."""
    shared = min(a.right, b.right) - max(a.left, b.left)
    return max(0, shared) / max(1, min(a.width, b.width))


def _cut(components: Components, ink: np.ndarray, group: list[int], digit_height: float) -> list[_Segment]:
    """The group as one segment, or, where it is too wide for one digit, its parts between thin places."""
    box, own = components.ink_of(ink, group)
    columns = _cut_columns(own, digit_height)
    edges = [0, *columns, box.width]
    return [
        _Segment(PixelBox(box.left + left, box.top, box.left + right, box.bottom), own[:, left:right])
        for left, right in pairwise(edges)
    ]


def _cut_columns(ink: np.ndarray, digit_height: float) -> list[int]:
    """Columns where two digits may touch, the likeliest kept, more than a quarter of a digit's height apart.

    Either little ink stands there (a ligature), or the outline is low there: two round digits that touch side by side
    have much ink at the joint, but a valley above it and below.
    """
    if ink.shape[1] < 0.9 * digit_height:
        return []
    is_ink = ink > INK_LEVEL
    thickness = is_ink.sum(axis=0)
    outline = np.where(thickness > 0, ink.shape[0] - is_ink.argmax(axis=0) - is_ink[::-1].argmax(axis=0), 0)
    cost = np.minimum(thickness / (0.3 * digit_height), outline / (0.7 * digit_height)).astype(np.float32)
    apart = max(2, round(CUTS_APART * digit_height))
    columns: list[int] = []
    for column in _thinnest_first(cost, apart, max(1, round(VALLEY_REACH * digit_height))):
        if len(columns) == MAX_CUTS:
            break
        if all(abs(column - other) >= apart for other in columns):
            columns.append(column)
    return sorted(columns)


def _thinnest_first(cost: np.ndarray, margin: int, reach: int) -> list[int]:
    """The columns that may be cut at all: those in a valley of the cost, and not within the margin of either end.

    Every other cut beside a valley would be a worse one at the same joint, and each cut adds several pieces to read.
    """
    valleys = (cost <= 1) & (cost <= cv2.erode(cost[None], np.ones((1, 2 * reach + 1), np.uint8))[0])
    cuttable = margin + np.flatnonzero(valleys[margin : len(cost) - margin])
    ordered: list[int] = cuttable[np.argsort(cost[cuttable], kind="stable")].tolist()
    return ordered


def _pieces(segments: list[_Segment], digit_height: float, image: FieldImage) -> list[Piece]:
    pieces = []
    for start, first in enumerate(segments):
        pieces.append(Piece(start, start + 1, first.box, first.ink, _void_prior(first, digit_height, image)))
        joined = first
        for end in range(start + 2, min(start + MAX_JOINED, len(segments)) + 1):
            box = _around(joined.box, segments[end - 1].box)
            if box.width > 1.5 * digit_height:
                break
            joined = _Segment(box, _joined_ink((joined, segments[end - 1]), box))
            # Of a joint, only the parts may be passed over, one by one.
            pieces.append(Piece(start, end, box, joined.ink, 0.0))
    return pieces


def _around(a: PixelBox, b: PixelBox) -> PixelBox:
    return PixelBox(min(a.left, b.left), min(a.top, b.top), max(a.right, b.right), max(a.bottom, b.bottom))


def _joined_ink(parts: tuple[_Segment, _Segment], box: PixelBox) -> np.ndarray:
    ink = np.zeros((box.height, box.width), np.uint8)
    for part in parts:
        left, top = part.box.left - box.left, part.box.top - box.top
        place = ink[top : top + part.box.height, left : left + part.box.width]
        np.maximum(place, part.ink, out=place)
    return ink


def _void_prior(segment: _Segment, digit_height: float, image: FieldImage) -> float:
    """Small segments may be passed over, and what may be the field's frame."""
    for height_share, prior in SMALL_PRIORS:
        if segment.box.height < height_share * digit_height:
            return prior
    return FRAME_PRIOR if not image.frame_known and _may_be_frame(segment, image) else 0.0


def _may_be_frame(segment: _Segment, image: FieldImage) -> bool:
    """Whether this is a narrow piece at the left or right end of the image that could be its cell's border, or a 1.

    A border is straight and upright, or runs on to the top or bottom of the image.
    """
    cell, reach = image.cells[0], FRAME_REACH_MM * image.px_per_mm
    if segment.box.right - cell.left > 2 * reach and cell.right - segment.box.left > 2 * reach:
        return False
    if segment.box.width > reach:
        return False
    runs_on = segment.box.top <= cell.top + 1 or segment.box.bottom >= cell.bottom - 1
    return runs_on or _is_upright_line(segment.ink)


def _is_upright_line(ink: np.ndarray) -> bool:
    rows, columns = np.nonzero(ink > INK_LEVEL)
    if np.ptp(rows) < 4:
        return False
    lean, start = np.polyfit(rows, columns, 1)
    off_line = columns - (lean * rows + start)
    return bool(abs(lean) < 0.12 and off_line.std() < 0.15 * np.ptp(rows))
