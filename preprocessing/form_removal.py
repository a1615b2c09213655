"""From a field as scanned to the pen's ink alone: paper and print taken away, strokes that cross the print kept.

*Darkness* is how much darker than the paper around it a pixel is, in grey levels.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from preprocessing.components import INK_LEVEL, connected
from preprocessing.levels import level_quantile, quantile
from preprocessing.page import PixelBox

DARK_PRINT = 60.0  # grey levels: print this dark may be as dark as the pen
MIN_CONTRAST = 24.0  # grey levels: fainter than the palest pencil, darker than JPEG's ripples beside print
PRINT_TOLERANCE_MM = 0.2  # how far print may lie from where the aligned blank shows it
CLEAR_MM = 0.5  # the same for print beside the field
BRIDGE_MM = 2.0  # a stroke is taken to go on behind print this far: a line of 0.5 mm, its tolerance, and slanting
LINE_MM = 3.0  # straight print at least this long is a line
LINE_SHARE = 0.7  # of a side: what is dark along more of it is a line
SPECK_MM2 = 0.06
USUAL_QUANTILE = 0.25  # of the darkness along a printed line: on less of it than three quarters lie strokes
MORE_SHARE, MORE_PX = 0.35, 1.3  # a stroke makes a line so much wider; a 1-bit scan alone makes it a pixel wider
SMOOTH_MM = 0.5
ALONG_MM = 0.9  # a stroke lies along a line where it is longer than one that crosses it is wide
LINE_WIDTH_MM = 0.6
TOUCH_MM = 0.6
MEETING_MM = 1.2  # how wide two printed lines are taken to be where they meet


def darkness(grey: np.ndarray, px_per_mm: float) -> np.ndarray:
    """(h, w) uint8 grey -> (h, w) uint8 grey levels darker than the paper, 0 on paper.

    The paper is what remains after a closing that is wider than any stroke, smoothed: shading and tints vanish.
    """
    reach = max(3, round(2.5 * px_per_mm)) | 1
    paper = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach)))
    return cv2.subtract(cv2.blur(paper, (reach, reach)), grey)


def isolate_ink(grey: np.ndarray, printed: np.ndarray, px_per_mm: float) -> np.ndarray:
    """The pen's ink of a field whose print is known.

    Print is taken out where it explains the darkness that is seen; what is clearly darker than the print beneath it
    stays, so that a light guide may be written over. Where the pen crosses dark print, the stroke is bridged by a
    closing that may only fill what was taken out; where it lies along a printed line, it shows as more than the line is
    elsewhere. After Yu and Jain, "A generic system for form dropout", 1996,
    section 4.

    Args:
        grey: (h, w) uint8, as scanned.
        printed: (h, w) uint8, darkness of the blank at the same place (see ``darkness``); zeros where nothing is
            printed.
        px_per_mm: scale of both.

    Returns:
        (h, w) uint8: 0 paper or print, 255 where the pen is as dark as it gets, soft at the strokes' edges.
    """
    dark = darkness(grey, px_per_mm)
    expected = _expected_print(dark, printed, px_per_mm)
    level = _ink_level(dark[expected < MIN_CONTRAST / 2])
    is_print = dark < 1.3 * expected + 0.25 * level
    is_print &= expected > 0.3 * level
    ink = _ramp(dark, level)
    shown = np.where(is_print, 0, ink).astype(np.uint8)
    bridged = _bridged(shown, ink, is_print, px_per_mm)
    on_lines = _written_on_lines(dark, is_print & (expected >= 255), level, px_per_mm)
    on_lines = _touching(on_lines, bridged > INK_LEVEL, px_per_mm)
    return _without_specks(np.where(on_lines, ink, bridged).astype(np.uint8), px_per_mm)


def ink_clear_of_print(dark: np.ndarray, printed: np.ndarray, px_per_mm: float) -> np.ndarray:
    """What is written where nothing dark is printed, nor next to it.

    For places beside a field, where print may lie farther from where it is expected than a field's own.

    Args:
        dark: (h, w) uint8, darkness of the scan.
        printed: (h, w) uint8, the same of the blank at the same place.
        px_per_mm: scale of both.

    Returns:
        (h, w) uint8, as that of ``isolate_ink``.
    """
    reach = 2 * round(CLEAR_MM * px_per_mm) + 1
    near = cv2.dilate(printed, np.ones((reach, reach), np.uint8)).astype(np.float32)
    level = _ink_level(dark[near < MIN_CONTRAST / 2])
    is_clear = (near < DARK_PRINT) & ((near < 0.3 * level) | (dark > 1.3 * near + 0.25 * level))
    return _without_specks(np.where(is_clear, _ramp(dark, level), 0).astype(np.uint8), px_per_mm)


def border_lines(dark: np.ndarray, cells: tuple[PixelBox, ...], px_per_mm: float, least_run: float = 0.0) -> np.ndarray:
    """The print of a form without a blank: the lines found along the cells' borders, as darkness (h, w) uint8.

    Each side of each cell is looked for within 0.8 mm of where the form has it; a row (or column) that is dark along
    most of the side is a printed line, since no digit's stroke is that straight and that long. Where the cells are
    hardly higher than digits, ``least_run`` says along which share of the side it has to be dark if those next to it
    count as well, for a printed line may be a little aslant.
    """
    printed = np.zeros_like(dark)
    for cell in cells:
        for y in (cell.top, cell.bottom):
            _mark_line(dark, printed, y, (cell.left, cell.right), px_per_mm, least_run)
        for x in (cell.left, cell.right):
            _mark_line(dark.T, printed.T, x, (cell.top, cell.bottom), px_per_mm, least_run)
    return printed


def _mark_line(
    dark: np.ndarray, printed: np.ndarray, at: int, span: tuple[int, int], px_per_mm: float, least_run: float
) -> None:
    reach = max(2, round(0.8 * px_per_mm))
    rows = slice(max(0, at - reach), min(dark.shape[0], at + reach + 1))
    band = dark[rows, max(0, span[0]) : span[1]]
    if not band.size:
        return
    is_dark = (band > MIN_CONTRAST).astype(np.uint8)
    covered = is_dark.mean(axis=1) > LINE_SHARE
    covered &= cv2.dilate(is_dark, np.ones((3, 1), np.uint8)).mean(axis=1) >= least_run
    printed[rows, max(0, span[0]) : span[1]][covered] = band[covered]


def _expected_print(dark: np.ndarray, printed: np.ndarray, px_per_mm: float) -> np.ndarray:
    """The blank's darkness, as dark as this scan prints it and as wide as it may be misplaced.

    Dark print explains any darkness: the pen on top of it can't be told from it, and a thin line is as pale in a
    smoothed blank as it is black in a 1-bit scan. Light print (guides, tints) explains as much as the scan shows of
    it.
    """
    darkest = float(printed.max())
    if darkest < MIN_CONTRAST:
        return printed.astype(np.float32)
    reach = 2 * max(1, round(PRINT_TOLERANCE_MM * px_per_mm)) + 1
    wide = cv2.dilate(printed, np.ones((reach, reach), np.uint8)).astype(np.float32)
    core = printed > 0.7 * darkest
    gain = min(max(level_quantile(dark[core], 0.5) / level_quantile(printed[core], 0.5), 0.3), 2.0)
    is_dark = wide > max(DARK_PRINT, 0.45 * darkest)
    return np.where(is_dark, 255.0, wide * gain)


def _ink_level(dark: np.ndarray) -> float:
    """The darkness half way between paper and ink (Otsu 1979), never below what could be ink at all."""
    if dark.size < 16:
        return MIN_CONTRAST
    level, _ = cv2.threshold(dark.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return max(MIN_CONTRAST, float(level))


def _ramp(dark: np.ndarray, level: float) -> np.ndarray:
    """0 up to half the level, 128 at the level, 255 from one and a half: soft edges, solid strokes."""
    return cv2.convertScaleAbs(np.maximum(dark.astype(np.float32) - 0.5 * level, 0), alpha=255.0 / level)


def _bridged(shown: np.ndarray, ink: np.ndarray, is_print: np.ndarray, px_per_mm: float) -> np.ndarray:
    """Give back what was taken out of strokes where they cross a printed line.

    Closings by short lines, steeper to the printed line than 30 degrees, join the two ends of a stroke; a disc would
    fill no gap that is longer than the stroke is wide, and a line along the print would join two strokes that both
    cross it.
    """
    if not is_print.any() or not shown.any():
        return shown
    run = round(LINE_MM * px_per_mm)
    taken = (is_print & (ink > INK_LEVEL)).astype(np.uint8)
    printed = is_print.astype(np.uint8)
    # The rim of what was taken out is ragged where a stroke crosses: it belongs to the line as well.
    rim = np.ones((5, 5), np.uint8)
    rows = cv2.dilate(cv2.morphologyEx(printed, cv2.MORPH_OPEN, np.ones((1, run), np.uint8)), rim)
    columns = cv2.dilate(cv2.morphologyEx(printed, cv2.MORPH_OPEN, np.ones((run, 1), np.uint8)), rim)
    length = max(5, round(BRIDGE_MM * px_per_mm)) | 1
    across_rows = _closed_at(np.minimum(rows, taken), shown, length)
    across_columns = _closed_at(np.minimum(columns, taken).T, shown.T, length).T
    return np.maximum(shown, np.minimum(np.maximum(across_rows, across_columns), ink))


def _written_on_lines(dark: np.ndarray, is_line: np.ndarray, level: float, px_per_mm: float) -> np.ndarray:
    """(h, w) bool: where a stroke lies along a printed line, so that it was taken out with the line.

    A line is as dark and as wide everywhere as it is along most of its length; where it is clearly more, a stroke
    lies upon it. Places where lines meet say nothing of themselves.
    """
    run = round(LINE_MM * px_per_mm)
    lines = is_line.astype(np.uint8)
    level_lines = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    upright_lines = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((run, 1), np.uint8))
    along = _thickened(dark, level_lines, upright_lines, level, px_per_mm)
    across = _thickened(dark.T, upright_lines.T, level_lines.T, level, px_per_mm).T
    return along | across


def _thickened(dark: np.ndarray, lines: np.ndarray, crossing: np.ndarray, level: float, px_per_mm: float) -> np.ndarray:
    """(h, w) bool: what is clearly darker than level (h, w) uint8 ``lines`` are along most of their length."""
    strokes = np.zeros(lines.shape, bool)
    labels, stats, _ = connected(np.ascontiguousarray(lines))
    for label, (left, top, width, height, _) in enumerate(stats[1:].tolist(), start=1):
        place = slice(top, top + height), slice(left, left + width)
        line = labels[place] == label
        is_free = ~(crossing[place].astype(bool) & line).any(axis=0)
        if is_free.sum() > ALONG_MM * px_per_mm:
            strokes[place] |= line & _laid_on(np.where(line, dark[place], 0), is_free, level, px_per_mm)
    return strokes


def _laid_on(line: np.ndarray, is_free: np.ndarray, level: float, px_per_mm: float) -> np.ndarray:
    """(h, w) bool: the strokes that lie along one level line, given as darkness (h, w).

    ``is_free`` (w,) bool: the columns where no other line meets it. By the sum over a column a stroke is told, since
    that stays the same where the line is a little aslant; by its rows it is seen where in the line it lies.
    """
    held = cv2.blur(line.sum(axis=0, dtype=np.float32)[None], (_odd_px(SMOOTH_MM * px_per_mm), 1))[0]
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
    rest = ((line > own + 0.5 * level) & is_more).astype(np.uint8)
    # A stroke that is wider than the line, in its middle, shows at both of its sides.
    joined = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((_odd_px(LINE_WIDTH_MM * px_per_mm), 1), np.uint8))
    return cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, _odd_px(SMOOTH_MM * px_per_mm)), np.uint8)) > 0


def _touching(marks: np.ndarray, ink: np.ndarray, px_per_mm: float) -> np.ndarray:
    """(h, w) bool: the connected marks that touch ink, or nearly. A mark alone on a line is a flaw of its print."""
    count, labels = cv2.connectedComponents(marks.astype(np.uint8), connectivity=8)
    reach = 2 * round(TOUCH_MM * px_per_mm) + 1
    near = cv2.dilate(ink.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    touched = np.zeros(count, bool)
    touched[labels[near]] = True
    touched[0] = False
    return touched[labels]


def _morphed(row: np.ndarray, operation: int, length: int) -> np.ndarray:
    return cv2.morphologyEx(row[None].astype(np.uint8), operation, np.ones((1, length), np.uint8))[0] > 0


def _odd_px(length: float) -> int:
    return max(1, round(length)) | 1


def _closed_at(where: np.ndarray, ink: np.ndarray, length: int) -> np.ndarray:
    """Ink (h, w) uint8 closed by steep lines, where the (h, w) uint8 mask ``where`` is 1; 0 elsewhere.

    Only what has ink both above and below, a line's length apart at most, can be filled, which is next to nothing of a
    printed line; there alone the closings are made.
    """
    aside = cv2.dilate(cv2.threshold(ink, 0, 1, cv2.THRESH_BINARY)[1], np.ones((1, 2 * length - 1), np.uint8))
    between = cv2.morphologyEx(aside, cv2.MORPH_CLOSE, np.ones((length, 1), np.uint8)) & where
    closed = np.zeros_like(ink)
    _, stats, _ = connected(cv2.dilate(between, np.ones((length, length), np.uint8)))
    for left, top, width, height, _ in stats[1:].tolist():
        place = slice(top, top + height), slice(left, left + width)
        beyond = slice(max(0, top - length), top + height + length), slice(max(0, left - length), left + width + length)
        filled = _closed(ink[beyond], _steep_lines(length))
        inner = filled[top - beyond[0].start :, left - beyond[1].start :][:height, :width]
        closed[place] = np.maximum(closed[place], inner * where[place])
    return closed


def _closed(ink: np.ndarray, kernels: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.maximum.reduce([cv2.morphologyEx(ink, cv2.MORPH_CLOSE, kernel) for kernel in kernels])


@lru_cache
def _steep_lines(length: int) -> tuple[np.ndarray, ...]:
    """Lines through the middle of a (length, length) kernel, from 30 degrees on to both sides."""
    half = length // 2
    kernels = []
    for degrees in range(30, 151, 15):
        kernel = np.zeros((length, length), np.uint8)
        dx = round(half * np.cos(np.radians(degrees)))
        dy = round(half * np.sin(np.radians(degrees)))
        cv2.line(kernel, (half - dx, half - dy), (half + dx, half + dy), 1, 1)
        kernels.append(kernel)
    return tuple(kernels)


def _without_specks(ink: np.ndarray, px_per_mm: float) -> np.ndarray:
    """Drop components too small to be a dot of a pen, and the rim of blur that belongs to none."""
    labels, stats, _ = connected(cv2.threshold(ink, INK_LEVEL, 1, cv2.THRESH_BINARY)[1])
    if len(stats) == 1:
        return np.zeros_like(ink)
    small = stats[:, cv2.CC_STAT_AREA] < SPECK_MM2 * px_per_mm**2
    keep = np.where(small, 0, 255).astype(np.uint8)
    keep[0] = 0
    near = cv2.dilate(keep[labels], np.ones((3, 3), np.uint8))
    return cv2.bitwise_and(ink, near)
