"""What the preprocessing stages hand to each other. Plain values: no file, no model, no database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from forms.template import Field, FormTemplate


class ProblemReason(StrEnum):
    """Why a page could not be read. One vocabulary for the CSV, the ledger, the logs and docs/errors.md."""

    UNREADABLE_FILE = "unreadable_file"  # not an image or PDF, or damaged beyond decoding
    EMPTY_FILE = "empty_file"
    NO_PERMISSION = "no_permission"
    VANISHED = "vanished"  # listed, but gone when its turn came
    STILL_WRITTEN = "still_written"  # changed while it was read: left for the next run
    ENCRYPTED = "encrypted"  # a PDF that asks for a password
    NO_PAGES = "no_pages"  # a PDF or TIFF of zero pages
    TOO_LARGE = "too_large"  # refused by its header, before it is decoded
    LOW_RESOLUTION = "low_resolution"
    BLANK_PAGE = "blank_page"
    WRONG_FORM = "wrong_form"  # a readable page that shows none of the forms asked for
    NOT_REGISTERED = "not_registered"  # the form was recognized, the residual is too large
    DUPLICATE = "duplicate"  # the same content as another page of this batch
    QUARANTINED = "quarantined"  # took its process down, or more time or memory than a page may
    INTERNAL_ERROR = "internal_error"  # unforeseen; the traceback is in the log


@dataclass(frozen=True, slots=True)
class PageProblem:
    """A page (or a whole file: ``page`` 0) that could not be read, and what a person can do about it."""

    scan: str
    page: int
    sha256: str  # of the file's bytes; "" where they could not be had
    reason: ProblemReason
    detail: str  # one sentence for people


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page as it was scanned.

    ``grey`` is (H, W) uint8, 0 black. ``dpi`` is what the file states, None where it states nothing sensible.
    ``scan`` is the file's path relative to the scan folder, ``page`` counts from 1, ``sha256`` is of the file's
    bytes.
    """

    grey: np.ndarray
    dpi: float | None
    scan: str
    page: int
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredPage:
    """A page and where the form lies on it.

    ``homography`` is (3, 3) float64 and takes a point of the form, in mm, to a pixel of ``page.grey``; it includes
    the turn of a page that was scanned upside down or sideways. ``residual_mm`` is the root mean square distance
    between the form's marks or features and where the homography puts them. ``clearness`` in [0, 1]: how much of the
    form's print was found.
    """

    page: Page
    form: FormTemplate
    homography: np.ndarray
    residual_mm: float
    clearness: float


@dataclass(frozen=True, slots=True)
class PixelBox:
    """An upright rectangle in pixels of one image; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index for an (H, W) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What lies around a field of a form whose print is known.

    ``ink`` is (h + 2 m, w + 2 m) uint8 for a field image of (h, w) and ``margin_px`` m: the same place, and m pixels
    more on each side. It holds what is written clear of all dark print. ``others`` are the boxes of the other fields
    nearby, in pixels of the field image.
    """

    ink: np.ndarray
    margin_px: int
    others: tuple[PixelBox, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FieldImage:
    """One field, cut out upright.

    ``grey`` is (h, w) uint8, as scanned; ``ink`` is (h, w) uint8, 0 where there is paper or print, up to 255 where
    the pen wrote at its darkest. ``cells`` are the field's boxes in pixels of these arrays, in the order of
    ``field.boxes``. ``px_per_mm`` is the scale; for whole-image forms, where no mm exist, it is an estimate from the
    writing's height. ``around`` is None where it is not known what is printed beside the field, so that no ink can be
    told from it.
    """

    field: Field
    grey: np.ndarray
    ink: np.ndarray
    cells: tuple[PixelBox, ...]
    px_per_mm: float
    frame_known: bool = True
    around: Surroundings | None = None


class CellState(StrEnum):
    """What a comb cell, or a whole free-hand field, holds before anything is classified."""

    INK = "ink"
    EMPTY = "empty"
    STRUCK_OUT = "struck_out"


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Ink that may be one digit: an edge of the lattice from cut ``start`` to cut ``end`` (``start < end``).

    ``ink`` is (h, w) uint8, only this piece's own ink, cropped to it; ``box`` is where it lies in the field image.
    ``void_prior`` in [0, 1]: how likely, from its shape and place alone, the piece is no digit but a comma, a dash, a
    speck or a struck-out cell.
    """

    start: int
    end: int
    box: PixelBox
    ink: np.ndarray
    void_prior: float


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """A segmentation lattice: cut points 0 .. ``cuts`` and the pieces between them, left to right.

    A comb field is the simple case: cut points are the borders of its cells and each cell with ink gives one piece.
    ``cells`` holds a state a cell (one for the whole of a free-hand field). ``truncated`` says that the lattice was
    capped. ``ink_beside`` says that something was written beside the cells of a comb that may belong to the value.
    """

    cuts: int
    pieces: tuple[Piece, ...]
    cells: tuple[CellState, ...]
    truncated: bool = False
    ink_beside: bool = False
