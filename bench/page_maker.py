"""A4 pages at 300 dpi to measure with: a form with 40 digits in four combs, filled in with strokes of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from forms.template import MM_PER_INCH
from sample_scans.paper import BLACK, Paper, Rect, comb
from sample_scans.pen import StrokeHand
from sample_scans.scanner import Look, scan_flat

DPI = 300
DIGITS_A_FIELD = 10
BOX_MM = (6.0, 8.0)
FIELDS = {"account": (60.0, 60.0), "reference": (60.0, 110.0), "meter": (60.0, 160.0), "phone": (60.0, 210.0)}
MARKS = ((10.0, 10.0), (200.0, 10.0), (10.0, 287.0), (200.0, 287.0), (24.0, 10.0))
MARK_MM = 5.0
LEVEL_1_BIT = 128
SCANNER = Look(white=265.0)  # the paper's grain is kept: a clipped white page is decoded twice as fast

FORMATS = ("JPEG", "PNG", "TIFF G4")


@dataclass(frozen=True, slots=True)
class MadePage:
    """A page that was written out: the digits of its fields, and its file in each format."""

    truth: dict[str, str]
    files: dict[str, Path]


def make_form(folder: Path, by_marks: bool) -> Path:
    """Write the form file and its blank; with or without the marks to register by."""
    folder.mkdir(parents=True, exist_ok=True)
    _picture(_printed(by_marks).printed()).save(folder / "blank.png", dpi=(DPI, DPI))
    (folder / "form.toml").write_text(_form_toml(by_marks))
    return folder / "form.toml"


def _form_toml(by_marks: bool) -> str:
    marks = ", ".join(f"{{ x_mm = {x}, y_mm = {y}, size_mm = {MARK_MM} }}" for x, y in MARKS)
    lines = [
        *(f'name = "bench-{"marks" if by_marks else "print"}"', 'version = "1"', "[page]"),
        *("width_mm = 210.0", "height_mm = 297.0", 'blank = "blank.png"'),
        *(("[registration]", f"marks = [{marks}]") if by_marks else ()),
    ]
    for name, (x, y) in FIELDS.items():
        width_mm, height_mm = DIGITS_A_FIELD * BOX_MM[0], BOX_MM[1]
        lines += ["[[field]]", f'name = "{name}"', 'type = "comb"', f"digits = {DIGITS_A_FIELD}"]
        lines += [f"x_mm = {x}", f"y_mm = {y}", f"width_mm = {width_mm}", f"height_mm = {height_mm}"]
    return "\n".join(lines) + "\n"


def make_pages(folder: Path, count: int, by_marks: bool, seed: int = 1) -> list[MadePage]:
    """Print, fill in and scan ``count`` pages, and write each out in every format."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    printed = _printed(by_marks).printed()
    return [_made(folder / f"page{number}", printed, rng) for number in range(1, count + 1)]


def _made(stem: Path, printed: np.ndarray, rng: np.random.Generator) -> MadePage:
    truth = {name: "".join(map(str, rng.integers(0, 10, DIGITS_A_FIELD))) for name in FIELDS}
    scan = _picture(scan_flat(_filled(printed, truth, rng), DPI, SCANNER, rng))
    bilevel = scan.point(lambda tone: 255 * (tone > LEVEL_1_BIT)).convert("1")
    files = {name: stem.with_suffix(f".{name[:4].strip().lower()}") for name in FORMATS}
    scan.save(files["JPEG"], quality=85, dpi=(DPI, DPI))
    scan.save(files["PNG"], dpi=(DPI, DPI))
    bilevel.save(files["TIFF G4"], compression="group4", dpi=(DPI, DPI))
    return MadePage(truth, files)


def _picture(colour: np.ndarray) -> Image.Image:
    return Image.fromarray(colour).convert("L")


def _boxes(left_mm: float, top_mm: float) -> tuple[Rect, ...]:
    width_mm, height_mm = BOX_MM
    return tuple((left_mm + index * width_mm, top_mm, width_mm, height_mm) for index in range(DIGITS_A_FIELD))


def _printed(with_marks: bool) -> Paper:
    paper = Paper(210.0, 297.0, DPI)
    paper.text(20, 34, "Notice of change", 8, "sans")
    for name, (x, y) in FIELDS.items():
        paper.text(20, y + 6, name.capitalize(), 4, "sans")
        comb(paper, _boxes(x, y))
        for line in range(4):
            text = f"{name.capitalize()} ({line + 1}): one digit in each box, in black or blue, and nothing else."
            paper.text(20, y + 18 + 6 * line, text, 3.2, "sans")
    for x, y in MARKS if with_marks else ():
        paper.fill((x - MARK_MM / 2, y - MARK_MM / 2, MARK_MM, MARK_MM), BLACK)
    return paper


def _filled(printed: np.ndarray, truth: dict[str, str], rng: np.random.Generator) -> np.ndarray:
    """The print with digits in its boxes, (H, W, 3) uint8."""
    ink = np.zeros(printed.shape[:2], np.float32)
    hand = StrokeHand(rng)
    px_per_mm = DPI / MM_PER_INCH
    for name, digits in truth.items():
        for box, digit in zip(_boxes(*FIELDS[name]), digits, strict=True):
            shape = hand.digit(int(digit), 5.2 * px_per_mm, rng)
            height, width = shape.shape
            middle = (np.array([box[1] + box[3] / 2, box[0] + box[2] / 2]) + rng.normal(0, 0.25, 2)) * px_per_mm
            top, left = (middle - np.array([height, width]) / 2).astype(int)
            place = ink[top : top + height, left : left + width]
            np.maximum(place, shape, out=place)
    pen = np.array([40, 45, 90], np.float32)
    return (printed + ink[:, :, None] * (pen - printed)).clip(0, 255).astype(np.uint8)
