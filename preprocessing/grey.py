"""Whatever pixels a file holds -> grey (H, W) uint8, 0 black, upright."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from preprocessing.page import ProblemReason
from preprocessing.raster import RefusedError

_DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_UINT16_MAX = 65_535

# EXIF 2.3, tag 0x0112: the value says which side of the stored image is the top, so this undoes it.
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


def to_grey(image: Image.Image, white: int = _UINT16_MAX) -> np.ndarray:
    """Brightness of a loaded image as (H, W) uint8; what is transparent becomes white paper.

    ``white`` is the largest value of a pixel where a pixel has more than 8 bits. Colour becomes luma (ITU-R BT.601).
    Raises ``RefusedError`` for pixels that have no fixed white: floating point and full 32 bits.
    """
    if image.mode in _DEEP_MODES:
        return _deep_to_grey(np.asarray(image), white)
    if image.mode == "F":
        raise RefusedError(ProblemReason.UNREADABLE_FILE, "The pixels are floating point: save the scan as 8-bit grey.")
    if image.mode == "LAB":
        return np.asarray(image.getchannel("L"))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _over_white(image.convert("RGBA"))
    return np.asarray(image if image.mode == "L" else image.convert("L"))


def upright(grey: np.ndarray, orientation: int) -> np.ndarray:
    """``grey`` turned as its EXIF ``orientation`` (1 to 8, anything else counts as 1) asks for, contiguous."""
    turn = _UPRIGHT.get(orientation)
    return np.ascontiguousarray(turn(grey)) if turn else grey


def _deep_to_grey(deep: np.ndarray, white: int) -> np.ndarray:
    if deep.min() < 0 or deep.max() > _UINT16_MAX:
        raise RefusedError(ProblemReason.UNREADABLE_FILE, "The pixels have 32 bits: save the scan as 8-bit grey.")
    return cv2.convertScaleAbs(deep.astype(np.uint16), alpha=255 / white)


def _over_white(rgba: Image.Image) -> np.ndarray:
    darkness = 255 - np.asarray(rgba.convert("L"))
    return 255 - cv2.multiply(darkness, np.asarray(rgba.getchannel("A")), scale=1 / 255)
