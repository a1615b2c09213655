"""Where the fields of a form lie, read straight from its form.toml.

The generator prints and fills a form from the numbers that the reader cuts by, so the two cannot disagree. It has its
own small reader because a form is checked as a whole only once its blank exists, and the blank is what is made here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rect = tuple[float, float, float, float]
"""Left, top, width and height in mm."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A field: one rectangle a digit where ``comb``, one rectangle in all otherwise."""

    name: str
    label: str
    comb: bool
    boxes: tuple[Rect, ...]

    @property
    def rect(self) -> Rect:
        """The smallest rectangle around the whole field."""
        left = min(box[0] for box in self.boxes)
        top = min(box[1] for box in self.boxes)
        right = max(box[0] + box[2] for box in self.boxes)
        bottom = max(box[1] + box[3] for box in self.boxes)
        return left, top, right - left, bottom - top


@dataclass(frozen=True, slots=True)
class Layout:
    """A form's page, its marks (centre x, centre y, side, in mm) and its fields in the file's order."""

    name: str
    title: str
    version: str
    width_mm: float
    height_mm: float
    blank: str
    marks: tuple[tuple[float, float, float], ...]
    slots: tuple[Slot, ...]


def read_layout(form_file: Path) -> Layout:
    """The layout that ``form_file`` states; ``KeyError`` or ``TOMLDecodeError`` where it is no form."""
    form = tomllib.loads(form_file.read_text(encoding="utf-8"))
    page = form["page"]
    marks = form.get("registration", {}).get("marks", [])
    return Layout(
        name=form["name"],
        title=form["title"],
        version=form["version"],
        width_mm=page["width_mm"],
        height_mm=page["height_mm"],
        blank=page["blank"],
        marks=tuple((mark["x_mm"], mark["y_mm"], mark["size_mm"]) for mark in marks),
        slots=tuple(slot for field in form["field"] for slot in _slots(field)),
    )


def _slots(field: dict[str, Any]) -> Iterator[Slot]:
    repeat = field.get("repeat", {"count": 1, "dx_mm": 0.0, "dy_mm": 0.0})
    boxes = _boxes(field)
    for n in range(repeat["count"]):
        dx, dy = n * repeat["dx_mm"], n * repeat["dy_mm"]
        yield Slot(
            name=field["name"].replace("{n}", str(n + 1)),
            label=field["label"].replace("{n}", str(n + 1)),
            comb=field["type"] == "comb",
            boxes=tuple((x + dx, y + dy, width, height) for x, y, width, height in boxes),
        )


def _boxes(field: dict[str, Any]) -> list[Rect]:
    if "boxes" in field:
        return [(x, y, width, height) for x, y, width, height in field["boxes"]]
    x, y, width, height = (field[key] for key in ("x_mm", "y_mm", "width_mm", "height_mm"))
    if field["type"] == "freehand":
        return [(x, y, width, height)]
    digits, gap = field["digits"], field.get("gap_mm", 0.0)
    box_width = (width - gap * (digits - 1)) / digits
    return [(x + n * (box_width + gap), y, box_width, height) for n in range(digits)]
