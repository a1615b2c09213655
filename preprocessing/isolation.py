"""Cut each field out of a registered page, upright, aligned to its own print, with the pen's ink alone beside it."""

from __future__ import annotations

import cv2
import numpy as np

from forms.errors import MendableError
from forms.template import MM_PER_INCH, Box, Field, FieldKind, FormTemplate
from preprocessing.blank import blank_print, pixels_from_mm
from preprocessing.form_removal import border_lines, darkness, ink_clear_of_print, isolate_ink
from preprocessing.page import FieldImage, Page, PixelBox, RegisteredPage, Surroundings

MARGIN_MM = 2.0  # around the field: strokes leave their box
AROUND_MM = 6.5  # around a comb: as far as a digit that is written beside it
ALIGNED_DARKNESS = 60  # grey levels: print darker than this counts no more for where a field lies
REACH_MM = 1.8  # how far curl or stretch may have moved a field from where the page's homography puts it
WHOLE_IMAGE_HEIGHT_PX = 120  # finer than that, an image of one line of digits is shrunken
WHOLE_IMAGE_WIDTH_PX = 4000
WHOLE_IMAGE_DIGIT_MM = 5.0  # how high a digit is taken to be where an image has no mm


class CropError(MendableError):
    """A crop that is none, or not of this field: what the problem is, and what a person can do about it."""


def isolate_fields(registered: RegisteredPage) -> tuple[FieldImage, ...]:
    """Cut all fields of a page, in the form's order, at the form's working dpi."""
    source = _Source.of(registered)
    return tuple(_isolate(source, field, registered.form) for field in registered.form.fields)


def whole_image_field(page: Page, form: FormTemplate) -> FieldImage:
    """The one field of a ``whole_image`` form: the image itself, no finer than its digits need.

    Its scale is guessed from its height. Time is bounded whatever the image is, a whole page by mistake for one.
    """
    grey = _no_finer(page.grey)
    height, width = grey.shape
    px_per_mm = height / (1.4 * WHOLE_IMAGE_DIGIT_MM)
    cell = PixelBox(0, 0, width, height)
    printed = border_lines(darkness(grey, px_per_mm), (cell,), px_per_mm)
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
    """The height and width at which ``_isolate`` cuts a field out."""
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
        size = (round(box.width_mm * px_per_mm), round(box.height_mm * px_per_mm))
        mm_from_crop = np.linalg.inv(pixels_from_mm(px_per_mm, box.x_mm, box.y_mm))
        return cv2.warpPerspective(
            self.grey,
            self.grey_from_mm @ mm_from_crop,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _isolate(source: _Source, field: Field, form: FormTemplate) -> FieldImage:
    px_per_mm = form.working_dpi / MM_PER_INCH
    region = field.box.grown(MARGIN_MM)
    wide = source.cut(region.grown(REACH_MM), px_per_mm)
    cells = tuple(_pixels(box, region, px_per_mm) for box in field.boxes)
    reach = round(REACH_MM * px_per_mm)
    if form.blank is not None:
        printed = _blank_darkness(form, region, px_per_mm)
    else:
        printed = border_lines(darkness(wide, px_per_mm)[reach:-reach, reach:-reach], cells, px_per_mm)
    y, x = _best_place(wide, printed, px_per_mm)
    grey = wide[y : y + printed.shape[0], x : x + printed.shape[1]]
    is_known = form.blank is not None and field.kind is FieldKind.COMB
    shift_mm = ((x - reach) / px_per_mm, (y - reach) / px_per_mm)
    around = _surroundings(source, field, form, shift_mm) if is_known else None
    return FieldImage(field, grey, isolate_ink(grey, printed, px_per_mm), cells, px_per_mm, around=around)


def _surroundings(source: _Source, field: Field, form: FormTemplate, shift_mm: tuple[float, float]) -> Surroundings:
    """What is written around a field that lies ``shift_mm`` (right, down) from where the page's homography puts it."""
    px_per_mm = form.working_dpi / MM_PER_INCH
    cut = field.box.grown(MARGIN_MM)
    margin_px = round((AROUND_MM - MARGIN_MM) * px_per_mm)
    region = cut.grown(margin_px / px_per_mm)
    moved = Box(region.x_mm + shift_mm[0], region.y_mm + shift_mm[1], region.width_mm, region.height_mm)
    printed = _blank_darkness(form, region, px_per_mm)
    ink = ink_clear_of_print(source.cut(moved, px_per_mm), printed, px_per_mm)
    near = (box for other in form.fields if other is not field for box in other.boxes)
    others = tuple(_pixels(box, cut, px_per_mm) for box in near if region.overlaps(box.grown(MARGIN_MM)))
    return Surroundings(ink, margin_px, others)


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


def _best_place(wide: np.ndarray, printed: np.ndarray, px_per_mm: float) -> tuple[int, int]:
    """Slide the print over the wider cut: the row and column where it fits best.

    Paper curls and stretches, so that one homography is up to a millimetre off somewhere. The correlation is taken
    with the print less its own surroundings: ink beside the print then counts neither for nor against a place.
    """
    height, width = printed.shape
    centre = (wide.shape[0] - height) // 2, (wide.shape[1] - width) // 2
    dark = darkness(wide, px_per_mm)
    # A black line beside the field must not outweigh the field's own light print, so all print counts alike at first.
    even = _correlation(np.minimum(dark, ALIGNED_DARKNESS), np.minimum(printed, ALIGNED_DARKNESS), px_per_mm)
    rows, columns = np.indices(even.shape)
    away_mm = np.hypot(rows - centre[0], columns - centre[1]) / px_per_mm
    y, x = (int(index) for index in np.unravel_index(int((even * (1 - 0.08 * away_mm)).argmax()), even.shape))
    if not even.any() or not _shows_print(dark[y : y + height, x : x + width], printed):
        return centre
    return _sharpened(_correlation(dark, printed, px_per_mm), y, x)


def _correlation(dark: np.ndarray, printed: np.ndarray, px_per_mm: float) -> np.ndarray:
    """How well the print, less its own surroundings, fits each place; zeros where there is too little print to tell."""
    print_ = printed.astype(np.float32)
    edges = print_ - cv2.blur(print_, (_odd(px_per_mm), _odd(px_per_mm)))
    if float(np.abs(edges).sum()) < 20 * px_per_mm * min(printed.shape):
        edges = np.zeros_like(edges)
    return cv2.matchTemplate(dark.astype(np.float32), edges, cv2.TM_CCORR)


def _sharpened(scores: np.ndarray, y: int, x: int) -> tuple[int, int]:
    """The best place within a pixel of (y, x)."""
    top, left = max(0, y - 1), max(0, x - 1)
    near = scores[top : y + 2, left : x + 2]
    dy, dx = np.unravel_index(int(near.argmax()), near.shape)
    return top + int(dy), left + int(dx)


def _shows_print(dark: np.ndarray, printed: np.ndarray) -> bool:
    """Whether the blank's print is there at all: light print drops out of 1-bit scans, and ink must not stand in."""
    core = printed > 0.7 * float(printed.max())
    return float(np.median(dark[core])) >= 0.3 * float(np.median(printed[core]))


def _odd(size: float) -> int:
    return max(3, round(size)) | 1
