"""The ``/-`` that closes an amount: taken away before the digits are read, since its upright stroke looks like a 1.

Indian and Pakistani cheques, receipts and vouchers close amounts with a slash and a dash, so that nothing can be added.
Only strokes that stand as such a pair does are taken: a dash at the end, and before it a straight stroke that is higher
than the digits. A 1 with a dash behind it is not.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from preprocessing.components import Components
from preprocessing.page import FieldImage, PixelBox

SPECK_SHARE = 0.2  # of a digit's height: smaller ink is no part of the writing
DASH_HEIGHT = 0.75  # of a digit's height, at most: many are drawn as a hook
DASH_DEPTH = 0.3  # of a digit's height, at most: how much ink stands in a column; a flat 0 has more
DASH_WIDTH = 0.4  # of a digit's height, at least
DASH_ASPECT = 1.2
MAX_DASHES = 2  # a double one is written like =
SLASH_HEIGHT = 1.1  # of a digit's height, at least: a 1 is as high as its neighbours
STRAIGHT_SHARE = 0.1  # of its length: how far a straight stroke's pixels lie from its axis
SLANT_SHARE = 0.75  # of its height: a stroke that leans so far is a slash however small; a 1 never does
LEAST_SLASH = 0.6  # of a digit's height: what is shorter is a comma
JOINED_WIDTH = 1.3  # of a digit's height, at least, where slash and dash are one stroke: no digit is so wide
PEN_SHARE = 0.12  # of a digit's height: how broad a usual stroke is
LEANS_BACK = 0.15  # of its length: a slash leans to the right, or hardly to the left
RIM_PX = 2  # a stroke's soft edge
RULE_SHARE = 0.4  # of the box: no stroke of a digit is as wide
LEAST_STROKES = 3  # a digit, the slash and the dash


def without_closing(image: FieldImage) -> FieldImage:
    """The field without the ``/-`` at its end, paper in its place; as it is where there is none that is sure."""
    components = Components.of(image.ink)
    closing = _closing(components, _inside(components, image.cells[0]))
    if not closing:
        return image
    mask = np.isin(components.labels, np.array(closing) + 1).astype(np.uint8)
    rim = cv2.dilate(mask, np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8))
    rim[(components.labels > 0) & (mask == 0)] = 0
    grey = cv2.inpaint(np.ascontiguousarray(image.grey), rim, RIM_PX + 1, cv2.INPAINT_TELEA)
    return replace(image, grey=grey, ink=np.where(rim > 0, 0, image.ink).astype(np.uint8))


def _inside(components: Components, cell: PixelBox) -> np.ndarray:
    """The rows of what lies within the field's box and is no rule: its middle is inside, and it is no wider than it."""
    x, y = components.centres.T
    inside = (x > cell.left) & (x < cell.right) & (y > cell.top) & (y < cell.bottom)
    return np.flatnonzero(inside & (components.widths < RULE_SHARE * (cell.right - cell.left)))


def _closing(components: Components, rows: np.ndarray) -> list[int]:
    """Those of ``rows`` that are the slash and its dashes; none where the field does not end so."""
    if len(rows) < LEAST_STROKES:
        return []
    digit = _digit_height(components.heights[rows])
    sizes = np.maximum(components.heights, components.widths)
    leftwards = rows[np.argsort(-components.centres[rows, 0])]
    strokes = [int(row) for row in leftwards if sizes[row] > SPECK_SHARE * digit]
    dashes = _dashes(components, strokes, digit)
    before = strokes[len(dashes) :]
    if len(before) < 2:
        return []
    if dashes and _is_slash(_pixels(components, before[0]), digit):
        return [before[0], *dashes]
    if not _is_slash_with_dash(_pixels(components, before[0]), digit):
        return []
    # A dash that begins with a hook looks like both; then the slash stands before it.
    hooked = len(before) > 2 and _is_slash(_pixels(components, before[1]), digit)
    return [*before[: 1 + hooked], *dashes]


def _digit_height(heights: np.ndarray) -> float:
    """The median height of what is high: of two strokes that are as high as any, one is a digit."""
    return float(np.median(heights[heights > 0.4 * heights.max()]))


def _dashes(components: Components, strokes: list[int], digit: float) -> list[int]:
    """The level strokes at the end."""
    found: list[int] = []
    for row in strokes[:MAX_DASHES]:
        height, width = components.heights[row], components.widths[row]
        long = width >= max(DASH_WIDTH * digit, DASH_ASPECT * height)
        thin = components.areas[row] <= DASH_DEPTH * digit * width
        if not (long and thin and height <= DASH_HEIGHT * digit):
            break
        found.append(row)
    return found


def _pixels(components: Components, row: int) -> np.ndarray:
    """(N, 2) int: x and y of a stroke's pixels."""
    left, top, right, bottom = components.boxes[row]
    inked = components.labels[top:bottom, left:right] == row + 1
    return cv2.findNonZero(inked.astype(np.uint8)).reshape(-1, 2)


def _is_slash(pixels: np.ndarray, digit: float) -> bool:
    """Whether a stroke is straight, and higher or more slanting than a 1."""
    width, height = np.ptp(pixels, axis=0) + 1
    length = float(np.hypot(width, height))
    if length < LEAST_SLASH * digit:
        return False
    across, down, x, y = cv2.fitLine(pixels, cv2.DIST_L2, 0, 0.01, 0.01).ravel()
    across, up = (across, -down) if down < 0 else (-across, down)
    away = np.abs((pixels[:, 0] - x) * up + (pixels[:, 1] - y) * across)
    straight = np.quantile(away, 0.95) <= STRAIGHT_SHARE * length
    high = height >= SLASH_HEIGHT * digit and across >= -LEANS_BACK
    return bool(straight and (high or across >= SLANT_SHARE * up))


def _is_slash_with_dash(pixels: np.ndarray, digit: float) -> bool:
    """Whether a stroke is both, drawn without lifting the pen: a slash up to its highest point, level from there."""
    x, y = pixels.T
    width = x.max() + 1
    if width < JOINED_WIDTH * digit:
        return False
    head = int(x[np.argmin(np.where(x < width / 2, y, np.iinfo(y.dtype).max))]) + PEN_SHARE * digit
    slash, dash = pixels[x <= head], pixels[x > head]
    if len(dash) == 0 or not _is_slash(slash, digit):
        return False
    level = np.ptp(dash[:, 1]) <= DASH_HEIGHT * digit
    return bool(level and len(dash) <= DASH_DEPTH * digit * (width - head))
