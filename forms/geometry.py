"""Where a form file puts things on the paper: boxes of a field, and checks that they can be so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from forms.entries import FieldEntry
from forms.errors import Fault
from forms.template import Box, Field, Mark

MIN_BOX_MM = 2.0  # nobody writes a digit into less
MIN_MARK_SPREAD_MM = 10.0  # how far one mark must lie off the line through two others
SLACK_MM = 0.01  # what sums of decimal fractions may be off by

_PLACE_KEYS = ("x_mm", "y_mm", "width_mm", "height_mm")


def boxes_of(entry: FieldEntry, place: str) -> tuple[tuple[Box, ...], list[Fault]]:
    """The boxes of a field, left to right as stated, and what is wrong with them (then there may be no boxes)."""
    faults = list(_misused_keys(entry, place))
    if faults:
        return (), faults
    boxes = _stated_boxes(entry) if entry.boxes is not None else _equal_boxes(entry)
    return boxes, list(_bad_boxes(entry, boxes, place))


def _misused_keys(entry: FieldEntry, place: str) -> Iterator[Fault]:
    stated = {key for key in (*_PLACE_KEYS, "digits", "gap_mm", "boxes") if getattr(entry, key) is not None}
    needed = {*_PLACE_KEYS, "digits"} if entry.type == "comb" else set(_PLACE_KEYS)
    if entry.type == "comb" and "boxes" in stated:
        needed = {"boxes"}
        for key in sorted(stated - needed):
            yield Fault(f"{place}, {key}", "stands beside boxes, which say it already", "Remove one of the two.")
    elif entry.type == "freehand":
        for key in sorted(stated - needed):
            yield Fault(f"{place}, {key}", "is for comb fields only", 'Remove it, or write type = "comb".')
    for key in [*_PLACE_KEYS, "digits", "boxes"]:
        if key in needed - stated:
            yield Fault(f"{place}, {key}", "is missing", f"Add {key}{' or boxes' if key == 'digits' else ''}.")


def _stated_boxes(entry: FieldEntry) -> tuple[Box, ...]:
    return tuple(Box(*numbers) for numbers in entry.boxes or ())


def _equal_boxes(entry: FieldEntry) -> tuple[Box, ...]:
    """The whole field cut into ``digits`` equal boxes with ``gap_mm`` between them; a free-hand field is one box."""
    x, y, width, height = (getattr(entry, key) for key in _PLACE_KEYS)
    count, gap = entry.digits or 1, entry.gap_mm or 0.0
    each = (width - gap * (count - 1)) / count
    return tuple(Box(x + n * (each + gap), y, each, height) for n in range(count))


def _bad_boxes(entry: FieldEntry, boxes: Sequence[Box], place: str) -> Iterator[Fault]:
    smallest = min(min(box.width_mm, box.height_mm) for box in boxes)
    if smallest < MIN_BOX_MM:
        yield Fault(
            f"{place}, {'boxes' if entry.boxes else 'width_mm, height_mm'}",
            f"a box is {smallest:.2f} mm narrow, too small for a digit ({MIN_BOX_MM:g} mm)",
            "Measure again: sizes are in mm.",
        )
    elif any(overlap(one, other) for one, other in combinations(boxes, 2)):
        yield Fault(f"{place}, boxes", "boxes of the field overlap each other", "Measure them again.")
    elif any(right.x_mm <= left.x_mm for left, right in pairwise(boxes)):
        yield Fault(f"{place}, boxes", "boxes are not in reading order", "List them from left to right.")


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share an area, apart from rounding."""
    return one.grown(-SLACK_MM).overlaps(other)


def off_page(box: Box, width_mm: float, height_mm: float) -> bool:
    """Whether a box reaches over an edge of a page of that size."""
    page = Box(0, 0, width_mm, height_mm).grown(SLACK_MM)
    return (
        box.x_mm < page.x_mm or box.y_mm < page.y_mm or box.right_mm > page.right_mm or box.bottom_mm > page.bottom_mm
    )


def overlapping_fields(fields: Sequence[Field]) -> Iterator[tuple[Field, Field]]:
    """Each field that lies on another, and one that it lies on: (that one, the field). A sweep down the page."""
    above: list[tuple[Box, Field]] = []
    for hull, field in sorted(((field.box, field) for field in fields), key=lambda pair: pair[0].y_mm):
        above = [(other, one) for other, one in above if other.bottom_mm > hull.y_mm]
        for other, one in above:
            if overlap(hull, other) and any(overlap(a, b) for a in field.boxes for b in one.boxes):
                yield one, field
                break
        above.append((hull, field))


def square(mark: Mark) -> Box:
    """The square that a mark fills."""
    return Box(mark.x_mm - mark.size_mm / 2, mark.y_mm - mark.size_mm / 2, mark.size_mm, mark.size_mm)


def in_one_line(marks: Sequence[Mark]) -> bool:
    """Whether no three marks span a triangle that is at least ``MIN_MARK_SPREAD_MM`` high."""
    return max(_spread_mm(*three) for three in combinations(marks, 3)) < MIN_MARK_SPREAD_MM


def _spread_mm(a: Mark, b: Mark, c: Mark) -> float:
    """The smallest height of the triangle of three marks: twice its area over its longest side."""
    doubled = abs((b.x_mm - a.x_mm) * (c.y_mm - a.y_mm) - (c.x_mm - a.x_mm) * (b.y_mm - a.y_mm))
    pairs = ((a, b), (b, c), (c, a))
    longest = max(((p.x_mm - q.x_mm) ** 2 + (p.y_mm - q.y_mm) ** 2) ** 0.5 for p, q in pairs)
    return doubled / longest if longest else 0.0
