"""Which cell a stroke belongs to, and what a cell holds before anything is classified."""

from dataclasses import replace

import numpy as np
import pytest

from preprocessing.page import Candidates, CellState, FieldImage, PixelBox, Surroundings
from preprocessing.segmentation import segment
from tests.drawn_forms import comb
from tests.written_ink import PX_PER_MM, ink_of_digit, ink_of_strokes

CELLS, CELL_MM, MARGIN_MM = 4, (6.0, 8.0), 2.0
SHAPE = (round(12 * PX_PER_MM), round(28 * PX_PER_MM))
X_OF_CELL_1 = MARGIN_MM + CELL_MM[0]  # the left border of the second cell


def image_of(ink: np.ndarray) -> FieldImage:
    """A comb field of four cells whose print is gone already."""
    lefts = [MARGIN_MM + index * CELL_MM[0] for index in range(CELLS)]
    top, bottom = round(MARGIN_MM * PX_PER_MM), round((MARGIN_MM + CELL_MM[1]) * PX_PER_MM)
    cells = tuple(PixelBox(round(x * PX_PER_MM), top, round((x + CELL_MM[0]) * PX_PER_MM), bottom) for x in lefts)
    return FieldImage(comb("f", 0, 0, CELLS, CELL_MM), 255 - ink, ink, cells, PX_PER_MM)


def segmented(*strokes_mm: list[tuple[float, float]], pen_mm: float = 0.5) -> Candidates:
    return segment(image_of(ink_of_strokes(SHAPE, strokes_mm, pen_mm)))


def in_cell(candidates: Candidates) -> list[int]:
    return [piece.start for piece in candidates.pieces]


EMPTY, INK, STRUCK_OUT = CellState.EMPTY, CellState.INK, CellState.STRUCK_OUT
MIDDLE = [(11, 3.5), (11, 8.5)]


def test_an_empty_field_has_no_pieces():
    candidates = segmented()
    assert candidates.cells == (EMPTY,) * 4
    assert candidates.pieces == ()
    assert candidates.cuts == 4


@pytest.mark.parametrize("cell", range(CELLS))
def test_ink_in_a_cell_is_that_cells_piece(cell):
    x = MARGIN_MM + (cell + 0.5) * CELL_MM[0]
    candidates = segmented([(x, 3.5), (x + 1, 6), (x, 8.5)])
    assert candidates.cells == tuple(INK if index == cell else EMPTY for index in range(CELLS))
    (piece,) = candidates.pieces
    assert (piece.start, piece.end) == (cell, cell + 1)
    assert piece.box.left / PX_PER_MM == pytest.approx(x - 0.25, abs=0.2)
    assert piece.ink.shape == (piece.box.height, piece.box.width)
    assert piece.void_prior < 0.5


STRAYING = {
    "over the side": [(12.5, 3.5), (12.5, 8.5), (15.2, 8.5)],
    "over the head": [(11, 0.7), (11, 8.0)],
    "over the foot": [(11, 4.0), (11, 11.5)],
    "leaning over the side": [(14.8, 3.0), (10.5, 9.0)],
}


@pytest.mark.parametrize("stroke", STRAYING.values(), ids=STRAYING.keys())
def test_a_stroke_that_leaves_its_cell_stays_whole(stroke):
    candidates = segmented(stroke)
    assert in_cell(candidates) == [1]
    spans = np.ptp(np.array(stroke), axis=0)
    box = candidates.pieces[0].box
    assert box.width / PX_PER_MM == pytest.approx(spans[0] + 0.5, abs=0.3)
    assert box.height / PX_PER_MM == pytest.approx(spans[1] + 0.5, abs=0.3)


def test_a_stroke_that_joins_two_digits_is_cut_at_their_border():
    candidates = segmented([(9.5, 3.5), (9.5, 8.0), (18.5, 8.0), (18.5, 3.5)])
    assert in_cell(candidates) == [1, 2]
    left, right = (piece.box for piece in candidates.pieces)
    assert left.right / PX_PER_MM == pytest.approx(14, abs=0.3)
    assert right.left / PX_PER_MM == pytest.approx(14, abs=0.3)


def test_the_bar_of_a_5_stays_with_the_5():
    candidates = segmented([(10, 4), (10, 6), (12, 6.5), (12, 8.5), (10, 8.5)], [(10.5, 3.4), (13, 3.4)])
    assert in_cell(candidates) == [1]
    assert candidates.pieces[0].box.top / PX_PER_MM == pytest.approx(3.15, abs=0.2)


@pytest.mark.parametrize(
    "stroke",
    [[(11, 6), (11.1, 6)], [(11, 0.3), (11.4, 0.3)], [(0.3, 6), (0.3, 6.5)], [(8.0, 3.0), (8.0, 4.2)]],
    ids=["dot", "above the cells", "left of the cells", "remnant of a border"],
)
def test_a_slip_of_the_pen_leaves_the_cells_empty(stroke):
    assert segmented(stroke).cells == (EMPTY,) * 4


def test_specks_beside_a_digit_change_no_other_cell():
    candidates = segmented(MIDDLE, [(17, 5), (17.05, 5)], [(23, 7), (23.05, 7)])
    assert in_cell(candidates) == [1]


CROSSES = {
    "plain": ([(8.4, 2.5), (13.6, 9.5)], [(13.6, 2.5), (8.4, 9.5)]),
    "narrow": ([(8.8, 2.8), (13.2, 9.2)], [(13.4, 2.6), (8.6, 9.4)]),
    "over the borders": ([(7.6, 1.6), (14.2, 10.2)], [(14.3, 1.8), (7.5, 10.3)]),
}


@pytest.mark.parametrize("strokes", CROSSES.values(), ids=CROSSES.keys())
@pytest.mark.parametrize("pen_mm", [0.3, 0.5, 0.8])
def test_a_cross_strikes_its_cell_out(strokes, pen_mm):
    candidates = segmented(*strokes, pen_mm=pen_mm)
    assert candidates.cells == (EMPTY, STRUCK_OUT, EMPTY, EMPTY)
    assert candidates.pieces[0].void_prior > 0.9


def test_a_cross_is_seen_beside_a_remnant_of_its_cells_border():
    cross = CROSSES["plain"]
    assert segmented(*cross, [(8.2, 2.2), (10, 2.2)], [(8.3, 9.9), (9.6, 9.9)]).cells[1] is STRUCK_OUT


def test_what_may_be_a_cross_is_left_to_the_classifier():
    open_two = [(8.6, 3.2), (9.4, 2.6), (13.2, 2.6), (12.8, 4.0), (8.6, 9.4), (9.6, 8.8), (13.4, 9.4)]
    candidates = segmented(open_two)
    assert candidates.cells[1] is INK
    assert candidates.pieces[0].void_prior == 0.5


def test_crosses_that_touch_each_other_and_a_digit_strike_out_no_digit():
    crosses = [stroke for x in (2.0, 8.0, 14.0) for stroke in ([(x, 2.6), (x + 6.1, 9.4)], [(x + 6.1, 2.6), (x, 9.4)])]
    seven = [(20.0, 2.6), (24.5, 3.2), (22, 9)]
    candidates = segmented(*crosses, seven)
    assert candidates.cells == (STRUCK_OUT, STRUCK_OUT, STRUCK_OUT, INK)
    assert all(piece.void_prior < 1 for piece in candidates.pieces)


SPECKS = [[(10, 4), (10.3, 4.1)], [(12, 7), (12.2, 7.2)], [(11, 8.5), (11.2, 8.5)]]


def test_specks_in_a_cell_leave_it_empty():
    assert segmented(*SPECKS).cells == (EMPTY,) * 4


def test_a_pale_digit_in_pieces_is_no_dirt():
    pieces = [[(11, y), (11.2, y + 0.6)] for y in np.arange(3.0, 9.0, 1.2)]
    assert in_cell(segmented(*pieces)) == [1]


@pytest.mark.parametrize("y_mm", [4.5, 6.0, 7.5])
def test_a_line_through_all_cells_strikes_the_field_out(y_mm):
    assert set(segmented([(2.5, y_mm), (25.5, y_mm - 0.4)]).cells) == {STRUCK_OUT}


@pytest.mark.parametrize("slant", [-0.2, 0.0, 0.2, 0.4])
@pytest.mark.parametrize("height_mm", [4.0, 5.5, 7.0])
def test_no_digit_is_taken_for_a_cross(height_mm, slant):
    for pen_mm in (0.3, 0.6, 1.0):
        for pair in ("01", "23", "45", "67", "89"):
            ink = np.zeros(SHAPE, np.uint8)
            for digit, cell in zip(pair, (0, 2), strict=True):
                middle = MARGIN_MM + (cell + 0.5) * CELL_MM[0], MARGIN_MM + CELL_MM[1] / 2
                np.maximum(ink, ink_of_digit(SHAPE, digit, middle, height_mm, pen_mm, slant), out=ink)
            assert segment(image_of(ink)).cells == (INK, EMPTY, INK, EMPTY), (pair, pen_mm)


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_black_are_survived(seed):
    rng = np.random.default_rng(seed)
    for ink in (rng.integers(0, 256, SHAPE, dtype=np.uint8), np.full(SHAPE, 255, np.uint8)):
        candidates = segment(image_of(ink))
        assert len(candidates.pieces) <= CELLS
        assert len(candidates.cells) == CELLS


AROUND_MM = 4.5
EVERYWHERE = PixelBox(-100, -100, 400, 200)


def surrounded(strokes_mm: list[list[tuple[float, float]]], others: tuple[PixelBox, ...] = ()) -> FieldImage:
    """The field with a digit in its second cell, these strokes as well, and what lies around it."""
    margin_px = round(AROUND_MM * PX_PER_MM)
    shift_mm = margin_px / PX_PER_MM
    moved = [[(x + shift_mm, y + shift_mm) for x, y in stroke] for stroke in [MIDDLE, *strokes_mm]]
    ink = ink_of_strokes((SHAPE[0] + 2 * margin_px, SHAPE[1] + 2 * margin_px), moved)
    image = image_of(ink[margin_px:-margin_px, margin_px:-margin_px].copy())
    return replace(image, around=Surroundings(ink, margin_px, others))


BESIDE = {
    "a digit behind": [[(27.4, 4), (30.9, 4), (28.5, 9)]],
    "a 1 behind, out of the field's cut": [[(29, 4), (28.8, 9)]],
    "a digit before": [[(-1.2, 4), (1.5, 4), (-0.4, 9)]],
    "a digit above": [[(10, -2.5), (12, -2.4), (10, 1.0), (12.4, 1.0)]],
    "a digit below": [[(17, 11.5), (15.5, 13), (18, 13)], [(17.4, 11.8), (17.2, 15)]],
    "a 1 over a printed word": [[(-1, 3.4), (-1, 4.9)], [(-1, 7.2), (-1, 8.8)]],
    "a dot that is not a speck": [[(12.5, 1.0), (13.9, 1.1)], [(13.9, 1.1), (13.2, 0.8)]],
}


@pytest.mark.parametrize("strokes", BESIDE.values(), ids=BESIDE.keys())
def test_a_digit_beside_the_cells_is_not_dropped_silently(strokes):
    image = surrounded(strokes)
    assert segment(image).ink_beside
    assert not segment(replace(image, around=None)).ink_beside  # who doesn't know the print there can't tell
    assert not segment(surrounded(strokes, others=(EVERYWHERE,))).ink_beside


NOT_OF_THE_FIELD = {
    "a rule above": [(2, 0.8), (25, 0.8)],
    "a rule farther above": [(-3, -2), (29, -2)],
    "a line before, from above to below": [(0.6, -5), (0.6, 17)],
    "a speck": [(26.8, 5), (27.0, 5.2)],
    "a speck farther off": [(29, 5), (29.6, 5.5)],
    "writing that goes on": [(5, -5), (6, -1.5), (7, -1.5), (8, -5)],
    "writing too far off": [(30.5, 4), (31.5, 4), (30.6, 9)],
    "a digit that leaves its cell": [(12.5, 3.5), (12.5, 11)],
    "a digit that goes on beyond the cut": [(18, 3.5), (18.5, 13.5)],
}


@pytest.mark.parametrize("stroke", NOT_OF_THE_FIELD.values(), ids=NOT_OF_THE_FIELD.keys())
def test_what_is_no_digit_beside_the_cells_is_nothing(stroke):
    assert not segment(surrounded([stroke])).ink_beside


def test_a_cell_that_is_blacked_out_is_not_taken_for_an_empty_one():
    image = image_of(ink_of_strokes(SHAPE, [[(23, 3.5), (23, 8.5)]]))
    blotted, shaded = image.grey.copy(), (image.grey * 0.3).astype(np.uint8)
    blotted[image.cells[1].slices] = 20
    assert segment(replace(image, grey=blotted)).cells == (EMPTY, STRUCK_OUT, EMPTY, INK)
    assert segment(replace(image, grey=shaded)).cells == (EMPTY, EMPTY, EMPTY, INK)
    assert set(segment(replace(image, grey=image.grey * 0, ink=image.ink * 0)).cells) == {STRUCK_OUT}
