"""What the ink of a field is like, whatever it says: numbers by which one site's writing is told from another's."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from preprocessing.components import INK_LEVEL
from preprocessing.page import FieldImage

_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class InkTraits:
    """The ink of one field, in numbers that do not depend on the scan's resolution.

    ``ink_share`` in (0, 1] is the share of the crop that is ink; ``stroke_share`` the width of the strokes over the
    height of the writing; ``contrast`` in [-1, 1] how much darker the ink is than the rest of the crop (1: black on
    white).
    """

    ink_share: float
    stroke_share: float
    contrast: float


def ink_traits(image: FieldImage) -> InkTraits | None:
    """The traits of a field's ink; None where there is none.

    A stroke of width w and length l has area w * l and two borders of l pixels each, so that twice the area over the
    pixels of the border is w.
    """
    mask = (image.ink > INK_LEVEL).astype(np.uint8)
    area = cv2.countNonZero(mask)
    if not area:
        return None
    inner = cv2.erode(mask, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    border = area - cv2.countNonZero(inner)
    height = cv2.boundingRect(mask)[3]
    return InkTraits(area / mask.size, 2 * area / (border * height), _contrast(image.grey, mask, area))


def _contrast(grey: np.ndarray, mask: np.ndarray, area: int) -> float:
    ink = cv2.mean(grey, mask)[0]
    paper = (cv2.sumElems(grey)[0] - area * ink) / (mask.size - area) if area < mask.size else 0.0
    return (paper - ink) / 255
