"""Printed registration marks: filled black squares, found and told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import cv2
import numpy as np
from skimage.transform import SimilarityTransform

from preprocessing.pyramid import Pyramid

MAX_STRETCH = 1.25  # the longer over the shorter axis: a camera's perspective is within this
MAX_SQUARES = 14
LEAST_SIDE = 0.45  # of the side that is expected
FILLED = 0.8  # the share of a mark that is dark at least
KEPT_FORMS = 64
SMALL_PX = 9.0  # a mark's side at which squares are still told from blobs; finer costs time only


@dataclass(frozen=True, slots=True, eq=False)
class MarkFit:
    """A homography from mm to page pixels that puts every mark on a square, and the root mean square distance left.

    Three or four marks fit a homography exactly, right or wrong: their residual is that of the best similarity instead,
    which a flat page keeps. With five or more it is the homography's own.
    """

    page_from_mm: np.ndarray
    residual_mm: float


def find_squares(sizes: Pyramid, size_mm: float, page_size_mm: tuple[float, float]) -> np.ndarray:
    """Centres of filled dark squares about as large as a mark would be if the page filled the scan.

    Args:
        sizes: the page.
        size_mm: a mark's side.
        page_size_mm: width and height of the form.

    Returns:
        (N, 2) float64 page pixels, the most square-like first, at most ``MAX_SQUARES``.
    """
    px_per_mm = max(sizes.full.shape) / max(page_size_mm)
    shrink = min(1.0, SMALL_PX / (size_mm * px_per_mm))
    small = sizes.at(shrink)
    side = size_mm * px_per_mm * shrink
    # A window of several marks follows shading; the mark itself stays in the minority within it.
    window = int(side * 4) | 1
    dark = cv2.adaptiveThreshold(small.grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 25)
    # Two levels: the outlines of dark things, wherever they lie, and holes, which have a parent and are no marks.
    contours, levels = cv2.findContours(dark, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [contour for contour, level in zip(contours, levels[0], strict=True) if level[3] < 0] if contours else []
    least_area = _least_area(LEAST_SIDE * side)  # as most of what is printed has not: it need not be measured
    large = [contour for contour in outlines if cv2.contourArea(contour) >= least_area]
    scored = [found for contour in large if (found := _square(contour, side))]
    scored.sort(key=lambda pair: -pair[0])
    centres = np.array([centre for _, centre in scored[:MAX_SQUARES]], dtype=float).reshape(-1, 2)
    return centres * small.page_from_reduced[[0, 1], [0, 1]] + small.page_from_reduced[:2, 2]


def _square(contour: np.ndarray, side_px: float) -> tuple[float, tuple[float, float]] | None:
    """How much a contour looks like a mark (filled, and as wide as high: 1) and its centre, or None."""
    (x, y), (width, height), _ = cv2.minAreaRect(contour)
    # findContours runs through the border pixels' centres: half a pixel is missing on each side.
    short, long = sorted((width + 1, height + 1))
    if short < LEAST_SIDE * side_px or long > 1.7 * side_px or long > 1.45 * short:
        return None
    filled = (cv2.contourArea(contour) + cv2.arcLength(contour, closed=True) / 2 + 1) / (short * long)
    return (min(filled, 1.0) * short / long, (x, y)) if filled > FILLED else None


def _least_area(side_px: float) -> float:
    """What a square of that side, filled just so, has within its outline, which runs through its border's middles."""
    return FILLED * side_px**2 - 1.2 * 2 * (side_px - 1) - 1  # a ragged outline is up to a fifth longer


def match_marks(squares: np.ndarray, marks_mm: np.ndarray) -> Iterator[MarkFit]:
    """Every sensible way to lay the form's marks on the squares of a page.

    The three marks that span the largest triangle are tried on all triples of squares; an affine map that keeps
    angles and scale within what a scanner or a camera does is then checked with the other marks, and refined to a
    homography.
    """
    base = marks_mm[list(_widest_triple(tuple(map(tuple, marks_mm.tolist()))))]
    for affine in _upright_similarities(base, squares):
        fit = _extend(affine, squares, marks_mm)
        if fit is not None:
            yield fit


def _upright_similarities(base: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """(M, 2, 3): the affine maps of the (3, 2) base to triples of squares that neither mirror nor stretch it much.

    With singular values a > b, a² + b² is the sum of squares of the linear part and ab its determinant, so that a bound
    on a / b is one on their quotient: no decomposition is needed for each of some thousand triples.
    """
    triples = _triples(len(squares))
    target = squares[triples]
    linear = np.swapaxes(target[:, 1:] - target[:, :1], 1, 2) @ np.linalg.inv((base[1:] - base[0]).T)
    determinant = linear[:, 0, 0] * linear[:, 1, 1] - linear[:, 0, 1] * linear[:, 1, 0]
    stretch = (linear**2).sum(axis=(1, 2)) < (MAX_STRETCH + 1 / MAX_STRETCH) * determinant
    fits = np.flatnonzero((determinant > 0) & stretch)
    offset = target[fits, 0] - linear[fits] @ base[0]
    return np.concatenate([linear[fits], offset[:, :, None]], axis=2)


@lru_cache(maxsize=MAX_SQUARES)
def _triples(count: int) -> np.ndarray:
    """(M, 3) int: all ways to take three out of so many, in every order."""
    return np.array(list(permutations(range(count), 3)), dtype=int).reshape(-1, 3)


@lru_cache(maxsize=KEPT_FORMS)
def _widest_triple(marks_mm: tuple[tuple[float, ...], ...]) -> tuple[int, ...]:
    """Which three of a form's marks span the largest triangle, clockwise; kept, for every page asks for it."""
    places = np.array(marks_mm, np.float32)
    triples = permutations(range(len(places)), 3)
    return max(triples, key=lambda triple: cv2.contourArea(places[list(triple)], oriented=True))


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
