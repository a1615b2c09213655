"""Strokes where they meet a field's printed lines: bridged where they cross one, found where they lie along one.

Masks are (h, w) uint8, 255 where they hold and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from preprocessing.components import INK_LEVEL
from preprocessing.levels import level_quantile, quantile

Place = tuple[slice, slice]  # rows and columns

BRIDGE_MM = 2.0  # a stroke is taken to go on behind print this far: a line of 0.5 mm, its tolerance, and slanting
LINE_MM = 3.0  # straight print at least this long is a line
RIM_PX = 2  # of what was taken out with a line, ragged where a stroke crosses
USUAL_QUANTILE = 0.25  # of the darkness along a printed line: on less of it than three quarters lie strokes
MORE_SHARE, MORE_PX = 0.35, 1.3  # a stroke makes a line so much wider; a 1-bit scan alone makes it a pixel wider
SMOOTH_MM = 0.5
ALONG_MM = 0.9  # a stroke lies along a line where it is longer than one that crosses it is wide
LINE_WIDTH_MM = 0.6
TOUCH_MM = 0.6
MEETING_MM = 1.2  # how wide two printed lines are taken to be where they meet


def bridged(shown: np.ndarray, ink: np.ndarray, is_print: np.ndarray, px_per_mm: float) -> np.ndarray:
    """Give back what was taken out of strokes where they cross a printed line.

    Closings by short lines, steeper to the printed line than 30 degrees, join the two ends of a stroke; a disc would
    fill no gap that is longer than the stroke is wide, and a line along the print would join two strokes that both
    cross it.

    Args:
        shown: (h, w) uint8 ink without what was taken out.
        ink: the same with it.
        is_print: mask of what was taken out.
        px_per_mm: scale of all.
    """
    taken = cv2.bitwise_and(is_print, cv2.threshold(ink, INK_LEVEL, 255, cv2.THRESH_BINARY)[1])
    if not cv2.countNonZero(taken) or not cv2.countNonZero(shown):
        return shown
    rim = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8)
    level, upright = (cv2.dilate(lines, rim) for lines in _lines(is_print, px_per_mm))
    kernels = _kernels(max(5, round(BRIDGE_MM * px_per_mm)) | 1)
    across_level = _closed_at(cv2.bitwise_and(level, taken), shown, kernels)
    across_upright = _closed_at(cv2.bitwise_and(upright, taken), shown, kernels.turned)
    return cv2.max(shown, cv2.min(cv2.max(across_level, across_upright), ink))


def written_on_lines(dark: np.ndarray, is_line: np.ndarray, ink_level: float, px_per_mm: float) -> np.ndarray:
    """(h, w) bool: where a stroke lies along a printed line, so that it was taken out with the line.

    A line is as dark and as wide everywhere as it is along most of its length; where it is clearly more, a stroke
    lies upon it. Places where lines meet say nothing of themselves.

    Args:
        dark: (h, w) uint8 darkness.
        is_line: mask of the dark print that was taken out.
        ink_level: the darkness half way between paper and ink.
        px_per_mm: scale of both.
    """
    level, upright = _lines(is_line, px_per_mm)
    along = _thickened(dark, level, upright, ink_level, px_per_mm)
    turned = cv2.transpose(dark), cv2.transpose(upright), cv2.transpose(level)
    return along | _thickened(*turned, ink_level, px_per_mm).T


def touching(marks: np.ndarray, ink: np.ndarray, px_per_mm: float) -> np.ndarray:
    """(h, w) bool: the connected marks that touch (h, w) uint8 ink, or nearly.

    A mark alone on a line is a flaw of its print.
    """
    if not marks.any():  # as in most fields
        return marks
    count, labels = cv2.connectedComponents(marks.view(np.uint8), connectivity=8)
    reach = 2 * round(TOUCH_MM * px_per_mm) + 1
    near = cv2.dilate((ink > INK_LEVEL).view(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    touched = np.zeros(count, bool)
    touched[labels[near]] = True
    touched[0] = False
    return touched[labels]


def _lines(is_print: np.ndarray, px_per_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the level and of the upright lines in a mask of print."""
    run = round(LINE_MM * px_per_mm)
    level = cv2.morphologyEx(is_print, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    return level, cv2.morphologyEx(is_print, cv2.MORPH_OPEN, np.ones((run, 1), np.uint8))


def _thickened(
    dark: np.ndarray, lines: np.ndarray, crossing: np.ndarray, ink_level: float, px_per_mm: float
) -> np.ndarray:
    """(h, w) bool: what is clearly darker than the level ``lines`` are along most of their length; two masks."""
    strokes = np.zeros(lines.shape, bool)
    for place, line in _each(lines):
        is_free = ~(crossing[place] * line).any(axis=0)
        if is_free.sum() > ALONG_MM * px_per_mm:
            strokes[place] |= line & _laid_on(dark[place] * line, is_free, ink_level, px_per_mm)
    return strokes


def _each(lines: np.ndarray) -> Iterator[tuple[Place, np.ndarray]]:
    """The connected parts of a mask: where each lies, and which pixels there are its own, bool.

    Labels and outlines together take half the time of components with OpenCV's statistics.
    """
    _, labels = cv2.connectedComponentsWithAlgorithm(lines, 8, cv2.CV_32S, cv2.CCL_BBDT)
    outlines, levels = cv2.findContours(lines, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for outline, (_, _, _, parent) in zip(outlines, levels[0] if outlines else (), strict=True):
        if parent < 0:  # else it is a hole
            place = _place(outline)
            x, y = outline[0, 0]
            yield place, labels[place] == labels[y, x]


def _place(outline: np.ndarray) -> Place:
    left, top, width, height = cv2.boundingRect(outline)
    return slice(top, top + height), slice(left, left + width)


def _laid_on(line: np.ndarray, is_free: np.ndarray, ink_level: float, px_per_mm: float) -> np.ndarray:
    """(h, w) bool: the strokes that lie along one level line, given as darkness (h, w) uint8.

    ``is_free`` (w,) bool: the columns where no other line meets it. By the sum over a column a stroke is told, since
    that stays the same where the line is a little aslant; by its rows it is seen where in the line it lies.
    """
    sums = cv2.reduce(line, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    held = cv2.blur(sums, (_odd_px(SMOOTH_MM * px_per_mm), 1))[0]
    free = held[is_free]
    usual = quantile(free, USUAL_QUANTILE)
    if float(free.max()) - usual <= MORE_SHARE * usual:  # as along most lines
        return np.zeros(line.shape, bool)
    darkest = level_quantile(line.max(axis=0), 0.5)
    is_more = (held - usual > max(MORE_SHARE * usual, MORE_PX * darkest)) & is_free
    # Where lines meet, a stroke goes on that lies on both sides.
    passed = _morphed(is_more, cv2.MORPH_CLOSE, _odd_px(MEETING_MM * px_per_mm)) & ~is_free
    is_more = _morphed(is_more | passed, cv2.MORPH_OPEN, _odd_px(ALONG_MM * px_per_mm))
    if not is_more.any():
        return np.zeros(line.shape, bool)
    own = np.array([[level_quantile(row[is_free], USUAL_QUANTILE)] for row in line])
    rest = ((line > own + 0.5 * ink_level) & is_more).astype(np.uint8)
    # A stroke that is wider than the line, in its middle, shows at both of its sides.
    joined = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((_odd_px(LINE_WIDTH_MM * px_per_mm), 1), np.uint8))
    return cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, _odd_px(SMOOTH_MM * px_per_mm)), np.uint8)) > 0


def _morphed(row: np.ndarray, operation: int, length: int) -> np.ndarray:
    return cv2.morphologyEx(row[None].astype(np.uint8), operation, np.ones((1, length), np.uint8))[0] > 0


def _odd_px(length: float) -> int:
    return max(1, round(length)) | 1


@dataclass(frozen=True, slots=True, eq=False)
class _Kernels:
    """What joins the ends of strokes across a level line.

    ``aside`` and ``upright`` tell what lies between ink above and below; ``steep`` are lines through the middle.
    """

    aside: np.ndarray
    upright: np.ndarray
    steep: tuple[np.ndarray, ...]

    @property
    def turned(self) -> _Kernels:
        """The same across an upright line."""
        return _Kernels(self.aside.T, self.upright.T, tuple(np.ascontiguousarray(line.T) for line in self.steep))


@lru_cache
def _kernels(length: int) -> _Kernels:
    """For strokes interrupted over ``length`` pixels, an odd number: lines from 30 degrees on to both sides."""
    half = length // 2
    steep = []
    for degrees in range(30, 151, 15):
        kernel = np.zeros((length, length), np.uint8)
        dx = round(half * np.cos(np.radians(degrees)))
        dy = round(half * np.sin(np.radians(degrees)))
        cv2.line(kernel, (half - dx, half - dy), (half + dx, half + dy), 1, 1)
        steep.append(kernel)
    return _Kernels(np.ones((1, 2 * length - 1), np.uint8), np.ones((length, 1), np.uint8), tuple(steep))


def _closed_at(where: np.ndarray, ink: np.ndarray, kernels: _Kernels) -> np.ndarray:
    """Ink (h, w) uint8 closed by steep lines, where the mask ``where`` holds; 0 elsewhere, or where that adds nothing.

    Only what has ink both above and below, a line's length apart at most, can be filled, which is next to nothing of a
    printed line; there alone the closings are made.
    """
    aside = cv2.dilate(cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY)[1], kernels.aside)
    between = cv2.bitwise_and(cv2.morphologyEx(aside, cv2.MORPH_CLOSE, kernels.upright), where)
    closed = np.zeros_like(ink)
    if not cv2.countNonZero(between):
        return closed
    length = max(kernels.upright.shape)
    near = cv2.dilate(between, np.ones((length, length), np.uint8))
    for outline in cv2.findContours(near, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        rows, columns = place = _place(outline)
        top, left = max(0, rows.start - length), max(0, columns.start - length)
        filled = _closed(ink[top : rows.stop + length, left : columns.stop + length], kernels.steep)
        inner = filled[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        closed[place] = cv2.max(closed[place], cv2.bitwise_and(inner, where[place]))
    return closed


def _closed(ink: np.ndarray, kernels: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.maximum.reduce([cv2.morphologyEx(ink, cv2.MORPH_CLOSE, kernel) for kernel in kernels])
