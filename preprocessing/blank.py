"""The blank form as registration and form removal want it: loaded once a process and kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from forms.errors import FormError
from forms.template import MM_PER_INCH, FormTemplate
from preprocessing.decoding import decode
from preprocessing.features import Detector, Features, detect_features
from preprocessing.patches import Patches
from preprocessing.raster import Refusal

MIN_PATCHES = 12
FEATURE_DPI = 100  # where a page is found; finer costs time and finds nothing more
COARSE_DPI = 33  # where it is looked for first, if it lies straight
PATCH_GRID = (9, 12)
RULE_MM = 0.5  # from the edge of a field inwards: so far its printed border may reach
PATCH_MM = 7.0  # a patch of print that is looked for again: large enough to be unique within its neighbourhood
MIN_COUNTED = 0.6  # of a patch: share that lies outside of the fields
MIN_CORNERNESS = 0.01  # of the strongest: thin grey rules have 0.02 of a black mark's, a scan's grain 0.002
HALF_PX = round(PATCH_MM / 2 * FEATURE_DPI / MM_PER_INCH)


@dataclass(frozen=True, slots=True, eq=False)
class ScaledPrint:
    """Patches of a form's print at one scale, and the pixels (N, 2) int, x and y, in their middles."""

    px_per_mm: float
    centres: np.ndarray
    patches: Patches

    @property
    def blank_from_mm(self) -> np.ndarray:
        return pixels_from_mm(self.px_per_mm)


@dataclass(frozen=True, slots=True, eq=False)
class BlankPrint:
    """The print of one form.

    ``working`` is (H, W) uint8 at the form's working dpi, ``grey`` the same at ``FEATURE_DPI``; both cover exactly
    the page, so that a scale is all that lies between their pixels and mm. ``fine`` are patches of ``grey`` with print
    in both directions, spread over the page; ``coarse`` the same places at ``COARSE_DPI``.
    """

    form: FormTemplate
    working: np.ndarray
    grey: np.ndarray
    fine: ScaledPrint
    coarse: ScaledPrint
    _features: dict[str, Features] = field(default_factory=dict)

    @property
    def is_findable(self) -> bool:
        """Whether there is enough print beside the fields to find a page by."""
        return len(self.fine.centres) >= MIN_PATCHES

    def features(self, detector: Detector) -> Features:
        """The blank's key points, found at the first call."""
        if detector not in self._features:
            self._features[detector] = detect_features(self.grey, detector)
        return self._features[detector]


def pixels_from_mm(px_per_mm: float, left_mm: float = 0.0, top_mm: float = 0.0) -> np.ndarray:
    """(3, 3): mm of the form to pixels of an upright cut that begins at (left, top).

    Pixel i covers i to i + 1 of the cut; what the homography takes and gives is its middle.
    """
    shift = np.array([-left_mm, -top_mm]) * px_per_mm - 0.5
    return np.array([[px_per_mm, 0, shift[0]], [0, px_per_mm, shift[1]], [0, 0, 1]])


@lru_cache(maxsize=64)
def blank_print(form: FormTemplate) -> BlankPrint:
    """Load and prepare the blank of a form that has one; cached, since every page of the form needs it.

    Raises:
        FormError: the blank can't be decoded, is empty, or does not have the shape of the page.
    """
    scan = _load(form)
    working = _resized(scan, form, form.working_dpi)
    grey = _resized(scan, form, FEATURE_DPI)
    counts = _counts(form)
    centres = _patch_centres(grey, counts)
    fine = ScaledPrint(FEATURE_DPI / MM_PER_INCH, centres, Patches.cut(grey, counts, centres, HALF_PX))
    blank = BlankPrint(form, working, grey, fine, _coarse(grey, counts, centres))
    if not blank.is_findable and not form.marks:
        raise FormError(_place(form), "the blank has too little print to find a page by", "Add registration marks.")
    return blank


def _coarse(grey: np.ndarray, counts: np.ndarray, centres: np.ndarray) -> ScaledPrint:
    """The same patches smaller, their middles put to whole pixels."""
    size = tuple(round(side * COARSE_DPI / FEATURE_DPI) for side in grey.shape[::-1])
    small, counted = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (grey, counts))
    half = round(HALF_PX * COARSE_DPI / FEATURE_DPI)
    placed = np.rint((centres + 0.5) * COARSE_DPI / FEATURE_DPI - 0.5).astype(int)
    placed = placed.clip(half, np.array(size) - half - 1)
    return ScaledPrint(COARSE_DPI / MM_PER_INCH, placed, Patches.cut(small, np.rint(counted), placed, half))


def _load(form: FormTemplate) -> np.ndarray:
    assert form.blank is not None
    page = next(decode(form.blank.read_bytes()))
    if isinstance(page, Refusal):
        raise FormError(
            _place(form), f"the blank can't be used: {page.detail}", "Give an image or PDF of the empty form."
        )
    height, width = page.grey.shape
    stretch = (width / form.page_width_mm) / (height / form.page_height_mm)
    if not 0.97 < stretch < 1.03:
        raise FormError(
            _place(form),
            f"the blank's {width}x{height} px are no {form.page_width_mm:g}x{form.page_height_mm:g} mm in shape",
            "Crop the blank to the page's edges, or correct width_mm and height_mm.",
        )
    return page.grey


def _place(form: FormTemplate) -> str:
    return f"form {form.name}, page.blank"


def _resized(scan: np.ndarray, form: FormTemplate, dpi: float) -> np.ndarray:
    size = (round(form.page_width_mm / MM_PER_INCH * dpi), round(form.page_height_mm / MM_PER_INCH * dpi))
    shrinks = size[0] < scan.shape[1]
    return cv2.resize(scan, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _patch_centres(grey: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The most corner-like place of each cell of a grid, (N, 2) int, where ``counts`` is 1 on enough of a patch.

    A place on a straight line would be found again anywhere along the line; a corner, a crossing or text only where
    it is.
    """
    half = HALF_PX
    cornerness = _cornerness(grey, counts)
    floor = MIN_CORNERNESS * float(cornerness.max())
    cornerness[cv2.blur(counts, (2 * half + 1, 2 * half + 1)) < MIN_COUNTED] = 0
    height, width = grey.shape
    columns, rows = PATCH_GRID if height >= width else PATCH_GRID[::-1]
    xs = np.linspace(half, width - half - 1, columns + 1).astype(int)
    ys = np.linspace(half, height - half - 1, rows + 1).astype(int)
    centres = []
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            cell = cornerness[top:bottom, left:right]
            y, x = np.unravel_index(int(cell.argmax()), cell.shape)
            if cell[y, x] > floor:
                centres.append((left + x, top + y))
    return np.array(centres, dtype=int).reshape(-1, 2)


def _cornerness(grey: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(H, W) float32: over a patch around each pixel, the smaller eigenvalue of the structure tensor of what counts.

    Shi and Tomasi, Good Features to Track, 1994.
    """
    soft = cv2.GaussianBlur(grey, (0, 0), 1.0)
    gradient_x, gradient_y = (cv2.Sobel(soft, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    products = (gradient_x**2, gradient_y**2, gradient_x * gradient_y)
    xx, yy, xy = (cv2.blur(each * counts, (2 * HALF_PX + 1, 2 * HALF_PX + 1)) for each in products)
    return (xx + yy - np.sqrt((xx - yy) ** 2 + 4 * xy**2)) / 2


def _counts(form: FormTemplate) -> np.ndarray:
    """(H, W) float32 at ``FEATURE_DPI``: 0 within fields, where a filled page holds ink, 1 elsewhere."""
    scale = FEATURE_DPI / MM_PER_INCH
    counts = np.ones((round(form.page_height_mm * scale), round(form.page_width_mm * scale)), np.float32)
    for box in (box.grown(-RULE_MM) for each in form.fields for box in each.boxes):
        top, bottom = round(box.y_mm * scale), round(box.bottom_mm * scale)
        counts[top:bottom, round(box.x_mm * scale) : round(box.right_mm * scale)] = 0
    return counts
