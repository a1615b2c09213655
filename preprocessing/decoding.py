"""The bytes of a scan -> its pages, one at a time: PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, PPM, and PDF.

Pillow opens all images, and decodes all but plain grey PNG. On A4 at 300 dpi, grey, it takes about as long as OpenCV
(JPEG 15 and 14 ms, TIFF G4 5 and 7) or longer (PNG 100 and 87); it tells a file's size before it decodes it, and
refuses a file that ends too early without a word to the terminal.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image, ImageChops
from PIL.TiffImagePlugin import TiffImageFile

from preprocessing import damage, pdf_pages, png_chunks
from preprocessing.grey import to_grey, upright
from preprocessing.page import ProblemReason
from preprocessing.raster import MAX_PAGES, Raster, Refusal, RefusedError, check_size, sensible_dpi

# A list, so that none of Pillow's rarer readers ever sees a stranger's file (one of them starts Ghostscript).
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "DIB", "GIF", "WEBP", "JPEG2000", "PPM")
_PDF_MAGIC = b"%PDF-"
_PDF_MAGIC_WITHIN_BYTES = 1024

_TIFF_OF_NO_PAGES = (b"II*\0\0\0\0\0", b"MM\0*\0\0\0\0")

# What Pillow raises on damaged files; it has no one exception for them.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

_ORIENTATION = 0x0112
_SUBFILE_TYPE, _REDUCED_COPY = 254, 1
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_TILE_WIDTH, _TILE_HEIGHT = 322, 323

_UNEVEN_DPI = 1.2  # a fax has 204 x 98 dpi; 204 x 196 is even enough

# Sizes are checked here against bounds of our own, before anything is decoded, and a page names its size when refused.
Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
damage.watch_libtiff()


def decode(data: bytes) -> Iterator[Raster | Refusal]:
    """The pages of a scan, in their order; each is decoded when it is asked for.

    A damaged page gives a ``Refusal`` and the pages after it still follow. Files with several pages are PDF and TIFF;
    of an animation only the first image counts. At most ``MAX_PAGES`` pages are given.
    """
    if data.startswith(_PDF_MAGIC):
        yield from pdf_pages.render(data)
        return
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except _DAMAGE:
        yield from _without_image(data)
        return
    with image:
        if isinstance(image, TiffImageFile):
            yield from _tiff_pages(image)
        else:
            yield _page_or_refusal(image, data)


def _without_image(data: bytes) -> Iterator[Raster | Refusal]:
    if _PDF_MAGIC in data[:_PDF_MAGIC_WITHIN_BYTES]:
        return pdf_pages.render(data)
    if data[:8] in _TIFF_OF_NO_PAGES:
        return iter((Refusal(ProblemReason.NO_PAGES, "The TIFF has no pages.", whole_file=True),))
    detail = (
        "The file is no image or PDF, or its beginning is damaged: look at it in a viewer, and scan the page again."
    )
    return iter((Refusal(ProblemReason.UNREADABLE_FILE, detail, whole_file=True),))


def _tiff_pages(image: TiffImageFile) -> Iterator[Raster | Refusal]:
    for index in range(MAX_PAGES):
        try:
            image.seek(index)
        except EOFError:
            return
        except _DAMAGE:
            detail = "The file is damaged after the page before this one: scan or copy it again."
            yield Refusal(ProblemReason.UNREADABLE_FILE, detail)
            return
        if index == 0 or not _is_thumbnail(image):
            yield _page_or_refusal(image, b"")
    yield Refusal(ProblemReason.TOO_LARGE, f"The file has more than {MAX_PAGES} pages: split it.")


def _is_thumbnail(image: TiffImageFile) -> bool:
    kind = image.tag_v2.get(_SUBFILE_TYPE, 0)
    return isinstance(kind, int) and bool(kind & _REDUCED_COPY)


def _page_or_refusal(image: Image.Image, data: bytes) -> Raster | Refusal:
    try:
        return _page(image, data)
    except RefusedError as error:
        return error.refusal
    except _DAMAGE:
        return Refusal(ProblemReason.UNREADABLE_FILE, "The image is damaged or incomplete: scan or copy it again.")


def _page(image: Image.Image, data: bytes) -> Raster:
    check_size(image.width, image.height)
    dpi_x, dpi_y = _resolution(image)
    if isinstance(image, TiffImageFile):
        grey, orientation = _tiff_grey(image), 1  # Pillow has turned it
    else:
        grey, orientation = _image_grey(image, data)
    return Raster(upright(_evened(grey, dpi_x, dpi_y), orientation), max(dpi_x, dpi_y) or None)


def _image_grey(image: Image.Image, data: bytes) -> tuple[np.ndarray, int]:
    """The pixels as they are stored, and the EXIF orientation that says which side of them is the top."""
    if image.format == "PNG":
        _refuse_if(png_chunks.is_damaged(data))
        grey = _plain_png_grey(image, data)
        if grey is not None:
            return grey, 1
    orientation = image.getexif().get(_ORIENTATION, 1)  # which loads a PNG
    if image.format in ("JPEG", "MPO"):
        return _jpeg_grey(image, data), orientation
    image.load()
    return to_grey(image), orientation


def _plain_png_grey(image: Image.Image, data: bytes) -> np.ndarray | None:
    """A PNG in plain grey by OpenCV, which gives the same pixels sooner; None for others, and for what it refuses."""
    if image.mode != "L" or "transparency" in image.info or png_chunks.may_be_turned(data):
        return None
    return cv2.imdecode(np.frombuffer(png_chunks.pixels_alone(data), np.uint8), cv2.IMREAD_GRAYSCALE)


def _jpeg_grey(image: Image.Image, data: bytes) -> np.ndarray:
    image.draft("L", None)
    image.load()
    # Adobe's programs store CMYK inverted and say so by a marker; Pillow takes every CMYK JPEG for theirs.
    plain_cmyk = image.mode == "CMYK" and "adobe" not in image.info
    grey = to_grey(ImageChops.invert(image) if plain_cmyk else image)
    _refuse_if(image.mode != "CMYK" and damage.jpeg_is_damaged(data, grey))
    return grey


def _tiff_grey(image: TiffImageFile) -> np.ndarray:
    tags = image.tag_v2
    check_size(max(image.width, tags.get(_TILE_WIDTH, 0)), max(image.height, tags.get(_TILE_HEIGHT, 0)))
    white = 2 ** max(tags.get(_BITS_PER_SAMPLE, (16,))) - 1
    inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    errors_before = damage.libtiff_errors()
    image.load()
    _refuse_if(damage.libtiff_errors() > errors_before)
    grey = to_grey(image, white)
    # Pillow swaps black and white itself where a pixel has up to 8 bits.
    return 255 - grey if inverted and image.mode not in ("1", "L", "P") else grey


def _refuse_if(damaged: bool) -> None:
    if damaged:
        detail = "Part of the image is damaged: scan or copy it again."
        raise RefusedError(ProblemReason.UNREADABLE_FILE, detail)


def _resolution(image: Image.Image) -> tuple[float, float]:
    """Dots per inch across and down, 0 where the file states nothing sensible."""
    try:
        across, down = (float(dpi) for dpi in image.info.get("dpi", (0, 0)))
    except (ArithmeticError, TypeError, ValueError):
        return 0.0, 0.0
    return sensible_dpi(across) or 0.0, sensible_dpi(down) or 0.0


def _evened(grey: np.ndarray, dpi_x: float, dpi_y: float) -> np.ndarray:
    """``grey`` with square pixels: the coarser direction of a fax is stretched to the finer one."""
    if not dpi_x or not dpi_y or max(dpi_x, dpi_y) < _UNEVEN_DPI * min(dpi_x, dpi_y):
        return grey
    dpi = max(dpi_x, dpi_y)
    width, height = round(grey.shape[1] * dpi / dpi_x), round(grey.shape[0] * dpi / dpi_y)
    check_size(width, height)
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
