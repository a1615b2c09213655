"""PDF -> pages, rendered by PDFium.

A scanner's PDF holds one image a page; it is rendered at that image's own resolution, so that no pixel is invented.
Anything else is rendered at 300 dpi.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from preprocessing.page import ProblemReason
from preprocessing.raster import (
    MAX_PAGES,
    MAX_PIXELS,
    MAX_SIDE_PX,
    Raster,
    Refusal,
    RefusedError,
    check_size,
    sensible_dpi,
)

RENDER_DPI = 300.0
MIN_RENDER_DPI = 200.0  # a page that does not fit the bounds at this resolution is refused
_POINTS_PER_INCH = 72.0
_FULL_PAGE = 0.9  # share of the page that an image has to cover to count as its scan

# PDFium may be called by one thread at a time, whatever the document.
_pdfium_lock = threading.Lock()


def render(data: bytes) -> Iterator[Raster | Refusal]:
    """The pages of a PDF in their order, each rendered when it is asked for; a damaged page gives a ``Refusal``."""
    with _pdfium_lock:
        # PdfDocument(data) would take a document without pages for one that failed to load, and report an older error.
        handle = pdfium_c.FPDF_LoadMemDocument64(data, len(data), None)
        code = pdfium_c.FPDF_GetLastError()
    if not handle:
        yield _unopened(code)
        return
    document = pdfium.PdfDocument(handle)
    try:
        yield from _pages(document)
    finally:
        with _pdfium_lock:
            document.close()


def _unopened(code: int) -> Refusal:
    if code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
        detail = "The PDF asks for a password: save a copy without one."
        return Refusal(ProblemReason.ENCRYPTED, detail, whole_file=True)
    return Refusal(ProblemReason.UNREADABLE_FILE, "The PDF is damaged: scan or copy it again.", whole_file=True)


def _pages(document: pdfium.PdfDocument) -> Iterator[Raster | Refusal]:
    with _pdfium_lock:
        count = len(document)
    if count == 0:
        yield Refusal(ProblemReason.NO_PAGES, "The PDF has no pages.", whole_file=True)
    for index in range(min(count, MAX_PAGES)):
        with _pdfium_lock:
            page = _page_or_refusal(document, index)
        yield page
    if count > MAX_PAGES:
        yield Refusal(ProblemReason.TOO_LARGE, f"The PDF has more than {MAX_PAGES} pages: split it.")


def _page_or_refusal(document: pdfium.PdfDocument, index: int) -> Raster | Refusal:
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return Refusal(ProblemReason.UNREADABLE_FILE, "This page of the PDF is damaged: scan or copy it again.")
    try:
        return _page(page)
    except RefusedError as error:
        return error.refusal
    except pdfium.PdfiumError:
        return Refusal(ProblemReason.UNREADABLE_FILE, "This page of the PDF cannot be drawn: scan or copy it again.")
    finally:
        page.close()


def _page(page: pdfium.PdfPage) -> Raster:
    width_pt, height_pt = page.get_size()
    dpi = _fitting_dpi(width_pt, height_pt, _scan_dpi(page, width_pt * height_pt) or RENDER_DPI)
    scale = dpi / _POINTS_PER_INCH
    check_size(math.ceil(width_pt * scale), math.ceil(height_pt * scale))
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        grey = np.array(bitmap.to_numpy(), dtype=np.uint8, order="C")
    finally:
        bitmap.close()
    return Raster(grey.reshape(grey.shape[:2]), sensible_dpi(dpi))


def _fitting_dpi(width_pt: float, height_pt: float, wanted_dpi: float) -> float:
    """``wanted_dpi``, or less where the page is so large that it would break the bounds; never below the least."""
    by_area = math.sqrt(MAX_PIXELS / max(width_pt * height_pt, 1.0)) * _POINTS_PER_INCH
    by_side = MAX_SIDE_PX / max(width_pt, height_pt, 1.0) * _POINTS_PER_INCH
    # A hundredth less, since the page is rounded up to whole pixels.
    return min(wanted_dpi, max(0.99 * min(by_area, by_side), MIN_RENDER_DPI))


def _scan_dpi(page: pdfium.PdfPage, page_area: float) -> float | None:
    """Resolution of the image that fills the page, at most ``RENDER_DPI``; None where no image does.

    Raises ``RefusedError`` where an image of the page is too large to be decoded.
    """
    for image in page.get_objects(filter=(pdfium_c.FPDF_PAGEOBJ_IMAGE,)):
        width_px, height_px = image.get_px_size()
        if width_px * height_px > MAX_PIXELS:
            detail = f"The page holds an image of {width_px} x {height_px} pixels: scan it at 300 dpi."
            raise RefusedError(ProblemReason.TOO_LARGE, detail)
        left, bottom, right, top = image.get_bounds()
        area = (right - left) * (top - bottom)
        if area > _FULL_PAGE * page_area > 0:
            return min(math.sqrt(width_px * height_px / area) * _POINTS_PER_INCH, RENDER_DPI)
    return None
