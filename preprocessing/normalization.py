"""A piece of ink -> 28x28 in MNIST's own convention."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from preprocessing.levels import level_quantile

SIDE_PX = 28
BOX_PX = 20
FAINT = 96  # ink no darker than this is a stroke's rim
CORE_SHARE = 0.9
CENTRE_PX = 14  # the pixel where the centre of mass of MNIST's digits lies: on average 14.00 of 0 .. 27


def normalize(ink: np.ndarray) -> np.ndarray:
    """Bring one piece of ink to MNIST's form: white on black, 20 px box, aspect kept, centred by centre of mass.

    LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998, section III.A: the
    digit is scaled into a 20x20 box with its aspect ratio kept and anti-aliased, and placed so that the centre of
    mass of its pixels lies in the centre of the 28x28 field.

    Args:
        ink: (h, w) uint8, 0 where there is no ink. Empty margins are ignored.

    Returns:
        (28, 28) uint8. All zero where ``ink`` holds none.
    """
    cropped = _crop_to_ink(ink)
    if cropped is None:
        return np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    return _centre_by_mass(_stretch(_fit_into_box(cropped)))


def normalize_all(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """``normalize`` for each of N pieces -> (N, 28, 28) uint8."""
    normalized = np.zeros((len(pieces), SIDE_PX, SIDE_PX), np.uint8)
    for index, ink in enumerate(pieces):
        normalized[index] = normalize(ink)
    return normalized


def _crop_to_ink(ink: np.ndarray) -> np.ndarray | None:
    # The faint rim that blur leaves around a stroke does not count for the size of the digit.
    left, top, width, height = cv2.boundingRect(cv2.threshold(ink, FAINT, 1, cv2.THRESH_BINARY)[1])
    if not width:
        return None
    return ink[top : top + height, left : left + width]


def _fit_into_box(ink: np.ndarray) -> np.ndarray:
    """Scale to 20 px on the longer side. Shrinking averages areas, which is what anti-aliases MNIST's digits."""
    height, width = ink.shape
    scale = BOX_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _stretch(ink: np.ndarray) -> np.ndarray:
    """Scale the grey levels so that the stroke's core is white, as in MNIST, for thin and for pale strokes too."""
    inked = ink[ink > 0]
    core = level_quantile(inked, CORE_SHARE) if inked.size else 255.0
    return cv2.convertScaleAbs(ink, alpha=255.0 / max(core, 1.0))


def _centre_by_mass(ink: np.ndarray) -> np.ndarray:
    height, width = ink.shape
    moments = cv2.moments(ink)
    x = round(CENTRE_PX - moments["m10"] / moments["m00"])
    y = round(CENTRE_PX - moments["m01"] / moments["m00"])
    # The centre of mass of a 20 px wide digit can ask for a place outside the field: then it stays at the edge.
    x, y = min(max(x, 0), SIDE_PX - width), min(max(y, 0), SIDE_PX - height)
    field = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    field[y : y + height, x : x + width] = ink
    return field
