"""A free-hand field as one strip: for the reader that reads a whole line of digits without cutting it up.

The strip stays grey. What is hard to tell from the background on its own, a pale stroke over a security pattern, is
easy beside its neighbours, and that is for the net to see; here the paper is flattened, the known print taken out and
the writing brought to one height.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preprocessing.components import INK_LEVEL, connected
from preprocessing.form_removal import MIN_CONTRAST, darkness
from preprocessing.levels import level_quantile
from preprocessing.page import FieldImage, PixelBox

HEIGHT_PX = 32
DIGIT_PX = 21.0  # how high a digit is brought to in the strip
MAX_WIDTH_PX = 512
WIDTH_STEP_PX = 32
OUTSIDE_MM = 1.0  # how far beyond its box a field's ink may reach
STROKE_LEVEL = 185.0  # what the core of a stroke is brought to
STROKE_SHARE = 0.7  # of the core's darkness: the line between strokes and what is fainter, for measuring them
FLAT_SHARE = 0.4  # of the highest stroke's height: lower ones are points, dashes, specks
SPECK_SHARE = 0.15
RULE_SHARE = 1.2  # of the crop's height: no digit is as wide
LEAST_DIGIT_MM = 1.7  # people do not write smaller
PALEST = 0.05  # the share of the ink that counts as its palest
PRINT_MM = 1.0  # what was taken out as print is longer than this
MIN_SCALE = 0.02

# How a strip is stretched, across and down, for the looks that a reader takes at it.
VIEWS = ((1.0, 1.0), (0.8, 1.0), (1.2, 1.0))


@dataclass(frozen=True, slots=True)
class _Band:
    """Where the writing lies in the crop, in its pixels; ``digit`` is how high a digit is."""

    left: float
    right: float
    middle: float
    digit: float


def strip(image: FieldImage) -> np.ndarray:
    """The field as a strip of soft darkness.

    Args:
        image: a free-hand field, as ``preprocessing.isolation`` cuts it.

    Returns:
        (32, W) uint8, 0 paper, strokes bright, not thresholded; digits are about 21 px high. W is a multiple of 32,
        from 32 to 512; a field that is longer is squeezed into that, and black at the right fills it up.
    """
    cell = _around(image)
    dark = _without_print(darkness(image.grey, image.px_per_mm), image.ink, image.px_per_mm)[cell.slices]
    core = _core(dark, image.ink[cell.slices])
    band = _band(dark > STROKE_SHARE * core, LEAST_DIGIT_MM * image.px_per_mm)
    return _resampled(cv2.convertScaleAbs(dark, alpha=STROKE_LEVEL / core), band)


def views(whole: np.ndarray) -> tuple[np.ndarray, ...]:
    """A strip as it is, and as narrower and wider hands would have written it.

    A net errs differently on each; the mean of what it reads is right more often, and more often knows that it is
    wrong, than what it reads in one.

    Args:
        whole: (32, W) uint8, as ``strip`` gives it.

    Returns:
        One strip for each of ``VIEWS``, (32, W') uint8, the first is ``whole``.
    """
    return tuple(whole if view == (1.0, 1.0) else _stretched(whole, *view) for view in VIEWS)


def _stretched(whole: np.ndarray, across: float, down: float) -> np.ndarray:
    """About the middle row; wider than ``MAX_WIDTH_PX`` it does not get."""
    width = _step_up(whole.shape[1] * across)
    across = min(across, width / whole.shape[1])
    middle = (HEIGHT_PX - 1) / 2
    place = np.array([[across, 0, 0.5 * (across - 1)], [0, down, middle * (1 - down)]])
    return cv2.warpAffine(whole, place, (width, HEIGHT_PX), flags=cv2.INTER_LINEAR)


def _step_up(width: float) -> int:
    """The width of a strip that holds ``width`` pixels, or as many of them as a strip may have."""
    return min(MAX_WIDTH_PX, max(WIDTH_STEP_PX, int(np.ceil(width / WIDTH_STEP_PX)) * WIDTH_STEP_PX))


def _around(image: FieldImage) -> PixelBox:
    """The field's box and a little more."""
    cell, reach = image.cells[0], round(OUTSIDE_MM * image.px_per_mm)
    height, width = image.grey.shape
    return PixelBox(
        max(0, cell.left - reach),
        max(0, cell.top - reach),
        min(width, cell.right + reach),
        min(height, cell.bottom + reach),
    )


def _without_print(dark: np.ndarray, ink: np.ndarray, px_per_mm: float) -> np.ndarray:
    """What is as dark as ink, was not taken for ink and is longer than a speck is print: it goes, with its soft rim.

    What is a little paler than the palest ink stays: it is more of a pale stroke than of print.
    """
    written = ink > INK_LEVEL
    if not written.any():
        return dark
    removed = ((ink == 0) & (dark > level_quantile(dark[written], PALEST))).astype(np.uint8)
    if not removed.any():
        return dark
    labels, stats, _ = connected(removed)
    long = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > PRINT_MM * px_per_mm
    long[0] = False
    if not long.any():
        return dark
    rim = cv2.dilate(long[labels].astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return np.where(rim & ~written, ink, dark).astype(np.uint8)


def _core(dark: np.ndarray, ink: np.ndarray) -> float:
    """How dark the core of the strokes is, in grey levels; no paler than the palest pencil."""
    written = dark[ink > INK_LEVEL]
    return max(MIN_CONTRAST, level_quantile(written, 0.6) if written.size else 0.0)


def _band(strokes: np.ndarray, least_px: float) -> _Band:
    """The rows that the digits take, from the heights of the strokes; the whole crop where there are none."""
    height, width = strokes.shape
    _, stats, _ = connected(_without_rules(strokes))
    boxes, areas = _writing(stats[1:, : cv2.CC_STAT_HEIGHT + 1], stats[1:, cv2.CC_STAT_AREA], strokes.shape)
    if not len(boxes):
        return _Band(0, width, height / 2, 0.7 * height)
    digit = max(least_px, _weighted_quantile(boxes[:, 3], areas, 0.6))
    high = boxes[:, 3] >= FLAT_SHARE * boxes[:, 3].max()
    tops, bottoms, weights = boxes[high, 1], boxes[high, 1] + boxes[high, 3], areas[high]
    top, bottom = _weighted_quantile(tops, weights, 0.15), _weighted_quantile(bottoms, weights, 0.85)
    # Rows that climb or jump need a smaller scale, so that all of the writing stays in the strip.
    digit = max(digit, (bottom - top) * DIGIT_PX / (HEIGHT_PX - 3))
    left, right = boxes[:, 0].min(), (boxes[:, 0] + boxes[:, 2]).max()
    return _Band(max(0.0, left - digit / 2), min(width, right + digit / 2), (top + bottom) / 2, digit)


def _without_rules(strokes: np.ndarray) -> np.ndarray:
    """(h, w) uint8: level lines that no stroke of a digit is as long as would join all that they cross."""
    mask = strokes.astype(np.uint8)
    length = max(3, round(RULE_SHARE * strokes.shape[0]))
    return cv2.subtract(mask, cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)))


def _writing(boxes: np.ndarray, areas: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Without what lies along the crop's edge (borders, neighbours' ink) and without specks beside the largest."""
    height, width = shape
    left, top, across, down = boxes.T
    right, bottom = left + across, top + down
    flat = (down < 0.2 * height) & ((top <= 1) | (bottom >= height - 1) | (across > 0.4 * width))
    upright = (across < 0.12 * height) & ((left <= 1) | (right >= width - 1)) & (down > 0.6 * height)
    kept = ~flat & ~upright
    if kept.any():
        kept &= ~_upright_rules(across, down, areas, _weighted_quantile(down[kept], areas[kept], 0.5))
        kept &= np.maximum(across, down) > SPECK_SHARE * down[kept].max()
    return boxes[kept].astype(float), areas[kept].astype(float)


def _upright_rules(across: np.ndarray, down: np.ndarray, areas: np.ndarray, usual: float) -> np.ndarray:
    """Solid bars that are much higher than strokes usually are: what is left of a border within the crop."""
    return (across < 0.2 * down) & (areas > 0.8 * across * down) & (down > 1.5 * usual)


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, share * reached[-1])])


def _resampled(dark: np.ndarray, band: _Band) -> np.ndarray:
    scale = max(DIGIT_PX / max(band.digit, 1.0), MIN_SCALE)
    wanted = (band.right - band.left) * scale
    width = _step_up(wanted)
    across = min(scale, MAX_WIDTH_PX / max(band.right - band.left, 1.0))
    smooth = _smoothed(dark, across, scale)
    place = np.array(
        [[across, 0, across * (0.5 - band.left) - 0.5], [0, scale, HEIGHT_PX / 2 - 0.5 + scale * (0.5 - band.middle)]]
    )
    shown = cv2.warpAffine(smooth, place, (width, HEIGHT_PX), flags=cv2.INTER_LINEAR)
    shown[:, min(width, int(np.ceil((band.right - band.left) * across))) :] = 0
    return shown


def _smoothed(dark: np.ndarray, across: float, down: float) -> np.ndarray:
    """Blurred as much as a reduction needs, so that it steps over no stroke."""
    sizes = [max(1, round(1 / factor)) for factor in (across, down)]
    return dark if max(sizes) == 1 else cv2.blur(dark, (sizes[0], sizes[1]))
