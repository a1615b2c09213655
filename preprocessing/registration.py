"""Where does the form lie on this page? From its printed marks, or from its own print.

Frames are named in the variables: ``mm`` the form's millimetres, ``page`` the scan's pixels, ``reduced`` a shrunken
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
from preprocessing.geometry import corners, scale_px_per_mm, transformed
from preprocessing.levels import level_quantiles
from preprocessing.marks import find_squares, match_marks
from preprocessing.page import Page, PageProblem, ProblemReason, RegisteredPage
from preprocessing.print_fit import MIN_MATCHES, Fit, refine
from preprocessing.pyramid import Pyramid, Reduced
from preprocessing.straight import fit_straight

MIN_SIDE_PX = 64  # a smaller image is no page
OUTSIDE_SHARE = 0.05  # of the scan's longer side: how far a form's corner may lie outside of the scan
MIN_PX_PER_MM = 2.5  # about 64 dpi: a digit of 5 mm is then 12 px high, and no longer read reliably
FINE_LONG_SIDE_PX, COARSE_LONG_SIDE_PX = 1170, 390  # A4 at 100 and 33 dpi
WRONG_FORM_CLEARNESS = 0.5  # under this share of print found again, the page shows another form
BLANK_PAGE_CONTRAST = 24  # grey levels between paper and the darkest 0.1 % of a page that holds anything
REACH_MM = (5.0, 2.0)  # how far print is looked for from where a first guess puts it, then from where the print does
REACH_BY_MARKS_MM = (2.0, 2.0)  # four marks leave only the paper's curl; farther off it is another form's print
SETTLED_MM = 0.5  # a form that a round of looking for print moved by less than this lies where it is


@dataclass(frozen=True, slots=True, eq=False)
class _Copies:
    """A page, copies of it to search in, and the fine one's features, found when they are first asked for."""

    page: Page
    sizes: Pyramid
    fine: Reduced
    coarse: Reduced
    _features: dict[str, Features] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Page, sizes: Pyramid) -> _Copies:
        fine, coarse = (sizes.at(side / max(page.grey.shape)) for side in (FINE_LONG_SIDE_PX, COARSE_LONG_SIDE_PX))
        return cls(page, sizes, fine, coarse)

    def features(self, detector: Detector) -> Features:
        if detector not in self._features:
            self._features[detector] = detect_features(self.fine.grey, detector)
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
    copies = _Copies.of(page, sizes)
    fits = [(fit, form) for form in forms if (fit := _fit(copies, form)) is not None]
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


def _fit(copies: _Copies, form: FormTemplate) -> Fit | None:
    if form.marks:
        fit = _fit_by_marks(copies, form)
        if fit is not None or form.blank is None:
            return fit
    return _fit_by_print(copies, blank_print(form))


# ---- by marks


def _fit_by_marks(copies: _Copies, form: FormTemplate) -> Fit | None:
    """The best assignment of the form's marks to black squares; the blank's print settles which way is up."""
    marks_mm = np.array([(mark.x_mm, mark.y_mm) for mark in form.marks], dtype=float)
    size_mm = float(np.median([mark.size_mm for mark in form.marks]))
    squares = find_squares(copies.sizes, size_mm, (form.page_width_mm, form.page_height_mm))
    fits = [
        Fit(matched.page_from_mm, matched.residual_mm, 1.0)
        for matched in match_marks(squares, marks_mm)
        if _lies_on(copies.sizes.full, matched.page_from_mm, form)
    ]
    if form.blank is None or not fits or not blank_print(form).is_findable:
        return min(fits, key=lambda fit: fit.residual_mm, default=None)
    confirmed = [_confirm(copies, blank_print(form), fit) for fit in _best_each_way_up(fits)]
    best = max(confirmed, key=lambda fit: fit.clearness)
    return best if best.clearness >= WRONG_FORM_CLEARNESS else None


def _lies_on(grey: np.ndarray, page_from_mm: np.ndarray, form: FormTemplate) -> bool:
    """Whether the form's corners lie on the scan, or little outside."""
    placed = transformed(corners(form.page_width_mm, form.page_height_mm), page_from_mm)
    slack = OUTSIDE_SHARE * max(grey.shape)
    return bool((placed > -slack).all() and (placed < np.array(grey.shape[::-1]) + slack).all())


def _best_each_way_up(fits: list[Fit]) -> list[Fit]:
    """Of all fits that turn the page alike, to the nearest quarter, the one with the smallest residual."""
    best: dict[int, Fit] = {}
    for fit in sorted(fits, key=lambda fit: fit.residual_mm):
        quarter = round(float(np.arctan2(fit.page_from_mm[1, 0], fit.page_from_mm[0, 0])) / (np.pi / 2)) % 4
        best.setdefault(quarter, fit)
    return list(best.values())


def _confirm(copies: _Copies, blank: BlankPrint, fit: Fit) -> Fit:
    reaches_mm = REACH_BY_MARKS_MM if len(blank.form.marks) >= 4 else REACH_MM
    refined = refine(copies.fine, blank, fit.page_from_mm, reaches_mm, SETTLED_MM)
    return Fit(fit.page_from_mm, fit.residual_mm, 0.0) if refined is None else refined


# ---- by print


def _fit_by_print(copies: _Copies, blank: BlankPrint) -> Fit | None:
    """A first guess, then patches of the blank found again around it: a straight one, or else one by features.

    ORB (Rublee et al. 2011) is quick and mostly enough; SIFT (Lowe 2004) finds what ORB loses in photographs.
    """
    best = fit_straight(copies.page, copies.coarse, copies.fine, blank)
    if best is not None:
        return best
    detectors: tuple[Detector, ...] = ("orb", "sift")
    for detector in detectors:
        guess = _guess(copies.features(detector), blank.features(detector), detector, blank.grey.shape)
        if guess is None:
            continue
        page_from_mm = copies.fine.page_from_reduced @ guess @ blank.fine.blank_from_mm
        fit = refine(copies.fine, blank, page_from_mm, REACH_MM, SETTLED_MM)
        if fit is not None and (best is None or fit.clearness > best.clearness):
            best = fit
        if best is not None and best.clearness > 0.6:
            break
    return best


def _guess(
    page_features: Features, blank_features: Features, detector: Detector, blank_shape: tuple[int, ...]
) -> np.ndarray | None:
    """The homography reduced_from_blank that most feature matches agree on."""
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
    seen = transformed(corners(width, height), homography)
    if not np.isfinite(seen).all() or not cv2.isContourConvex(seen.astype(np.float32)):
        return False
    if cv2.contourArea(seen.astype(np.float32), oriented=True) <= 0:
        return False
    sides = np.linalg.norm(seen - np.roll(seen, -1, axis=0), axis=1) / (width, height, width, height)
    return bool(sides.max() < 2.2 * sides.min())


# ---- shared


def _is_blank(sizes: Pyramid) -> bool:
    thumb = sizes.at(0.25).grey if min(sizes.full.shape) > 200 else sizes.full
    paper, darkest = level_quantiles(thumb, (0.5, 0.001))
    return paper - darkest < BLANK_PAGE_CONTRAST


def _names(forms: tuple[FormTemplate, ...]) -> str:
    return "form " + forms[0].name if len(forms) == 1 else "any of the forms " + ", ".join(form.name for form in forms)


def _problem(page: Page, reason: ProblemReason, detail: str) -> PageProblem:
    return PageProblem(page.scan, page.page, page.sha256, reason, detail)
