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
from preprocessing.raster import Refusal

MIN_PATCHES = 12
FEATURE_DPI = 100  # where a page is found; finer costs time and finds nothing more
PATCH_GRID = (9, 12)
PATCH_MM = 7.0  # a patch of print that is looked for again: large enough to be unique within its neighbourhood


@dataclass(frozen=True, slots=True, eq=False)
class BlankPrint:
    """The print of one form.

    ``working`` is (H, W) uint8 at the form's working dpi, ``grey`` the same at ``FEATURE_DPI``; both cover exactly
    the page, so that a scale is all that lies between their pixels and mm. ``patch_centres`` (N, 2) int: pixels of
    ``grey`` around which there is print in both directions, spread over the page.
    """

    form: FormTemplate
    working: np.ndarray
    grey: np.ndarray
    patch_centres: np.ndarray
    _features: dict[str, Features] = field(default_factory=dict)

    @property
    def px_per_mm(self) -> float:
        return FEATURE_DPI / MM_PER_INCH

    @property
    def blank_from_mm(self) -> np.ndarray:
        return pixels_from_mm(self.px_per_mm)

    @property
    def is_findable(self) -> bool:
        """Whether there is enough print beside the fields to find a page by."""
        return len(self.patch_centres) >= MIN_PATCHES

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
    blank = BlankPrint(form, working, grey, _patch_centres(grey, form))
    if not blank.is_findable and not form.marks:
        raise FormError(_place(form), "the blank has too little print to find a page by", "Add registration marks.")
    return blank


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


def _patch_centres(grey: np.ndarray, form: FormTemplate) -> np.ndarray:
    """The most corner-like place of each cell of a grid, by the smaller eigenvalue (Shi and Tomasi 1994).

    A place on a straight line would be found again anywhere along the line; a corner, a crossing or text only where
    it is. The insides of the fields don't count: there the filled page holds ink.
    """
    half = round(PATCH_MM / 2 * FEATURE_DPI / MM_PER_INCH)
    cornerness = cv2.cornerMinEigenVal(cv2.GaussianBlur(grey, (0, 0), 1.0), blockSize=2 * half + 1)
    floor = 0.02 * float(cornerness.max())
    cornerness[_share_in_fields(grey.shape, form, 2 * half + 1) > 0.5] = 0
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


def _share_in_fields(shape: tuple[int, ...], form: FormTemplate, side_px: int) -> np.ndarray:
    """(H, W) float32: how much of a patch around each pixel lies within fields, where a filled page holds ink."""
    inside = np.zeros(shape, np.float32)
    scale = FEATURE_DPI / MM_PER_INCH
    for box in (box for each in form.fields for box in each.boxes):
        top, bottom = round(box.y_mm * scale), round(box.bottom_mm * scale)
        inside[top:bottom, round(box.x_mm * scale) : round(box.right_mm * scale)] = 1
    return cv2.blur(inside, (side_px, side_px))
