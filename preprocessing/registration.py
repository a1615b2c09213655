"""Where does the form lie on this page? From its printed marks, or from its own print.

Frames are named in the variables: ``mm`` the form's millimetres, ``page`` the scan's pixels, ``small`` a shrunken
copy of the scan, ``blank`` the shrunken blank. ``a_from_b`` is the homography that takes a point of frame b to frame
a.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from forms.template import MM_PER_INCH, FormTemplate
from preprocessing.blank import BlankPrint, blank_print
from preprocessing.features import Detector, Features, detect_features
from preprocessing.levels import level_quantile
from preprocessing.marks import find_squares, match_marks
from preprocessing.page import Page, PageProblem, ProblemReason, RegisteredPage
from preprocessing.pyramid import Pyramid

MIN_SIDE_PX = 64  # a smaller image is no page
OUTSIDE_SHARE = 0.05  # of the scan's longer side: how far a form's corner may lie outside of the scan
MIN_PX_PER_MM = 2.5  # about 64 dpi: a digit of 5 mm is then 12 px high, and no longer read reliably
SMALL_LONG_SIDE_PX = 1170  # A4 at 100 dpi
WRONG_FORM_CLEARNESS = 0.5  # under this share of print found again, the page shows another form
BLANK_PAGE_CONTRAST = 24  # grey levels between paper and the darkest 0.1 % of a page that holds anything
MIN_MATCHES = 12
TOLERANCE_MM = 1.0  # a patch farther from the homography than this does not shape it: curled paper, or a chance find
REACH_MM = (5.0, 2.0)  # how far print is looked for from where a first guess puts it, then from where the print does
REACH_BY_MARKS_MM = (2.0, 2.0)  # four marks leave only the paper's curl; farther off it is another form's print
SETTLED_MM = 0.5  # a form that a round of looking for print moved by less than this lies where it is
PATCH_SCORE = 0.55  # normalized cross-correlation above which a patch of print counts as found


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A homography from mm to page pixels, and how well the print bears it out."""

    page_from_mm: np.ndarray
    residual_mm: float
    clearness: float


@dataclass(frozen=True, slots=True, eq=False)
class _Small:
    """A page, a shrunken copy of it to search in, and the copy's features, found when they are first asked for."""

    sizes: Pyramid
    grey: np.ndarray
    page_from_small: np.ndarray
    _features: dict[str, Features] = field(default_factory=dict)

    @classmethod
    def of(cls, sizes: Pyramid) -> _Small:
        small = sizes.at(SMALL_LONG_SIDE_PX / max(sizes.full.shape))
        return cls(sizes, small.grey, small.page_from_reduced)

    def features(self, detector: Detector) -> Features:
        if detector not in self._features:
            self._features[detector] = detect_features(self.grey, detector)
        return self._features[detector]


def register(page: Page, forms: tuple[FormTemplate, ...]) -> RegisteredPage | PageProblem:
    """Find which of ``forms`` the page shows, and where it lies.

    A form with marks is tried by its marks, a form with a blank by the blank's print; with both, the marks give the
    place and the print confirms it. The form with the clearest fit wins.

    Args:
        page: the scan; its dpi is not relied on.
        forms: at least one, none of them ``whole_image``.

    Returns:
        The registered page, or a problem: blank_page, wrong_form, low_resolution or not_registered (the residual is
        larger than the form allows).
    """
    if min(page.grey.shape) < MIN_SIDE_PX:
        size = "x".join(str(side) for side in page.grey.shape[::-1])
        return _problem(page, ProblemReason.LOW_RESOLUTION, f"The page has {size} pixels: too few for a form.")
    sizes = Pyramid(page.grey)
    if _is_blank(sizes):
        return _problem(page, ProblemReason.BLANK_PAGE, "The page holds neither print nor writing.")
    small = _Small.of(sizes)
    fits = [(fit, form) for form in forms if (fit := _fit(small, form)) is not None]
    if not fits:
        return _problem(page, ProblemReason.WRONG_FORM, f"No print of {_names(forms)} was found on the page.")
    fit, form = max(fits, key=lambda pair: pair[0].clearness)
    return _judge(page, form, fit)


def _judge(page: Page, form: FormTemplate, fit: Fit) -> RegisteredPage | PageProblem:
    if fit.clearness < WRONG_FORM_CLEARNESS:
        detail = f"Only {fit.clearness:.0%} of form {form.name}'s print was found: another form, or a page cut off."
        return _problem(page, ProblemReason.WRONG_FORM, detail)
    if fit.residual_mm > form.max_residual_mm:
        detail = (
            f"Form {form.name} lies {fit.residual_mm:.2f} mm off its print, {form.max_residual_mm:.2f} mm are allowed."
        )
        return _problem(page, ProblemReason.NOT_REGISTERED, detail)
    px_per_mm = scale_px_per_mm(fit.page_from_mm, form)
    if px_per_mm < MIN_PX_PER_MM:
        detail = f"The page has {px_per_mm * MM_PER_INCH:.0f} dpi; scan it with at least 150."
        return _problem(page, ProblemReason.LOW_RESOLUTION, detail)
    return RegisteredPage(page, form, fit.page_from_mm, fit.residual_mm, fit.clearness)


def scale_px_per_mm(page_from_mm: np.ndarray, form: FormTemplate) -> float:
    """Pixels of the page for one mm of the form, the geometric mean over the form's area."""
    corners = _corners(form.page_width_mm, form.page_height_mm)
    area_px = cv2.contourArea(_transform(corners, page_from_mm).astype(np.float32))
    return float(np.sqrt(area_px / (form.page_width_mm * form.page_height_mm)))


def _fit(small: _Small, form: FormTemplate) -> Fit | None:
    if form.marks:
        fit = _fit_by_marks(small, form)
        if fit is not None or form.blank is None:
            return fit
    return _fit_by_print(small, blank_print(form))


# ---- by marks


def _fit_by_marks(small: _Small, form: FormTemplate) -> Fit | None:
    """The best assignment of the form's marks to black squares; the blank's print settles which way is up."""
    marks_mm = np.array([(mark.x_mm, mark.y_mm) for mark in form.marks], dtype=float)
    size_mm = float(np.median([mark.size_mm for mark in form.marks]))
    squares = find_squares(small.sizes, size_mm, (form.page_width_mm, form.page_height_mm))
    fits = [
        Fit(matched.page_from_mm, matched.residual_mm, 1.0)
        for matched in match_marks(squares, marks_mm)
        if _lies_on(small.sizes.full, matched.page_from_mm, form)
    ]
    if form.blank is None or not fits or not blank_print(form).is_findable:
        return min(fits, key=lambda fit: fit.residual_mm, default=None)
    confirmed = [_confirm(small, blank_print(form), fit) for fit in _best_each_way_up(fits)]
    best = max(confirmed, key=lambda fit: fit.clearness)
    return best if best.clearness >= WRONG_FORM_CLEARNESS else None


def _lies_on(grey: np.ndarray, page_from_mm: np.ndarray, form: FormTemplate) -> bool:
    """Whether the form's corners lie on the scan, or little outside."""
    corners = _transform(_corners(form.page_width_mm, form.page_height_mm), page_from_mm)
    slack = OUTSIDE_SHARE * max(grey.shape)
    return bool((corners > -slack).all() and (corners < np.array(grey.shape[::-1]) + slack).all())


def _best_each_way_up(fits: list[Fit]) -> list[Fit]:
    """Of all fits that turn the page alike, to the nearest quarter, the one with the smallest residual."""
    best: dict[int, Fit] = {}
    for fit in sorted(fits, key=lambda fit: fit.residual_mm):
        quarter = round(float(np.arctan2(fit.page_from_mm[1, 0], fit.page_from_mm[0, 0])) / (np.pi / 2)) % 4
        best.setdefault(quarter, fit)
    return list(best.values())


def _confirm(small: _Small, blank: BlankPrint, fit: Fit) -> Fit:
    reaches_mm = REACH_BY_MARKS_MM if len(blank.form.marks) >= 4 else REACH_MM
    refined = _refine(small, blank, fit.page_from_mm, reaches_mm)
    return Fit(fit.page_from_mm, fit.residual_mm, 0.0) if refined is None else refined


# ---- by print


def _fit_by_print(small: _Small, blank: BlankPrint) -> Fit | None:
    """Features for a first guess, then patches of the blank found again around it.

    ORB (Rublee et al. 2011) is quick and mostly enough; SIFT (Lowe 2004) finds what ORB loses in photographs. The
    homography is estimated with MAGSAC++ (Barath et al. 2020), which needs no finely tuned inlier threshold.
    """
    best: Fit | None = None
    detectors: tuple[Detector, ...] = ("orb", "sift")
    for detector in detectors:
        guess = _guess(small.features(detector), blank.features(detector), detector, blank.grey.shape)
        if guess is None:
            continue
        fit = _refine(small, blank, small.page_from_small @ guess @ blank.blank_from_mm, REACH_MM)
        if fit is not None and (best is None or fit.clearness > best.clearness):
            best = fit
        if best is not None and best.clearness > 0.6:
            break
    return best


def _guess(
    page_features: Features, blank_features: Features, detector: Detector, blank_shape: tuple[int, ...]
) -> np.ndarray | None:
    """The homography small_from_blank that most feature matches agree on."""
    if min(len(page_features.points), len(blank_features.points)) < MIN_MATCHES:
        return None
    norm = cv2.NORM_HAMMING if detector == "orb" else cv2.NORM_L2
    pairs = cv2.BFMatcher(norm).knnMatch(blank_features.descriptors, page_features.descriptors, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.8 * pair[1].distance]
    if len(good) < MIN_MATCHES:
        return None
    source = blank_features.points[[match.queryIdx for match in good]]
    target = page_features.points[[match.trainIdx for match in good]]
    homography, inliers = cv2.findHomography(source, target, cv2.USAC_MAGSAC, 4.0, maxIters=5000, confidence=0.999)
    if homography is None or int(inliers.sum()) < MIN_MATCHES or not _is_plausible(homography, blank_shape):
        return None
    return homography


def _is_plausible(homography: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a page of that (height, width) seen by a camera could look so: not mirrored, not folded, not a sliver."""
    height, width = shape
    corners = _transform(_corners(width, height), homography)
    if not np.isfinite(corners).all() or not cv2.isContourConvex(corners.astype(np.float32)):
        return False
    if cv2.contourArea(corners.astype(np.float32), oriented=True) <= 0:
        return False
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1) / (width, height, width, height)
    return bool(sides.max() < 2.2 * sides.min())


def _refine(small: _Small, blank: BlankPrint, page_from_mm: np.ndarray, reaches_mm: tuple[float, ...]) -> Fit | None:
    """Look for patches of the blank's print where they should be, once a reach; fit the homography to what is found.

    No further reach is tried where the last one hardly moved the form: the same patches would be found.

    Returns:
        The better homography, the root mean square distance of the patches that were found, and the share of all
        patches that was. None where too few were found to fit anything.
    """
    for reach_mm in reaches_mm:
        found = _find_patches(small, blank, page_from_mm, reach_mm)
        if found.is_found.sum() < MIN_MATCHES:
            return None
        source, target = found.mm[found.is_found], found.page[found.is_found]
        px_per_mm = scale_px_per_mm(page_from_mm, blank.form)
        homography, _ = cv2.findHomography(source, target, cv2.USAC_MAGSAC, TOLERANCE_MM * px_per_mm)
        if homography is None:
            return None
        moved_px = _farthest_moved(blank.form, page_from_mm, homography)
        page_from_mm = homography
        if moved_px < SETTLED_MM * px_per_mm:
            break
    return _measure(page_from_mm, found)


def _farthest_moved(form: FormTemplate, before: np.ndarray, after: np.ndarray) -> float:
    """How far apart, in page pixels, two homographies put a corner of the form, at most."""
    corners = _corners(form.page_width_mm, form.page_height_mm)
    return float(np.linalg.norm(_transform(corners, before) - _transform(corners, after), axis=1).max())


def _measure(page_from_mm: np.ndarray, found: _Found) -> Fit:
    mm_from_page = np.linalg.inv(page_from_mm)
    offsets_mm = np.linalg.norm(_transform(found.page, mm_from_page) - found.mm, axis=1)
    agrees = found.is_found & (offsets_mm < 2.5)
    residual = float(np.sqrt(np.mean(offsets_mm[agrees] ** 2))) if agrees.any() else float("inf")
    return Fit(page_from_mm, residual, float(agrees.mean()))


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Patches of print: where on the form (N, 2) mm, where on the page (N, 2) px, and whether they were seen."""

    mm: np.ndarray
    page: np.ndarray
    is_found: np.ndarray


def _find_patches(small: _Small, blank: BlankPrint, page_from_mm: np.ndarray, reach_mm: float) -> _Found:
    """Normalized cross-correlation of each patch with the page, straightened by the homography so far."""
    blank_from_mm = blank.blank_from_mm
    small_from_blank = np.linalg.inv(small.page_from_small) @ page_from_mm @ np.linalg.inv(blank_from_mm)
    reach = max(2, round(reach_mm * blank.px_per_mm))
    scores = blank.patches.scores(small.grey, reach, small_from_blank)
    centres = blank.patch_centres + _peaks(scores) - reach
    page = _transform(centres, small.page_from_small @ small_from_blank)
    mm = _transform(blank.patch_centres.astype(np.float64), np.linalg.inv(blank_from_mm))
    return _Found(mm, page, scores.max((1, 2)) > PATCH_SCORE)


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


# ---- shared


def _transform(points: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """(N, 2) points through a (3, 3) homography."""
    return cv2.perspectiveTransform(points.reshape(-1, 1, 2), homography).reshape(-1, 2)


def _corners(width: float, height: float) -> np.ndarray:
    """(4, 2) float64, clockwise from the top left."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)


def _is_blank(sizes: Pyramid) -> bool:
    thumb = sizes.at(0.25).grey if min(sizes.full.shape) > 200 else sizes.full
    return level_quantile(thumb, 0.5) - level_quantile(thumb, 0.001) < BLANK_PAGE_CONTRAST


def _names(forms: tuple[FormTemplate, ...]) -> str:
    return "form " + forms[0].name if len(forms) == 1 else "any of the forms " + ", ".join(form.name for form in forms)


def _problem(page: Page, reason: ProblemReason, detail: str) -> PageProblem:
    return PageProblem(page.scan, page.page, page.sha256, reason, detail)
