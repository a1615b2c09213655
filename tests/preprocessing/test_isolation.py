"""Print goes, ink stays: empty forms give no ink, and a stroke comes out as the one stroke that it was."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from forms.template import FormTemplate
from preprocessing.components import Components
from preprocessing.form_removal import border_lines, darkness, isolate_ink
from preprocessing.isolation import isolate_fields, whole_image_field
from preprocessing.page import CellState, FieldImage, Page, PixelBox, RegisteredPage
from preprocessing.segmentation import segment
from tests.drawn_forms import (
    PRINT_PX_PER_MM,
    Scanner,
    comb,
    draw_stroke,
    freehand,
    print_form,
    save_blank,
    scan,
    template,
    write_number,
)

SIZE_MM = (80.0, 50.0)
COMB, FREE = comb("cells", 10, 8, 8), freehand("free", 10, 30, 48, 10, 8)
PX_PER_MM = 200 / 25.4
PRINTS = {
    "black": (0, 0.3),
    "black hairline": (0, 0.15),
    "thick black": (0, 0.5),
    "grey": (120, 0.3),
    "light": (195, 0.4),
}
SCANNERS = {
    "300 dpi": Scanner(skew_deg=1),
    "200 dpi JPEG": Scanner(dpi=200, skew_deg=-2, noise=5, jpeg=60),
    "150 dpi": Scanner(dpi=150, skew_deg=0.5),
    "1-bit": Scanner(dpi=200, skew_deg=1, one_bit=True),
    "shaded": Scanner(dpi=200, skew_deg=1, shading=0.5),
}
OFFSETS_MM = [(0.0, 0.0), (0.3, 0.0), (-0.2, 0.2), (0.0, -0.3)]


@pytest.fixture(scope="module", params=PRINTS.values(), ids=PRINTS.keys())
def printed(request, tmp_path_factory) -> tuple[FormTemplate, np.ndarray]:
    """A form with its blank, and the blank as drawn."""
    return printed_form(*request.param, tmp_path_factory.mktemp("form"))


def printed_form(line: int, line_mm: float, folder: Path) -> tuple[FormTemplate, np.ndarray]:
    form = template((COMB, FREE), SIZE_MM)
    empty = print_form(form, words=8, line=line, line_mm=line_mm)
    return replace(form, blank=save_blank(empty, folder / "blank.png")), empty


def isolated(
    form: FormTemplate, drawn: np.ndarray, scanner: Scanner, offset_mm: tuple[float, float] = (0.0, 0.0)
) -> tuple[FieldImage, ...]:
    """The fields of a page whose registration is off by exactly ``offset_mm``."""
    page, true = scan(drawn, scanner)
    shift = np.array([[1, 0, offset_mm[0]], [0, 1, offset_mm[1]], [0, 0, 1]])
    return isolate_fields(RegisteredPage(page, form, true @ shift, 0.1, 1.0))


@pytest.mark.parametrize("scanner", SCANNERS.values(), ids=SCANNERS.keys())
@pytest.mark.parametrize("offset_mm", OFFSETS_MM)
def test_an_empty_form_leaves_no_ink(scanner, offset_mm, printed):
    for image in isolated(*printed, scanner, offset_mm):
        assert not (image.ink > 127).any()
        assert set(segment(image).cells) == {CellState.EMPTY}


@pytest.mark.parametrize("scanner", SCANNERS.values(), ids=SCANNERS.keys())
@pytest.mark.parametrize("offset_mm", OFFSETS_MM)
def test_around_an_empty_comb_nothing_is_written(scanner, offset_mm, printed):
    """Nor around a free-hand field is it looked at."""
    cells, free = isolated(*printed, scanner, offset_mm)
    assert free.around is None
    assert not cells.around.ink.any()
    assert np.subtract(cells.around.ink.shape, cells.ink.shape).tolist() == [2 * cells.around.margin_px] * 2


@pytest.mark.parametrize("offset_mm", OFFSETS_MM)
def test_what_is_written_around_a_comb_is_seen_where_it_lies(offset_mm, printed):
    form, empty = printed
    page = empty.copy()
    draw_stroke(page, [(61, 10), (61.2, 14.5)], pen_mm=0.5)
    image = isolated(form, page, SCANNERS["200 dpi JPEG"], offset_mm)[0]
    (middle,) = Components.of(image.around.ink).centres
    from_field_mm = (middle - image.around.margin_px) / PX_PER_MM - 2.0
    assert from_field_mm == pytest.approx((61.1 - COMB.box.x_mm, 12.25 - COMB.box.y_mm), abs=0.3)
    assert segment(image).ink_beside


@pytest.mark.parametrize("scanner", SCANNERS.values(), ids=SCANNERS.keys())
def test_an_empty_form_without_a_blank_has_only_empty_cells(scanner, printed):
    form, empty = printed
    for offset_mm in OFFSETS_MM:
        for image in isolated(replace(form, blank=None), empty, scanner, offset_mm):
            assert set(segment(image).cells) == {CellState.EMPTY}


STROKES = {
    "leaning over a side": ((26.4, 13.5), (29.6, 10.5), 0.5),
    "level over a side": ((26.0, 12.0), (30.2, 12.0), 0.4),
    "upright over the foot": ((25.0, 12.0), (25.0, 17.6), 0.5),
    "leaning over the foot": ((24.0, 17.6), (26.5, 12.0), 0.4),
    "flat over the foot": ((23.2, 14.6), (26.8, 17.0), 0.6),
    "upright over the head": ((25.0, 6.4), (25.0, 12.0), 0.6),
}


@pytest.mark.parametrize("scanner", [SCANNERS["200 dpi JPEG"], SCANNERS["1-bit"]], ids=["JPEG", "1-bit"])
@pytest.mark.parametrize("has_blank", [True, False], ids=["blank", "no blank"])
@pytest.mark.parametrize(("start", "end", "pen_mm"), STROKES.values(), ids=STROKES.keys())
def test_a_stroke_over_a_printed_line_stays_one(start, end, pen_mm, has_blank, scanner, printed):
    form, empty = printed
    page = empty.copy()
    draw_stroke(page, [start, end], pen_mm=pen_mm)
    image = isolated(form if has_blank else replace(form, blank=None), page, scanner)[0]
    components = Components.of(image.ink)
    assert len(components.areas) == 1
    length_mm = np.hypot(components.widths[0], components.heights[0]) / PX_PER_MM
    assert length_mm == pytest.approx(np.hypot(*np.subtract(end, start)) + pen_mm, rel=0.15)


ON_A_LINE = {
    "a 7's bar below the head": [(23.2, 8.4), (26.8, 8.4), (24.6, 14.0)],
    "a 7's bar above the head": [(23.2, 7.6), (26.8, 7.6), (24.6, 14.0)],
    "a 2's foot above the foot": [(23.4, 11.0), (26.0, 10.6), (23.2, 15.6), (26.8, 15.6)],
    "a 7's bar over two cells": [(26.2, 8.4), (30.2, 8.4), (27.0, 14.0)],
}


@pytest.mark.parametrize("scanner", [SCANNERS["200 dpi JPEG"], SCANNERS["1-bit"]], ids=["JPEG", "1-bit"])
@pytest.mark.parametrize("line", [name for name in PRINTS if name != "thick black"])
@pytest.mark.parametrize("stroke", ON_A_LINE.values(), ids=ON_A_LINE.keys())
def test_a_stroke_along_a_printed_line_is_not_lost(stroke, line, scanner, tmp_path):
    """Where the line is thinner than the pen."""
    form, page = printed_form(*PRINTS[line], tmp_path)
    draw_stroke(page, stroke, pen_mm=0.5)
    image = isolated(form, page, scanner)[0]
    components = Components.of(image.ink)
    largest = int(components.areas.argmax())
    drawn_mm = np.ptp(np.array(stroke), axis=0) + 0.5
    seen_mm = np.array([components.widths[largest], components.heights[largest]]) / PX_PER_MM
    assert seen_mm == pytest.approx(drawn_mm, abs=0.6)
    assert components.areas[largest] > 0.9 * components.areas.sum()


@pytest.mark.parametrize("contrast", [40, 80, 220])
@pytest.mark.parametrize("shading", [0.0, 0.5])
def test_pencil_and_ink_survive_in_the_light_and_in_the_shade(contrast, shading, printed):
    form, empty = printed
    page = empty.copy()
    for index, box in enumerate(COMB.boxes):
        write_number(page, str(index), box.x_mm + 1.5, box.bottom_mm - 1.5, grey=250 - contrast)
    image = isolated(form, page, Scanner(dpi=200, skew_deg=1, shading=shading, noise=3))[0]
    assert segment(image).cells == (CellState.INK,) * 8
    rows = np.flatnonzero((image.ink > 127).any(axis=1))
    assert np.ptp(rows) / PX_PER_MM == pytest.approx(5.5, abs=0.4)


def test_ink_is_as_much_as_the_pen_left(printed):
    form, empty = printed
    page = empty.copy()
    for x_mm in (13, 25, 37):
        draw_stroke(page, [(x_mm, 10), (x_mm, 14.5)], pen_mm=0.6)
    image = isolated(form, page, Scanner(dpi=300))[0]
    drawn_mm2 = ((page < 140) & (empty >= 240)).sum() / PRINT_PX_PER_MM**2
    assert (image.ink > 127).sum() / PX_PER_MM**2 == pytest.approx(drawn_mm2, rel=0.15)


def test_fields_have_their_place_and_scale():
    form = template((COMB, FREE), SIZE_MM)
    cells, free = isolated(form, print_form(form, words=0), Scanner(dpi=300))
    assert cells.px_per_mm == pytest.approx(PX_PER_MM)
    assert len(cells.cells) == 8
    assert free.grey.shape == free.ink.shape == pytest.approx(np.array([14, 52]) * PX_PER_MM, abs=1)
    for box, cell in zip(COMB.boxes, cells.cells, strict=True):
        assert cell.left == pytest.approx((box.x_mm - 10 + 2) * PX_PER_MM, abs=1)
        assert cell.width == pytest.approx(box.width_mm * PX_PER_MM, abs=1)


def test_a_field_moved_by_curl_is_cut_where_its_print_is(printed):
    form, empty = printed
    moved = np.roll(empty, (round(1.2 * PRINT_PX_PER_MM), round(-0.9 * PRINT_PX_PER_MM)), axis=(0, 1))
    there, here = (isolated(form, drawn, Scanner(dpi=200, noise=0))[0].grey for drawn in (moved, empty))
    assert np.abs(there.astype(int) - here).mean() < 6


@pytest.mark.parametrize("shape", [(60, 200), (5, 90), (3, 3), (1, 1), (40, 4000)])
@pytest.mark.parametrize("grey", [0, 128, 255, None], ids=["black", "grey", "white", "noise"])
def test_any_image_is_a_whole_image_field(shape, grey):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, shape, dtype=np.uint8) if grey is None else np.full(shape, grey, np.uint8)
    form = replace(template((freehand("number", 0, 0, 100, 30, 12),)), whole_image=True)
    page, _ = scan(np.full((60, 60), 250, np.uint8))
    image = whole_image_field(replace(page, grey=pixels), form)
    assert image.ink.shape == image.grey.shape == shape
    assert image.ink.dtype == np.uint8


def test_a_digit_at_the_edge_of_an_image_is_no_frame():
    form = replace(template((freehand("number", 0, 0, 100, 30, 12),)), whole_image=True)
    grey = np.full((70, 300), 230, np.uint8)
    grey[9:63, 4:9] = 60  # a 1, more than seven tenths of the height
    framed = grey.copy()
    framed[:, 295:297] = 60
    framed[40:, 296:298], framed[40:, 295] = 60, 230  # a frame's line, a little aslant
    for pixels in (grey, framed):
        ink = whole_image_field(Page(pixels, None, "scan", 1, ""), form).ink
        assert (ink[12:60, 5:8] > 127).all()
        assert not (ink[:, 290:] > 127).any()


def test_darkness_forgets_shading_and_keeps_strokes():
    paper = np.tile(np.linspace(120, 250, 400), (100, 1)).astype(np.uint8)
    paper[20:80, 200:204] -= 60
    dark = darkness(paper, PX_PER_MM)
    assert dark[30:70, 201:203].min() > 40
    assert dark[:, 30:190].max() < 12


def test_only_straight_lines_along_the_border_are_print():
    dark = np.zeros((100, 200), np.uint8)
    dark[[20, 80], 20:180] = 200
    cv2.ellipse(dark, (100, 50), (15, 28), 0, 0, 360, 200, 3)
    cell = PixelBox(20, 20, 180, 80)
    lines = border_lines(dark, (cell,), PX_PER_MM)
    assert (lines[[20, 80], 30:170] == 200).all()
    assert not lines[30:70, 90:110].any()
    assert not (isolate_ink(255 - dark, lines, PX_PER_MM)[[20, 80], 20:60] > 127).any()
