"""From a field as scanned to the pen's ink alone: paper and print taken away, strokes that cross the print kept.

*Darkness* is how much darker than the paper around it a pixel is, in grey levels.
"""

from __future__ import annotations

import cv2
import numpy as np

from preprocessing.components import INK_LEVEL
from preprocessing.levels import masked_quantile
from preprocessing.page import PixelBox
from preprocessing.printed_lines import bridged, touching, written_on_lines

DARK_PRINT = 60.0  # grey levels: print this dark may be as dark as the pen
MIN_CONTRAST = 24.0  # grey levels: fainter than the palest pencil, darker than JPEG's ripples beside print
PRINT_TOLERANCE_MM = 0.2  # how far print may lie from where the aligned blank shows it
CLEAR_MM = 0.5  # the same for print beside the field
LINE_SHARE = 0.7  # of a side: what is dark along more of it is a line
SPECK_MM2 = 0.06
LEVELS = np.arange(256, dtype=np.float32)


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
    wide, expected = _expected_print(dark, printed, px_per_mm)
    level = _ink_level(dark[_where(wide, expected < MIN_CONTRAST / 2)])
    # No darker than this is print, where as much is expected that it shows at all.
    darkest = np.ceil(1.3 * expected + 0.25 * level) - 1
    is_print = cv2.compare(dark, cv2.LUT(wide, darkest.clip(0, 255).astype(np.uint8)), cv2.CMP_LE)
    is_print[~_where(wide, expected > 0.3 * level)] = 0
    ink = _ramp(dark, level)
    is_line = np.where(_where(wide, expected >= 255), is_print, 0).astype(np.uint8)
    shown = bridged(cv2.bitwise_and(ink, cv2.bitwise_not(is_print)), ink, is_print, px_per_mm)
    on_lines = touching(written_on_lines(dark, is_line, level, px_per_mm), shown, px_per_mm)
    return _without_specks(np.where(on_lines, ink, shown).astype(np.uint8), px_per_mm)


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
    near = cv2.dilate(printed, np.ones((reach, reach), np.uint8))
    level = _ink_level(dark[near < MIN_CONTRAST / 2])
    # What is darker than this is the pen's; nothing that is paper has ink anyway.
    print_ = np.where(0.3 * level > LEVELS, 0, np.floor(1.3 * LEVELS + 0.25 * level))
    darkest = np.where(LEVELS < DARK_PRINT, print_.clip(0, 255), 255).astype(np.uint8)
    is_clear = cv2.compare(dark, cv2.LUT(near, darkest), cv2.CMP_GT)
    return _without_specks(cv2.bitwise_and(_ramp(dark, level), is_clear), px_per_mm)


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


def _expected_print(dark: np.ndarray, printed: np.ndarray, px_per_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """The blank's darkness, as dark as this scan prints it and as wide as it may be misplaced.

    Dark print explains any darkness: the pen on top of it can't be told from it, and a thin line is as pale in a
    smoothed blank as it is black in a 1-bit scan. Light print (guides, tints) explains as much as the scan shows of
    it.

    Returns:
        (h, w) uint8, levels of the blank, and (256,) float32, the darkness in the scan that each of them explains.
    """
    darkest = float(printed.max())
    if darkest < MIN_CONTRAST:
        return printed, LEVELS
    reach = 2 * max(1, round(PRINT_TOLERANCE_MM * px_per_mm)) + 1
    wide = cv2.dilate(printed, np.ones((reach, reach), np.uint8))
    core = printed > 0.7 * darkest
    gain = min(max(masked_quantile(dark, core, 0.5) / masked_quantile(printed, core, 0.5), 0.3), 2.0)
    is_dark = max(DARK_PRINT, 0.45 * darkest) < LEVELS
    return wide, np.where(is_dark, 255.0, LEVELS * gain)


def _where(levels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(h, w) bool: where (h, w) uint8 ``levels`` is one of those that (256,) bool ``chosen`` says."""
    return cv2.LUT(levels, chosen.astype(np.uint8)).view(bool)


def _ink_level(dark: np.ndarray) -> float:
    """The darkness half way between paper and ink (Otsu 1979), never below what could be ink at all."""
    if dark.size < 16:
        return MIN_CONTRAST
    level, _ = cv2.threshold(dark.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return max(MIN_CONTRAST, float(level))


def _ramp(dark: np.ndarray, level: float) -> np.ndarray:
    """0 up to half the level, 128 at the level, 255 from one and a half: soft edges, solid strokes."""
    ramp = cv2.convertScaleAbs(np.maximum(LEVELS - 0.5 * level, 0), alpha=255.0 / level)
    return cv2.LUT(dark, ramp)


def _without_specks(ink: np.ndarray, px_per_mm: float) -> np.ndarray:
    """Drop components too small to be a dot of a pen, and the rim of blur that belongs to none."""
    keep = cv2.threshold(ink, INK_LEVEL, 255, cv2.THRESH_BINARY)[1]
    count, labels = cv2.connectedComponentsWithAlgorithm(keep, 8, cv2.CV_32S, cv2.CCL_BBDT)
    # Labels of ink alone are counted: OpenCV's own statistics take three times as long as the components.
    areas = np.bincount(labels[keep > 0], minlength=count)
    is_small = areas < SPECK_MM2 * px_per_mm**2
    if is_small[1:].any():
        keep = np.take(np.where(is_small, 0, 255).astype(np.uint8), np.asarray(labels, np.int32))
    return cv2.bitwise_and(ink, cv2.dilate(keep, np.ones((3, 3), np.uint8)))
