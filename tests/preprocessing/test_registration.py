"""Where a form lies on its scan, against where it was put; and that no page is silently read in the wrong place."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.errors import FormError
from forms.template import FormTemplate, Mark
from preprocessing.blank import blank_print
from preprocessing.geometry import scale_px_per_mm
from preprocessing.marks import match_marks
from preprocessing.page import Page, PageProblem, ProblemReason, RegisteredPage
from preprocessing.registration import register
from tests.drawn_forms import (
    Scanner,
    comb,
    corner_error_mm,
    corner_marks,
    freehand,
    print_form,
    print_square,
    save_blank,
    scan,
    template,
    write_number,
)

SIZE_MM = (150.0, 105.0)
FIELDS = (comb("a", 20, 30, 7), comb("b", 20, 55, 5), freehand("c", 90, 30, 45, 10, 6), comb("d", 90, 60, 6))
MARKS = corner_marks(*SIZE_MM)


def filled(empty: np.ndarray) -> np.ndarray:
    page = empty.copy()
    for field in FIELDS:
        for index, box in enumerate(field.boxes):
            write_number(page, str(3 * index % 10), box.x_mm + 1, box.bottom_mm - 1.5)
    return page


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> dict[str, tuple[FormTemplate, np.ndarray]]:
    """Forms by what they are registered by, each with its filled page; ``other`` has other words on it."""
    folder = tmp_path_factory.mktemp("blanks")

    def draw(name: str, marks: tuple[Mark, ...], has_blank: bool, seed: int = 0) -> tuple[FormTemplate, np.ndarray]:
        form = template(FIELDS, SIZE_MM, marks=marks, name=name)
        empty = print_form(form, seed=seed)
        blank = save_blank(empty, folder / f"{name}.png") if has_blank else None
        return replace(form, blank=blank), filled(empty)

    return {
        "print": draw("print", (), True),
        "marks": draw("marks", MARKS, False),
        "three marks": draw("three", MARKS[:3], False),
        "both": draw("both", MARKS, True),
        "other": draw("other", (), True, seed=1),
    }


FLAT = {
    "upright": Scanner(),
    "turned 90": Scanner(turn=1, skew_deg=1),
    "turned 180": Scanner(turn=2, skew_deg=-2, dpi=200),
    "turned 270": Scanner(turn=3, skew_deg=3, dpi=200),
    "skewed -4": Scanner(skew_deg=-4),
    "skewed +4": Scanner(skew_deg=4, dpi=150),
    "100 dpi": Scanner(dpi=100, skew_deg=1),
    "noisy, shaded": Scanner(dpi=150, noise=15, shading=0.4, jpeg=40),
    "1-bit": Scanner(dpi=200, skew_deg=2, one_bit=True),
    "shifted": Scanner(dpi=200, shift_mm=(3, -3)),
    "dark lid": Scanner(dpi=200, margin_mm=10, lid=60, skew_deg=3),
}
TILTED = {
    "tilted": Scanner(dpi=200, tilt=0.04, skew_deg=2, margin_mm=10, lid=200),
    "tilted, turned": Scanner(dpi=200, tilt=0.08, skew_deg=-2, turn=1, margin_mm=10, lid=200),
}


def found(page: Page, *forms: FormTemplate) -> RegisteredPage:
    result = register(page, forms)
    assert isinstance(result, RegisteredPage), result
    return result


def refused(page: Page, *forms: FormTemplate) -> ProblemReason:
    result = register(page, forms)
    assert isinstance(result, PageProblem), (result.form.name, result.clearness, result.residual_mm)
    return result.reason


@pytest.mark.parametrize("by", ["print", "marks", "three marks", "both"])
@pytest.mark.parametrize("scanner", FLAT.values(), ids=FLAT.keys())
def test_a_flat_scan_is_found_within_half_a_millimetre(by, scanner, drawn):
    form, page = drawn[by]
    seen, true = scan(page, scanner)
    result = found(seen, form)
    assert corner_error_mm(form, result.homography, true) < 0.5
    assert result.residual_mm < 0.5


@pytest.mark.parametrize("by", ["print", "both"])
@pytest.mark.parametrize("scanner", TILTED.values(), ids=TILTED.keys())
def test_a_photograph_is_found_within_a_millimetre(by, scanner, drawn):
    form, page = drawn[by]
    seen, true = scan(page, scanner)
    assert corner_error_mm(form, found(seen, form).homography, true) < 1.0


STRAIGHT = ["upright", "turned 180", "100 dpi", "noisy, shaded", "1-bit", "shifted"]


@pytest.mark.parametrize("dpi", [None, 72.0])
@pytest.mark.parametrize("scanner", [FLAT[name] for name in STRAIGHT], ids=STRAIGHT)
def test_a_straight_scan_is_found_without_features_whatever_resolution_it_states(scanner, dpi, drawn, monkeypatch):
    monkeypatch.setattr("preprocessing.registration.detect_features", None)
    form, page = drawn["print"]
    seen, true = scan(page, scanner)
    result = found(replace(seen, dpi=dpi or seen.dpi), form)
    assert corner_error_mm(form, result.homography, true) < 0.2


@pytest.mark.parametrize("shift_mm", [(0.0, 6.0), (0.0, -6.0), (5.0, 8.0), (0.0, 10.0)])
def test_rows_that_look_alike_are_not_taken_for_each_other(shift_mm, tmp_path):
    """Of a table shifted by about the height of a row, most of the print lies where a straight page has it."""
    fields = [comb(f"{row}", 40, 14 + 6 * row, 14, (6.0, 6.0)) for row in range(13)]
    form = template(fields, SIZE_MM, name="table")
    page = print_form(form, words=12)
    form = replace(form, blank=save_blank(page, tmp_path / "table.png"))
    seen, true = scan(page, Scanner(dpi=200, shift_mm=shift_mm, margin_mm=8))
    result = register(seen, (form,))
    assert isinstance(result, PageProblem) or corner_error_mm(form, result.homography, true) < 0.3


def test_print_and_marks_agree(drawn):
    """A half pixel lost between the two ways of finding a form would show here."""
    errors = {by: scan(drawn[by][1], Scanner(skew_deg=1)) for by in ("print", "marks")}
    for by, (seen, true) in errors.items():
        assert corner_error_mm(drawn[by][0], found(seen, drawn[by][0]).homography, true) < 0.2, by


@pytest.mark.parametrize("by", ["print", "other"])
def test_each_page_finds_its_own_form(by, drawn):
    seen, _ = scan(drawn[by][1], Scanner(dpi=200, skew_deg=1))
    assert found(seen, drawn["print"][0], drawn["other"][0]).form.name == by


def blank_sheet() -> np.ndarray:
    return (250 + np.random.default_rng(0).normal(0, 3, (900, 1200))).clip(0, 255).astype(np.uint8)


def columns_of_numbers() -> np.ndarray:
    page = np.full((1240, 1772), 250, np.uint8)
    for row in range(12):
        write_number(page, str(12345678901234567 * (row + 3)), 10, 12 + 7.5 * row, height_mm=3, grey=0)
    return page


OTHER_PAGES = {
    "blank": (blank_sheet(), ProblemReason.BLANK_PAGE),
    "white": (np.full((900, 1200), 255, np.uint8), ProblemReason.BLANK_PAGE),
    "black": (np.zeros((900, 1200), np.uint8), ProblemReason.BLANK_PAGE),
    "numbers": (columns_of_numbers(), ProblemReason.WRONG_FORM),
    "noise": (np.random.default_rng(1).integers(0, 256, (900, 1200), dtype=np.uint8), ProblemReason.WRONG_FORM),
    "half black": (
        np.repeat([[0], [250]], [400, 500], axis=0).repeat(1200, 1).astype(np.uint8),
        ProblemReason.WRONG_FORM,
    ),
}


@pytest.mark.parametrize("by", ["print", "marks", "three marks", "both"])
@pytest.mark.parametrize(("grey", "reason"), OTHER_PAGES.values(), ids=OTHER_PAGES.keys())
def test_a_page_that_is_not_the_form_is_refused(by, grey, reason, drawn):
    assert refused(Page(grey, None, "x.png", 1, ""), drawn[by][0]) == reason


def test_a_page_of_another_form_is_refused(drawn):
    seen, _ = scan(drawn["other"][1], Scanner(dpi=200, skew_deg=1))
    assert refused(seen, drawn["print"][0]) == ProblemReason.WRONG_FORM


@pytest.mark.parametrize("by", ["print", "marks", "both"])
def test_a_page_too_coarse_to_read_is_refused(by, drawn):
    seen, _ = scan(drawn[by][1], Scanner(dpi=58))
    assert refused(seen, drawn[by][0]) == ProblemReason.LOW_RESOLUTION


@pytest.mark.parametrize("by", ["print", "marks", "both"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (3, 5000), (5000, 3), (40, 40)])
def test_a_scrap_of_an_image_is_refused(by, shape, drawn):
    grey = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    assert isinstance(register(Page(grey, None, "x.png", 1, ""), (drawn[by][0],)), PageProblem)


@pytest.mark.parametrize("by", ["print", "marks", "three marks"])
@pytest.mark.parametrize("kept", [0.4, 0.65])
@pytest.mark.parametrize("quarter", range(4))
def test_a_page_cut_off_is_refused_or_right(by, kept, quarter, drawn):
    form, page = drawn[by]
    seen, true = scan(page, Scanner(dpi=150))
    grey = np.rot90(seen.grey, quarter).copy()
    grey[round(kept * grey.shape[0]) :] = 250
    result = register(replace(seen, grey=np.rot90(grey, -quarter).copy()), (form,))
    assert isinstance(result, PageProblem) or corner_error_mm(form, result.homography, true) < 1.0


def test_a_residual_above_what_the_form_allows_is_refused(drawn):
    form, page = drawn["print"]
    seen, _ = scan(page, Scanner(dpi=150))
    curled = cv2.remap(seen.grey, *_wave(seen.grey.shape, amplitude_px=5), cv2.INTER_LINEAR)
    assert refused(replace(seen, grey=curled), replace(form, max_residual_mm=0.2)) == ProblemReason.NOT_REGISTERED


def _wave(shape: tuple[int, ...], amplitude_px: float) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.indices(shape, dtype=np.float32)
    return x + amplitude_px * np.sin(y / 60), y + amplitude_px * np.sin(x / 60)


@pytest.mark.parametrize("seed", range(12))
def test_dark_squares_besides_the_marks_mislead_nobody(seed, drawn):
    form, page = drawn["marks"]
    page, rng = page.copy(), np.random.default_rng(seed)
    for _ in range(6):
        print_square(page, Mark(*rng.uniform((20, 20), (130, 85)), 4.0))
    seen, true = scan(page, Scanner(dpi=150, turn=seed % 4, skew_deg=1))
    assert corner_error_mm(form, found(seen, form).homography, true) < 0.5


@pytest.mark.parametrize(("by", "chance_finds"), [("marks", 0), ("three marks", 1)])
def test_a_page_of_dark_squares_is_not_taken_for_marks(by, chance_finds, drawn):
    """Three squares out of six may by chance lie as three marks do."""
    read = 0
    for seed in range(12):
        page, rng = np.full((1240, 1772), 250, np.uint8), np.random.default_rng(seed)
        for _ in range(6):
            print_square(page, Mark(*rng.uniform((8, 8), (142, 97)), 4.0))
        read += isinstance(register(scan(page, Scanner(dpi=150))[0], (drawn[by][0],)), RegisteredPage)
    assert read <= chance_finds


# ---- little print


def bare(
    folder: Path, name: str, cell_mm: tuple[float, float] = (6.0, 8.0), row_mm: float = 15.0
) -> tuple[FormTemplate, np.ndarray]:
    """A form of marks and of combs in thin grey rules, without a word, and its page with large digits in each box."""
    fields = [comb(f"{row}", 20 + 3 * row, 20 + row_mm * row, 16, cell_mm) for row in range(5)]
    form = template(fields, SIZE_MM, marks=MARKS, name=name)
    page = print_form(form, words=0, line=120, line_mm=0.15)
    form = replace(form, blank=save_blank(page, folder / f"{name}.png"))
    for row, field in enumerate(fields):
        for index, box in enumerate(field.boxes):
            write_number(page, str((3 * index + row) % 10), box.x_mm + 1, box.bottom_mm - 1.2, pen_mm=0.9, grey=20)
    return form, page


@pytest.mark.parametrize("turn", range(4))
def test_a_filled_page_of_thin_grey_combs_is_found_by_what_lies_outside_of_its_fields(turn, tmp_path):
    form, page = bare(tmp_path, "bare")
    seen, true = scan(page, Scanner(dpi=200, turn=turn, skew_deg=1))
    result = found(seen, form)
    assert result.clearness > 0.8
    assert corner_error_mm(form, result.homography, true) < 0.3


def test_another_form_with_the_same_marks_is_refused(tmp_path):
    form, _ = bare(tmp_path, "bare")
    _, other = bare(tmp_path, "other", (5.0, 7.0), 12.0)
    assert refused(scan(other, Scanner(dpi=200))[0], form) == ProblemReason.WRONG_FORM


def test_print_within_a_field_is_not_looked_for(tmp_path):
    """A field's guides vanish below the ink: a form of nothing else has too little print to be found by."""
    fields = [freehand(f"{row}", 20, 20 + 15 * row, 100, 10, 9) for row in range(5)]
    guides = [comb("guides", 25, 22 + 15 * row, 12, (6.0, 6.0)) for row in range(5)]
    page = print_form(template(guides, SIZE_MM), words=0)
    with pytest.raises(FormError, match="too little print"):
        blank_print(template(fields, SIZE_MM, blank=save_blank(page, tmp_path / "guides.png"), name="guides"))


# ---- geometry


@given(st.floats(2, 20), st.floats(-180, 180), st.floats(-500, 500))
@settings(deadline=None)
def test_the_scale_is_what_the_homography_scales_by(px_per_mm, degrees, shift):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * px_per_mm
    homography = np.vstack([np.column_stack([turn, [shift, -shift]]), [0, 0, 1]])
    assert scale_px_per_mm(homography, template(FIELDS, SIZE_MM)) == pytest.approx(px_per_mm, rel=1e-4)


@given(st.permutations(range(6)), st.floats(-180, 180), st.floats(3, 12), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_marks_are_matched_in_any_order_among_other_squares(order, degrees, scale, seed):
    marks = np.array([(mark.x_mm, mark.y_mm) for mark in MARKS])
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    others = np.random.default_rng(seed).uniform((30, 30), (120, 75), (2, 2))
    squares = (np.vstack([marks, others]) @ turn.T + 700)[list(order)]
    best = min(match_marks(squares, marks), key=lambda fit: fit.residual_mm)
    placed = cv2.perspectiveTransform(marks.reshape(-1, 1, 2), best.page_from_mm).reshape(-1, 2)
    assert best.residual_mm < 0.01
    assert np.allclose(placed, marks @ turn.T + 700, atol=0.01 * scale)


@pytest.mark.parametrize("count", range(4))
def test_too_few_squares_match_nothing(count):
    marks = np.array([(mark.x_mm, mark.y_mm) for mark in MARKS])
    assert list(match_marks(marks[:count], marks)) == []


def test_a_mirrored_page_matches_nothing():
    marks = np.array([(mark.x_mm, mark.y_mm) for mark in MARKS])
    assert all(fit.residual_mm > 1.5 for fit in match_marks(marks * [-5, 5] + 900, marks))
