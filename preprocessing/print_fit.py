"""Patches of a form's print, found again on a page around where the form seems to lie; and the homography they give.

Frames are named in the variables, as in ``registration``; ``reduced`` is a shrunken copy of the scan.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from forms.template import FormTemplate
from preprocessing.blank import BlankPrint, ScaledPrint
from preprocessing.geometry import corners, scale_px_per_mm, transformed
from preprocessing.pyramid import Reduced

MIN_MATCHES = 12
TOLERANCE_MM = 1.0  # a patch farther from the homography than this does not shape it: curled paper, or a chance find
PATCH_SCORE = 0.55  # normalized cross-correlation above which a patch of print counts as found
AGREES_MM = 2.5  # a patch no farther from where the homography puts it was found again


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A homography from mm to page pixels, and how well the print bears it out."""

    page_from_mm: np.ndarray
    residual_mm: float
    clearness: float


@dataclass(frozen=True, slots=True, eq=False)
class FoundPrint:
    """Patches of print: where on the form (N, 2) mm, where on the page (N, 2) px, and whether they were seen (N,)."""

    mm: np.ndarray
    page: np.ndarray
    is_found: np.ndarray


def refine(
    reduced: Reduced, blank: BlankPrint, page_from_mm: np.ndarray, reaches_mm: tuple[float, ...], settled_mm: float
) -> Fit | None:
    """Look for patches of the blank's print where they should be, once a reach; fit the homography to what is found.

    No further reach is tried where the last one moved the form by less than ``settled_mm``: the same patches would be
    found. The homography is estimated with MAGSAC++ (Barath et al. 2020), which needs no finely tuned inlier threshold.

    Returns:
        The better homography, the root mean square distance of the patches that were found, and the share of all
        patches that was. None where too few were found to fit anything.
    """
    for reach_mm in reaches_mm:
        found = find_print(reduced, blank.fine, page_from_mm, reach_mm)
        if found.is_found.sum() < MIN_MATCHES:
            return None
        source, target = found.mm[found.is_found], found.page[found.is_found]
        px_per_mm = scale_px_per_mm(page_from_mm, blank.form)
        homography, _ = cv2.findHomography(source, target, cv2.USAC_MAGSAC, TOLERANCE_MM * px_per_mm)
        if homography is None:
            return None
        moved_px = _farthest_moved(blank.form, page_from_mm, homography)
        page_from_mm = homography
        if moved_px < settled_mm * px_per_mm:
            break
    return _measured(page_from_mm, found)


def find_print(reduced: Reduced, scaled: ScaledPrint, page_from_mm: np.ndarray, reach_mm: float) -> FoundPrint:
    """Normalized cross-correlation of each patch with the page, straightened by the homography so far."""
    blank_from_mm = scaled.blank_from_mm
    reduced_from_blank = np.linalg.inv(reduced.page_from_reduced) @ page_from_mm @ np.linalg.inv(blank_from_mm)
    reach = max(2, round(reach_mm * scaled.px_per_mm))
    scores = scaled.patches.scores(reduced.grey, reach, reduced_from_blank)
    centres = scaled.centres + _peaks(scores) - reach
    page = transformed(centres, reduced.page_from_reduced @ reduced_from_blank)
    mm = transformed(scaled.centres.astype(np.float64), np.linalg.inv(blank_from_mm))
    return FoundPrint(mm, page, scores.max((1, 2)) > PATCH_SCORE)


def _farthest_moved(form: FormTemplate, before: np.ndarray, after: np.ndarray) -> float:
    """How far apart, in page pixels, two homographies put a corner of the form, at most."""
    each = corners(form.page_width_mm, form.page_height_mm)
    return float(np.linalg.norm(transformed(each, before) - transformed(each, after), axis=1).max())


def _measured(page_from_mm: np.ndarray, found: FoundPrint) -> Fit:
    offsets_mm = np.linalg.norm(transformed(found.page, np.linalg.inv(page_from_mm)) - found.mm, axis=1)
    agrees = found.is_found & (offsets_mm < AGREES_MM)
    residual = float(np.sqrt(np.mean(offsets_mm[agrees] ** 2))) if agrees.any() else float("inf")
    return Fit(page_from_mm, residual, float(agrees.mean()))


def _peaks(scores: np.ndarray) -> np.ndarray:
    """(N, h, w): where each best score lies, (N, 2) x and y, to a part of a pixel.

    That is the vertex of a parabola through the score and its neighbours, which are missing at an edge.
    """
    count, height, width = scores.shape
    rows = np.arange(count)
    y, x = np.unravel_index(scores.reshape(count, -1).argmax(axis=1), (height, width))
    at = scores[rows, y, x].astype(float)
    left, right = scores[rows, y, np.maximum(x - 1, 0)], scores[rows, y, np.minimum(x + 1, width - 1)]
    above, below = scores[rows, np.maximum(y - 1, 0), x], scores[rows, np.minimum(y + 1, height - 1), x]
    dx = np.where((x > 0) & (x < width - 1), _vertex(left, at, right), 0.0)
    dy = np.where((y > 0) & (y < height - 1), _vertex(above, at, below), 0.0)
    return np.stack([x + dx, y + dy], axis=1)


def _vertex(before: np.ndarray, at: np.ndarray, after: np.ndarray) -> np.ndarray:
    curvature = np.minimum(before - 2 * at + after, 0)
    return np.divide(0.5 * (before - after), curvature, out=np.zeros_like(at), where=curvature < 0)
