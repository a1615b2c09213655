"""A form that lies on its scan as most do: whole, about centred, hardly turned. It is found without image features.

Its print is looked for far around where such a form would lie, on a copy small enough for that to take little time.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from forms.template import MM_PER_INCH, FormTemplate
from preprocessing.blank import BlankPrint
from preprocessing.geometry import corners, scale_px_per_mm
from preprocessing.page import Page
from preprocessing.print_fit import MIN_MATCHES, TOLERANCE_MM, Fit, find_print, refine
from preprocessing.pyramid import Reduced

CLEAR = 0.8  # a share of print found again that leaves no doubt; true fits have 0.86 and more, wrong ones under 0.5
REACH_MM = 8.0  # a page of A4 skewed by 1.5 degrees and shifted by 4 mm
MIN_FOUND = 0.3  # of the patches: below it, the form does not lie so
FINE_REACHES_MM = (2.0, 2.0)
SETTLED_MM = 0.1  # the coarse copy leaves 0.4 mm, and a peak is placed to a part of a pixel only near the middle
DPI_SLACK = 1.25  # a stated resolution that makes the scan so much larger or smaller than the form is not believed


def fit_straight(page: Page, coarse: Reduced, fine: Reduced, blank: BlankPrint) -> Fit | None:
    """Where the form lies, if it lies straight and its print is clear; else None, which says nothing.

    Args:
        page: the scan.
        coarse: a copy about as fine as ``blank.coarse``.
        fine: one about as fine as ``blank.fine``.
        blank: the form's print.
    """
    for guess in _guesses(page, blank.form):
        page_from_mm = _nudged(coarse, blank, guess)
        if page_from_mm is None:
            continue
        fit = refine(fine, blank, page_from_mm, FINE_REACHES_MM, SETTLED_MM)
        if fit is not None and fit.clearness > CLEAR:
            return fit
    return None


def _guesses(page: Page, form: FormTemplate) -> Iterator[np.ndarray]:
    """Homographies from mm to the page: centred, upright, then upside down; sideways where the scan is."""
    height, width = page.grey.shape
    is_sideways = (width > height) != (form.page_width_mm > form.page_height_mm)
    scale = _px_per_mm(page, form)
    middle_mm = corners(form.page_width_mm, form.page_height_mm).mean(axis=0)
    middle_px = np.array([width - 1, height - 1]) / 2
    for quarter in (1, 3) if is_sideways else (0, 2):
        cosine, sine = (1, 0, -1, 0)[quarter], (0, 1, 0, -1)[quarter]
        turn = scale * np.array([[cosine, -sine], [sine, cosine]])
        yield np.vstack([np.column_stack([turn, middle_px - turn @ middle_mm]), [0, 0, 1]])


def _px_per_mm(page: Page, form: FormTemplate) -> float:
    """By the resolution that the file states, if the form then fills the scan about; else so that it does."""
    filling = max(page.grey.shape) / max(form.page_width_mm, form.page_height_mm)
    stated = (page.dpi or 0.0) / MM_PER_INCH
    return stated if filling / DPI_SLACK < stated < filling * DPI_SLACK else filling


def _nudged(coarse: Reduced, blank: BlankPrint, page_from_mm: np.ndarray) -> np.ndarray | None:
    """The homography shifted, turned and scaled so that most of the print lies where it is found; None for too little.

    A similarity needs two patches only, so that few tries tell whether there is one (RANSAC, Fischler and Bolles 1981).
    """
    found = find_print(coarse, blank.coarse, page_from_mm, REACH_MM)
    needed = max(MIN_MATCHES, MIN_FOUND * len(found.is_found))
    if found.is_found.sum() < needed:
        return None
    tolerance_px = TOLERANCE_MM * scale_px_per_mm(page_from_mm, blank.form)
    similarity, inliers = cv2.estimateAffinePartial2D(
        found.mm[found.is_found],
        found.page[found.is_found],
        method=cv2.RANSAC,
        ransacReprojThreshold=tolerance_px,
        maxIters=200,
    )
    if similarity is None or inliers.sum() < needed:
        return None
    return np.vstack([similarity, [0, 0, 1]])
