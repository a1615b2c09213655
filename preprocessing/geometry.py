"""Points, corners and scales of homographies."""

from __future__ import annotations

import cv2
import numpy as np

from forms.template import FormTemplate


def transformed(points: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """(N, 2) points through a (3, 3) homography."""
    return cv2.perspectiveTransform(points.reshape(-1, 1, 2), homography).reshape(-1, 2)


def corners(width: float, height: float) -> np.ndarray:
    """(4, 2) float64, clockwise from the top left."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)


def scale_px_per_mm(page_from_mm: np.ndarray, form: FormTemplate) -> float:
    """Pixels of the page for one mm of the form, the geometric mean over the form's area."""
    placed = transformed(corners(form.page_width_mm, form.page_height_mm), page_from_mm)
    area_px = cv2.contourArea(placed.astype(np.float32))
    return float(np.sqrt(area_px / (form.page_width_mm * form.page_height_mm)))
