"""A part of a page, upright and at one scale, with a field outlined: what lies around a field, for people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from forms.template import Box
from preprocessing.page import RegisteredPage

OUTLINE_BGR = (12, 65, 194)


def page_region(registered: RegisteredPage, region: Box, boxes: Sequence[Box], px_per_mm: float) -> np.ndarray:
    """Cut a region of the form out of the page it was found on.

    Args:
        registered: the page.
        region: what is wanted, in mm on the form; white where it reaches over the scan's edge.
        boxes: outlined, in mm on the form.
        px_per_mm: the picture's scale.

    Returns:
        (h, w, 3) uint8 BGR.
    """
    size = (round(region.width_mm * px_per_mm), round(region.height_mm * px_per_mm))
    mm_from_picture = np.array([[1 / px_per_mm, 0, region.x_mm], [0, 1 / px_per_mm, region.y_mm], [0, 0, 1]])
    grey = cv2.warpPerspective(
        registered.page.grey,
        registered.homography @ mm_from_picture,
        size,
        flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=255,
    )
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for box in boxes:
        left, top = _pixel(box.x_mm, box.y_mm, region, px_per_mm)
        right, bottom = _pixel(box.right_mm, box.bottom_mm, region, px_per_mm)
        cv2.rectangle(picture, (left, top), (right, bottom), OUTLINE_BGR, thickness=2)
    return picture


def _pixel(x_mm: float, y_mm: float, region: Box, px_per_mm: float) -> tuple[int, int]:
    return round((x_mm - region.x_mm) * px_per_mm), round((y_mm - region.y_mm) * px_per_mm)
