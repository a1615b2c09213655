"""Printed registration marks: filled black squares, found and told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import cv2
import numpy as np
from skimage.transform import SimilarityTransform

MAX_SQUARES = 14
SMALL_PX = 9.0  # a mark's side at which squares are still told from blobs; finer costs time only


@dataclass(frozen=True, slots=True, eq=False)
class MarkFit:
    """A homography from mm to page pixels that puts every mark on a square, and the root mean square distance left.

    Three or four marks fit a homography exactly, right or wrong: their residual is that of the best similarity instead,
    which a flat page keeps. With five or more it is the homography's own.
    """

    page_from_mm: np.ndarray
    residual_mm: float


def find_squares(grey: np.ndarray, size_mm: float, page_size_mm: tuple[float, float]) -> np.ndarray:
    """Centres of filled dark squares about as large as a mark would be if the page filled the scan.

    Args:
        grey: (H, W) uint8.
        size_mm: a mark's side.
        page_size_mm: width and height of the form.

    Returns:
        (N, 2) float64 page pixels, the most square-like first, at most ``MAX_SQUARES``.
    """
    px_per_mm = max(grey.shape) / max(page_size_mm)
    shrink = min(1.0, SMALL_PX / (size_mm * px_per_mm))
    small = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    side = size_mm * px_per_mm * shrink
    # A window of several marks follows shading; the mark itself stays in the minority within it.
    window = int(side * 4) | 1
    dark = cv2.adaptiveThreshold(small, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 25)
    contours, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    scored = [(score, centre) for contour in contours if (found := _square(contour, side)) for score, centre in [found]]
    scored.sort(key=lambda pair: -pair[0])
    centres = np.array([centre for _, centre in scored[:MAX_SQUARES]], dtype=float).reshape(-1, 2)
    return (centres + 0.5) / shrink - 0.5


def _square(contour: np.ndarray, side_px: float) -> tuple[float, tuple[float, float]] | None:
    """How much a contour looks like a mark (the share of its rectangle that it fills) and its centre, or None."""
    (x, y), (width, height), _ = cv2.minAreaRect(contour)
    # findContours runs through the border pixels' centres: half a pixel is missing on each side.
    width, height = width + 1, height + 1
    if not 0.45 * side_px < min(width, height) <= max(width, height) < 1.7 * side_px or max(width, height) > 1.45 * min(
        width, height
    ):
        return None
    filled = (cv2.contourArea(contour) + cv2.arcLength(contour, closed=True) / 2 + 1) / (width * height)
    return (float(filled), (x, y)) if filled > 0.8 else None


def match_marks(squares: np.ndarray, marks_mm: np.ndarray) -> Iterator[MarkFit]:
    """Every sensible way to lay the form's marks on the squares of a page.

    The three marks that span the largest triangle are tried on all triples of squares; an affine map that keeps
    angles and scale within what a scanner or a camera does is then checked with the other marks, and refined to a
    homography.
    """
    base = _widest_triple(marks_mm)
    for triple in permutations(range(len(squares)), 3):
        affine = cv2.getAffineTransform(marks_mm[base].astype(np.float32), squares[list(triple)].astype(np.float32))
        if _is_upright_similarity(affine[:, :2]):
            fit = _extend(affine, squares, marks_mm)
            if fit is not None:
                yield fit


def _widest_triple(marks_mm: np.ndarray) -> list[int]:
    triples = [list(triple) for triple in permutations(range(len(marks_mm)), 3)]
    return max(triples, key=lambda triple: cv2.contourArea(marks_mm[triple].astype(np.float32), oriented=True))


def _is_upright_similarity(linear: np.ndarray) -> bool:
    scales = np.linalg.svd(linear, compute_uv=False)
    return bool(np.linalg.det(linear) > 0 and scales[0] < 1.25 * scales[1])


def _extend(affine: np.ndarray, squares: np.ndarray, marks_mm: np.ndarray) -> MarkFit | None:
    """Find a square for each mark near where the affine map puts it; with four or more, fit a homography to all."""
    px_per_mm = float(np.sqrt(np.linalg.det(affine[:, :2])))
    predicted = marks_mm @ affine[:, :2].T + affine[:, 2]
    distances = np.linalg.norm(predicted[:, None] - squares[None], axis=2)
    nearest = distances.argmin(axis=1)
    span_px = px_per_mm * float(np.ptp(marks_mm, axis=0).max())
    if len(set(nearest)) < len(marks_mm) or (distances.min(axis=1) > 0.08 * span_px).any():
        return None
    page_from_mm = np.vstack([affine, [0, 0, 1]])
    if len(marks_mm) >= 4:
        page_from_mm, _ = cv2.findHomography(marks_mm, squares[nearest])
        if page_from_mm is None:
            return None
    placed = cv2.perspectiveTransform(marks_mm.reshape(-1, 1, 2), page_from_mm).reshape(-1, 2)
    if len(marks_mm) <= 4:
        placed = _by_similarity(marks_mm, squares[nearest])
    residual_px = float(np.sqrt(np.mean(np.sum((placed - squares[nearest]) ** 2, axis=1))))
    return MarkFit(page_from_mm, residual_px / px_per_mm)


def _by_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Where the best similarity (least squares, Umeyama 1991) puts the points of ``source`` (N, 2)."""
    similarity = SimilarityTransform.from_estimate(source, target)
    return similarity(source) if similarity else np.full_like(target, np.inf)
