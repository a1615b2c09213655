"""The vocabulary of forms: ``FormTemplate``, ``Field``, ``Box`` and ``Mark``, all in millimetres.

Coordinates have their origin at the top left corner of the page, x to the right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from forms.rules import USUALLY_KEPT, BatchTotal, CheckDigit, DateRule, Roster, SumRule

MM_PER_INCH = 25.4


class FieldKind(StrEnum):
    """How digits are written into a field."""

    COMB = "comb"  # one printed box a digit
    FREEHAND = "freehand"  # digits side by side in one box


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle on the page, in mm."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float

    @property
    def right_mm(self) -> float:
        return self.x_mm + self.width_mm

    @property
    def bottom_mm(self) -> float:
        return self.y_mm + self.height_mm

    def grown(self, margin_mm: float) -> Box:
        """This box with a margin added on each of its four sides."""
        return Box(
            self.x_mm - margin_mm,
            self.y_mm - margin_mm,
            self.width_mm + 2 * margin_mm,
            self.height_mm + 2 * margin_mm,
        )

    def overlaps(self, other: Box) -> bool:
        """Whether the two boxes share an area (a shared edge is none)."""
        return (
            self.x_mm < other.right_mm
            and other.x_mm < self.right_mm
            and self.y_mm < other.bottom_mm
            and other.y_mm < self.bottom_mm
        )

    @staticmethod
    def around(boxes: tuple[Box, ...]) -> Box:
        """The smallest box that holds all of ``boxes`` (at least one)."""
        left = min(box.x_mm for box in boxes)
        top = min(box.y_mm for box in boxes)
        right = max(box.right_mm for box in boxes)
        bottom = max(box.bottom_mm for box in boxes)
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class Mark:
    """A printed registration mark: a filled black square, given by its centre and side, in mm."""

    x_mm: float
    y_mm: float
    size_mm: float


@dataclass(frozen=True, slots=True)
class Field:
    """One value on the form, and what is known about it beforehand.

    ``boxes`` holds one box a digit for a comb field, left to right, and exactly one box for a free-hand field.
    ``min_length`` and ``max_length`` count digits. ``pattern`` must match the whole value; ``min_value`` and
    ``max_value`` bound it as a whole number. ``check_digit``, ``date`` and ``roster`` are rules that it keeps, and
    ``closing`` is what an amount is closed with so that nothing can be added to it; None where it is not.
    ``rules_kept`` is the share of written values that keep all of its rules. ``max_error`` is the share of accepted
    values that may be wrong; None where the run says. ``two_keys``: where people have to look, two of them key it.
    """

    name: str
    kind: FieldKind
    boxes: tuple[Box, ...]
    min_length: int
    max_length: int
    label: str = ""
    required: bool = True
    pattern: str | None = None
    min_value: int | None = None
    max_value: int | None = None
    check_digit: CheckDigit | None = None
    date: DateRule | None = None
    roster: Roster | None = None
    closing: Literal["/-"] | None = None
    rules_kept: float = USUALLY_KEPT
    max_error: float | None = None
    two_keys: bool = False

    @property
    def box(self) -> Box:
        """The smallest box around the whole field."""
        return Box.around(self.boxes)


@dataclass(frozen=True, slots=True)
class FormTemplate:
    """A form as its form.toml states it, checked.

    ``whole_image`` forms (``digits``, ``amount``, ``zip``, ``date``) have one field and no page: each image is that
    field, already cut out, whatever its size. All others have a page size in mm, at least one field, and either
    ``marks`` (three or more) or a ``blank`` (a scan or PDF of the empty form) to be registered by.
    ``working_dpi`` is the resolution at which fields are cut out. A page whose registration residual is larger than
    ``max_residual_mm`` is refused. ``sums`` hold across the fields of a page, ``batch_totals`` across a batch.
    ``digest`` is the sha256 of the form file, its blank and its rosters: two templates with the same digest read a page
    alike, but for a window of dates that moves with the day.
    """

    name: str
    version: str
    title: str
    page_width_mm: float
    page_height_mm: float
    working_dpi: int
    fields: tuple[Field, ...]
    marks: tuple[Mark, ...] = ()
    blank: Path | None = None
    max_residual_mm: float = 1.0
    whole_image: bool = False
    digest: str = ""
    sums: tuple[SumRule, ...] = ()
    batch_totals: tuple[BatchTotal, ...] = ()

    def field(self, name: str) -> Field:
        """The field of that name; ``KeyError`` where there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)
