"""Forms drawn for tests: print them, fill them in, scan them, and know where everything lies.

A page is drawn at ``PRINT_DPI`` as grey (H, W) uint8. What a scan does to it is a known homography, so that a test
can ask how far off a registration is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from forms.template import MM_PER_INCH, Box, Field, FieldKind, FormTemplate, Mark
from preprocessing.page import Page
from tests.written_ink import strokes_of

PRINT_DPI = 300
PRINT_PX_PER_MM = PRINT_DPI / MM_PER_INCH
PAPER = 250
WORDS = [
    "name",
    "street",
    "account",
    "branch",
    "ward",
    "item",
    "count",
    "total",
    "dose",
    "date",
    "signed",
    "paid",
    "stock",
    "shelf",
    "unit",
    "price",
    "sum",
    "due",
]


def comb(name: str, x_mm: float, y_mm: float, digits: int, cell_mm: tuple[float, float] = (6.0, 8.0)) -> Field:
    """A comb field of adjoining cells."""
    boxes = tuple(Box(x_mm + index * cell_mm[0], y_mm, *cell_mm) for index in range(digits))
    return Field(name, FieldKind.COMB, boxes, 1, digits, required=False)


def freehand(name: str, x_mm: float, y_mm: float, width_mm: float, height_mm: float, digits: int) -> Field:
    return Field(name, FieldKind.FREEHAND, (Box(x_mm, y_mm, width_mm, height_mm),), 1, digits)


def corner_marks(width_mm: float, height_mm: float, count: int = 4, inset_mm: float = 8.0) -> tuple[Mark, ...]:
    """Marks in the corners: the first is moved inwards, so that the page has one way up."""
    corners = [
        (inset_mm, inset_mm + 12),
        (width_mm - inset_mm, inset_mm),
        (width_mm - inset_mm, height_mm - inset_mm),
        (inset_mm, height_mm - inset_mm),
    ]
    return tuple(Mark(x, y, 4.0) for x, y in corners[:count])


def template(
    fields: Sequence[Field],
    size_mm: tuple[float, float] = (150.0, 105.0),
    *,
    marks: tuple[Mark, ...] = (),
    blank: Path | None = None,
    name: str = "drawn",
    working_dpi: int = 200,
) -> FormTemplate:
    return FormTemplate(name, "1", name, *size_mm, working_dpi, tuple(fields), marks, blank, digest=name)


def print_form(
    form: FormTemplate, *, words: int = 40, line: int = 0, line_mm: float = 0.3, seed: int = 0
) -> np.ndarray:
    """The empty form: words wherever no field is (``words`` 0: none), its fields' boxes in grey ``line``, its marks."""
    size = (round(form.page_height_mm * PRINT_PX_PER_MM), round(form.page_width_mm * PRINT_PX_PER_MM))
    page = np.full(size, PAPER, np.uint8)
    _print_words(page, form, words, np.random.default_rng(seed))
    for field in form.fields:
        for box in field.boxes:
            outline = (box.x_mm, box.y_mm, box.right_mm, box.bottom_mm)
            left, top, right, bottom = (round(edge * PRINT_PX_PER_MM) for edge in outline)
            cv2.rectangle(page, (left, top), (right, bottom), line, max(1, round(line_mm * PRINT_PX_PER_MM)))
    for mark in form.marks:
        print_square(page, mark)
    return page


def print_square(page: np.ndarray, mark: Mark) -> None:
    half = mark.size_mm / 2
    left, top = round((mark.x_mm - half) * PRINT_PX_PER_MM), round((mark.y_mm - half) * PRINT_PX_PER_MM)
    side = round(mark.size_mm * PRINT_PX_PER_MM)
    page[top : top + side, left : left + side] = 0


def _print_words(page: np.ndarray, form: FormTemplate, words: int, rng: np.random.Generator) -> None:
    taken = [field.box.grown(2.5) for field in form.fields]
    taken += [Box(mark.x_mm, mark.y_mm, 0, 0).grown(mark.size_mm) for mark in form.marks]
    for _ in range(words):
        word, height_mm = str(rng.choice(WORDS)), float(rng.uniform(1.8, 3.5))
        scale = height_mm * PRINT_PX_PER_MM / 22
        (width, height), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
        x = int(rng.uniform(0.03, 0.8) * page.shape[1])
        y = int(rng.uniform(0.06, 0.96) * page.shape[0])
        box = Box(*(side / PRINT_PX_PER_MM for side in (x, y - height, width, 1.4 * height)))
        if not any(box.overlaps(other) for other in taken) and x + width < page.shape[1]:
            cv2.putText(page, word, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, 0, 2, cv2.LINE_AA)
            taken.append(box)


def write_number(
    page: np.ndarray,
    digits: str,
    x_mm: float,
    y_mm: float,
    *,
    height_mm: float = 5.0,
    pen_mm: float = 0.5,
    grey: int = 30,
) -> None:
    """Write digits with a pen: their lower left corner at (x_mm, y_mm)."""
    for stroke in strokes_of(digits, x_mm, y_mm, height_mm):
        draw_stroke(page, stroke, pen_mm=pen_mm, grey=grey)


def draw_stroke(
    page: np.ndarray, points_mm: Sequence[tuple[float, float]], *, pen_mm: float = 0.5, grey: int = 30
) -> None:
    """A pen's stroke along straight lines."""
    points = (np.array(points_mm) * PRINT_PX_PER_MM).round().astype(np.int32)
    left, top, width, height = cv2.boundingRect(points)
    border = round(2 * pen_mm * PRINT_PX_PER_MM)
    at = max(0, left - border), max(0, top - border)
    ink = np.zeros_like(page[at[1] : top + height + border, at[0] : left + width + border])
    thickness = max(1, round(pen_mm * PRINT_PX_PER_MM))
    cv2.polylines(ink, [points - at], isClosed=False, color=255, thickness=thickness, lineType=cv2.LINE_AA)
    press(page, ink, at, grey)


def press(page: np.ndarray, ink: np.ndarray, at_px: tuple[int, int], grey: int = 30) -> None:
    """Lay ``ink`` (h, w) uint8, 255 where the pen presses, on the page at (x, y); what is darker there stays."""
    x, y = at_px
    height, width = ink.shape
    part = page[y : y + height, x : x + width]
    inked = PAPER - (PAPER - grey) * (ink.astype(np.float32) / 255)
    np.minimum(part, inked.round().astype(np.uint8), out=part)


@dataclass(frozen=True, slots=True)
class Scanner:
    """What happens to a page on its way to a file. ``tilt``: how much shorter the page's far side looks."""

    dpi: float = 300
    turn: int = 0  # quarter turns, counter-clockwise
    skew_deg: float = 0.0
    tilt: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    margin_mm: float = 0.0
    lid: int = PAPER
    blur_mm: float = 0.05
    noise: float = 3.0
    shading: float = 0.0
    jpeg: int | None = None
    one_bit: bool = False
    seed: int = 0


def scan(drawn: np.ndarray, scanner: Scanner = Scanner()) -> tuple[Page, np.ndarray]:
    """Scan a drawn page -> the page, and the homography from mm of the form to pixels of the scan."""
    page_from_mm, size = _geometry(drawn.shape, scanner)
    drawn_from_mm = np.array([[PRINT_PX_PER_MM, 0, -0.5], [0, PRINT_PX_PER_MM, -0.5], [0, 0, 1]])
    softened = cv2.GaussianBlur(drawn, (0, 0), max(0.3, 0.4 * PRINT_DPI / scanner.dpi))  # or sampling would skip pixels
    page_from_drawn = page_from_mm @ np.linalg.inv(drawn_from_mm)
    grey = cv2.warpPerspective(softened, page_from_drawn, size, flags=cv2.INTER_CUBIC, borderValue=scanner.lid)
    grey = _seen(grey.astype(np.float32), scanner)
    return Page(grey, scanner.dpi, "drawn.png", 1, "0" * 64), page_from_mm


def _geometry(shape: tuple[int, ...], scanner: Scanner) -> tuple[np.ndarray, tuple[int, int]]:
    height_mm, width_mm = (side / PRINT_PX_PER_MM for side in shape)
    px_per_mm = scanner.dpi / MM_PER_INCH
    corners = np.array([[0, 0], [width_mm, 0], [width_mm, height_mm], [0, height_mm]])
    seen = corners + np.array([[1, 0], [-1, 0], [0, 0], [0, 0]]) * scanner.tilt * width_mm / 2
    angle = np.deg2rad(scanner.skew_deg - 90 * scanner.turn)
    turned = (seen - seen.mean(axis=0)) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    size_mm = (
        np.array([width_mm, height_mm] if scanner.turn % 2 == 0 else [height_mm, width_mm]) + 2 * scanner.margin_mm
    )
    placed = (turned + size_mm / 2 + scanner.shift_mm) * px_per_mm - 0.5
    page_from_mm = cv2.getPerspectiveTransform(corners.astype(np.float32), placed.astype(np.float32))
    return page_from_mm, (round(size_mm[0] * px_per_mm), round(size_mm[1] * px_per_mm))


def _seen(grey: np.ndarray, scanner: Scanner) -> np.ndarray:
    rng = np.random.default_rng(scanner.seed)
    grey = cv2.GaussianBlur(grey, (0, 0), max(0.1, scanner.blur_mm * scanner.dpi / MM_PER_INCH))
    grey *= 1 - scanner.shading * np.linspace(0, 1, grey.shape[1], dtype=np.float32)
    grey += rng.standard_normal(grey.shape, dtype=np.float32) * scanner.noise
    seen = grey.clip(0, 255).round().astype(np.uint8)
    if scanner.one_bit:
        seen = np.where(seen > 140, 255, 0).astype(np.uint8)
    if scanner.jpeg is not None:
        _, file = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, scanner.jpeg])
        seen = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)
    return seen


def corner_error_mm(form: FormTemplate, found: np.ndarray, true: np.ndarray) -> float:
    """The farthest that a corner of a field's box lies from where it is, in mm of the form."""
    corners = np.array(
        [
            [x, y]
            for field in form.fields
            for box in field.boxes
            for x in (box.x_mm, box.right_mm)
            for y in (box.y_mm, box.bottom_mm)
        ]
    ).reshape(-1, 1, 2)
    back = cv2.perspectiveTransform(cv2.perspectiveTransform(corners, true), np.linalg.inv(found))
    return float(np.linalg.norm(back - corners, axis=2).max())


def save_blank(page: np.ndarray, path: Path) -> Path:
    cv2.imwrite(str(path), page)
    return path
