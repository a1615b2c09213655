"""What decoders give: a ``Raster`` or a ``Refusal``, and the bounds that hold for every format."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from preprocessing.page import ProblemReason

MAX_PIXELS = 100_000_000  # A2 at 600 dpi is 140 million, A3 at 600 dpi is 70 million
MAX_SIDE_PX = 32_767  # OpenCV's warps address pixels by signed 16-bit numbers
MIN_SIDE_PX = 16
MAX_PAGES = 10_000

MIN_DPI = 50.0
MAX_DPI = 1200.0
UNSET_DPI = 72.0  # what cameras and drawing programs write where they know nothing


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """One decoded page: ``grey`` is (H, W) uint8, 0 black; ``dpi`` as its file states it, None for nothing sensible."""

    grey: np.ndarray
    dpi: float | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a page could not be decoded. ``whole_file``: not even the number of its pages could be learned."""

    reason: ProblemReason
    detail: str
    whole_file: bool = False


class RefusedError(Exception):
    """Carries a ``Refusal`` out of the decoding of one page."""

    def __init__(self, reason: ProblemReason, detail: str, whole_file: bool = False) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, detail, whole_file)


def check_size(width_px: int, height_px: int) -> None:
    """Raise ``RefusedError`` where an image of that size is too large to decode or too small to read."""
    size = f"{width_px} x {height_px} pixels"
    if width_px * height_px > MAX_PIXELS or max(width_px, height_px) > MAX_SIDE_PX:
        limit = f"{MAX_PIXELS // 1_000_000} million pixels and {MAX_SIDE_PX} on a side are the limit"
        raise RefusedError(ProblemReason.TOO_LARGE, f"The page has {size}; {limit}: scan it at 300 dpi.")
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise RefusedError(ProblemReason.LOW_RESOLUTION, f"The page has {size}: too few to read.")


def sensible_dpi(dpi: float) -> float | None:
    """``dpi`` where a scanner may have meant it, else None."""
    stated = math.isfinite(dpi) and MIN_DPI <= dpi <= MAX_DPI and round(dpi) != UNSET_DPI
    return float(dpi) if stated else None
