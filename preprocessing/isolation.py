"""Cut each field out of a registered page, upright, aligned to its own print, with the pen's ink alone beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from forms.errors import MendableError
from forms.template import MM_PER_INCH, Box, Field, FieldKind, FormTemplate
from preprocessing.blank import BlankPrint, blank_print, pixels_from_mm
from preprocessing.field_print import FieldPrint
from preprocessing.form_removal import border_lines, darkness, ink_clear_of_print, isolate_ink
from preprocessing.page import FieldImage, Page, PixelBox, RegisteredPage, Surroundings

MARGIN_MM = 2.0  # around the field: strokes leave their box
AROUND_MM = 6.5  # around a comb: as far as a digit that is written beside it
REACH_MM = 1.8  # how far curl or stretch may have moved a field from where the page's homography puts it
KEPT_FIELDS = 256  # as many fields' prints are kept, at some 0.3 MB each
WHOLE_IMAGE_HEIGHT_PX = 120  # finer than that, an image of one line of digits is shrunken
WHOLE_IMAGE_WIDTH_PX = 4000
WHOLE_IMAGE_RUN = 0.9  # of an image's side is dark along a frame's line; digits are seldom as high as their image
WHOLE_IMAGE_DIGIT_MM = 5.0  # how high a digit is taken to be where an image has no mm


class CropError(MendableError):
    """A crop that is none, or not of this field: what the problem is, and what a person can do about it."""


def isolate_fields(registered: RegisteredPage) -> tuple[FieldImage, ...]:
    """Cut all fields of a page, in the form's order, at the form's working dpi."""
    source, form = _Source.of(registered), registered.form
    px_per_mm = form.working_dpi / MM_PER_INCH
    if form.blank is None:
        return tuple(_by_its_lines(source, field, px_per_mm) for field in form.fields)
    blank = blank_print(form)
    return tuple(_by_its_print(source, field, blank, px_per_mm) for field in form.fields)


def whole_image_field(page: Page, form: FormTemplate) -> FieldImage:
    """The one field of a ``whole_image`` form: the image itself, no finer than its digits need.

    Its scale is guessed from its height. Time is bounded whatever the image is, a whole page by mistake for one.
    """
    grey = _no_finer(page.grey)
    height, width = grey.shape
    px_per_mm = height / (1.4 * WHOLE_IMAGE_DIGIT_MM)
    cell = PixelBox(0, 0, width, height)
    printed = border_lines(darkness(grey, px_per_mm), (cell,), px_per_mm, WHOLE_IMAGE_RUN)
    ink = isolate_ink(grey, printed, px_per_mm)
    return FieldImage(form.fields[0], grey, ink, (cell,), px_per_mm, frame_known=False)


def field_from_crop(grey: np.ndarray, form: FormTemplate, field: Field) -> FieldImage:
    """The field image again of which only the crop was kept.

    It is as it was, for the crop lies where the form's print fits best; but what was written around a comb is not in
    the crop, and of a form without a blank only the print that the crop shows is known.

    Args:
        grey: (h, w) uint8, ``FieldImage.grey`` of this field.
        form: the form in the state in which the crop was cut.
        field: one of its fields.

    Raises:
        CropError: the crop has another size than this form's crops of the field.
    """
    if form.whole_image:
        return whole_image_field(Page(grey, None, "", 1, ""), form)
    px_per_mm = form.working_dpi / MM_PER_INCH
    region = field.box.grown(MARGIN_MM)
    size = _crop_size(form, region, px_per_mm)
    if grey.shape != size:
        raise CropError(
            f"a crop of the field {field.name} has {grey.shape} pixels, the form {form.name} cuts {size}",
            "name the form file as it was when the scans were read",
        )
    cells = tuple(_pixels(box, region, px_per_mm) for box in field.boxes)
    if form.blank is not None:
        printed = _blank_darkness(form, region, px_per_mm)
    else:
        printed = border_lines(darkness(grey, px_per_mm), cells, px_per_mm)
    return FieldImage(field, grey, isolate_ink(grey, printed, px_per_mm), cells, px_per_mm)


def _no_finer(grey: np.ndarray) -> np.ndarray:
    height, width = grey.shape
    scale = min(WHOLE_IMAGE_HEIGHT_PX / height, WHOLE_IMAGE_WIDTH_PX / width)
    if scale >= 1:
        return grey
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def _crop_size(form: FormTemplate, region: Box, px_per_mm: float) -> tuple[int, int]:
    """The height and width at which a field is cut out."""
    reach_mm, reach = (0.0, 0) if form.blank is not None else (REACH_MM, round(REACH_MM * px_per_mm))
    wide = region.grown(reach_mm)
    return round(wide.height_mm * px_per_mm) - 2 * reach, round(wide.width_mm * px_per_mm) - 2 * reach


class _Source:
    """A page's grey levels, not much finer than the fields are cut, and where the form lies on them."""

    def __init__(self, grey: np.ndarray, grey_from_mm: np.ndarray) -> None:
        self.grey = grey
        self.grey_from_mm = grey_from_mm

    @classmethod
    def of(cls, registered: RegisteredPage) -> _Source:
        """Halve a scan that is more than twice as fine as the working dpi: interpolation would skip pixels."""
        grey, homography = registered.page.grey, registered.homography
        origin, across = cv2.perspectiveTransform(np.array([[[0.0, 0.0]], [[10.0, 0.0]]]), homography).reshape(2, 2)
        px_per_mm = float(np.linalg.norm(across - origin)) / 10
        while px_per_mm > 2.2 * registered.form.working_dpi / MM_PER_INCH:
            grey = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            homography = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]]) @ homography
            px_per_mm /= 2
        return cls(grey, homography)

    def cut(self, box: Box, px_per_mm: float) -> np.ndarray:
        """The page within ``box``, upright, at a scale; paper-coloured where the scan ends."""
        return self.cut_beyond(box, 0, px_per_mm)

    def cut_beyond(self, box: Box, margin_px: int, px_per_mm: float) -> np.ndarray:
        """The same with ``margin_px`` more on each side, so that what lies within is pixel for pixel the cut of it."""
        size = (round(box.width_mm * px_per_mm) + 2 * margin_px, round(box.height_mm * px_per_mm) + 2 * margin_px)
        margin_mm = margin_px / px_per_mm
        mm_from_crop = np.linalg.inv(pixels_from_mm(px_per_mm, box.x_mm - margin_mm, box.y_mm - margin_mm))
        return cv2.warpPerspective(
            self.grey,
            self.grey_from_mm @ mm_from_crop,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _by_its_print(source: _Source, field: Field, blank: BlankPrint, px_per_mm: float) -> FieldImage:
    """A field of a form whose print is known, aligned to it; of a comb also what is written around it."""
    region = field.box.grown(MARGIN_MM)
    cells = tuple(_pixels(box, region, px_per_mm) for box in field.boxes)
    prints = _field_prints(blank, field.name)
    reach_px = round(REACH_MM * px_per_mm)
    outside_px = reach_px + (_around_px(px_per_mm) if field.kind is FieldKind.COMB else 0)
    wide = source.cut_beyond(region, outside_px, px_per_mm)
    dark = darkness(wide, px_per_mm)
    apart_px = outside_px - reach_px
    within = slice(apart_px, wide.shape[0] - apart_px), slice(apart_px, wide.shape[1] - apart_px)
    y, x = prints.inner.best_place(dark[within])
    height, width = prints.inner.dark.shape
    grey = wide[within][y : y + height, x : x + width]
    ink = isolate_ink(grey, prints.inner.dark, px_per_mm)
    around = None
    if prints.outer is not None:
        height, width = prints.outer.shape
        written = ink_clear_of_print(dark[y : y + height, x : x + width], prints.outer, px_per_mm)
        around = Surroundings(written, apart_px, prints.others)
    return FieldImage(field, grey, ink, cells, px_per_mm, around=around)


def _by_its_lines(source: _Source, field: Field, px_per_mm: float) -> FieldImage:
    """A field of a form without a blank: its print is the lines that are found along its cells' borders."""
    region = field.box.grown(MARGIN_MM)
    cells = tuple(_pixels(box, region, px_per_mm) for box in field.boxes)
    wide = source.cut(region.grown(REACH_MM), px_per_mm)
    reach_px = round(REACH_MM * px_per_mm)
    dark = darkness(wide, px_per_mm)
    printed = border_lines(dark[reach_px:-reach_px, reach_px:-reach_px], cells, px_per_mm)
    y, x = FieldPrint.of(printed, px_per_mm).best_place(dark)
    grey = wide[y : y + printed.shape[0], x : x + printed.shape[1]]
    return FieldImage(field, grey, isolate_ink(grey, printed, px_per_mm), cells, px_per_mm)


@dataclass(frozen=True, slots=True, eq=False)
class _FieldPrints:
    """What is printed in a field's cut, and around a comb: ``outer`` (h, w) uint8 darkness, ``others`` as there."""

    inner: FieldPrint
    outer: np.ndarray | None
    others: tuple[PixelBox, ...]


@lru_cache(maxsize=KEPT_FIELDS)
def _field_prints(blank: BlankPrint, name: str) -> _FieldPrints:
    """Those of a field by its name, made for the first page of a form and kept for the next."""
    form = blank.form
    field = next(field for field in form.fields if field.name == name)
    px_per_mm = form.working_dpi / MM_PER_INCH
    cut = field.box.grown(MARGIN_MM)
    inner = FieldPrint.of(_blank_darkness(form, cut, px_per_mm), px_per_mm)
    if field.kind is not FieldKind.COMB:
        return _FieldPrints(inner, None, ())
    around_px = _around_px(px_per_mm)
    working = _Source(blank.working, pixels_from_mm(px_per_mm))
    outer = darkness(working.cut_beyond(cut, around_px, px_per_mm), px_per_mm)
    region = cut.grown(around_px / px_per_mm)
    near = (box for other in form.fields if other is not field for box in other.boxes)
    others = tuple(_pixels(box, cut, px_per_mm) for box in near if region.overlaps(box.grown(MARGIN_MM)))
    return _FieldPrints(inner, outer, others)


def _around_px(px_per_mm: float) -> int:
    """How far the surroundings of a comb reach beyond its cut."""
    return round((AROUND_MM - MARGIN_MM) * px_per_mm)


def _pixels(box: Box, region: Box, px_per_mm: float) -> PixelBox:
    return PixelBox(
        round((box.x_mm - region.x_mm) * px_per_mm),
        round((box.y_mm - region.y_mm) * px_per_mm),
        round((box.right_mm - region.x_mm) * px_per_mm),
        round((box.bottom_mm - region.y_mm) * px_per_mm),
    )


def _blank_darkness(form: FormTemplate, region: Box, px_per_mm: float) -> np.ndarray:
    blank = _Source(blank_print(form).working, pixels_from_mm(px_per_mm))
    return darkness(blank.cut(region, px_per_mm), px_per_mm)
