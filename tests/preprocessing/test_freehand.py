"""Digits side by side in one box: the lattice holds each of them as a piece, and is never without bounds."""

import time

import numpy as np
import pytest

from preprocessing.freehand import MAX_JOINED, MAX_SEGMENTS
from preprocessing.page import Candidates, CellState, FieldImage, Piece, PixelBox
from preprocessing.segmentation import segment
from tests.drawn_forms import freehand
from tests.written_ink import PX_PER_MM, ink_of_digit, ink_of_strokes, strokes_of

SHAPE = (round(14 * PX_PER_MM), round(54 * PX_PER_MM))
Y_MM = 7.0


def image_of(ink: np.ndarray) -> FieldImage:
    margin = round(2 * PX_PER_MM) if min(ink.shape) > 40 else 0
    cell = PixelBox(margin, margin, ink.shape[1] - margin, ink.shape[0] - margin)
    return FieldImage(freehand("f", 0, 0, 50, 10, 9), 255 - ink, ink, (cell,), PX_PER_MM)


def written(*digits: tuple[str, float], height_mm: float = 6.0, pen_mm: float = 0.5) -> np.ndarray:
    """Each digit with its middle at its x, in mm."""
    ink = np.zeros(SHAPE, np.uint8)
    for digit, x_mm in digits:
        np.maximum(ink, ink_of_digit(SHAPE, digit, (x_mm, Y_MM), height_mm, pen_mm), out=ink)
    return ink


def has_path(candidates: Candidates, pieces: list[Piece]) -> bool:
    ends = [0, *(piece.end for piece in pieces)]
    return [piece.start for piece in pieces] == ends[:-1] and ends[-1] == candidates.cuts


def piece_over(candidates: Candidates, left_mm: float, right_mm: float, tolerance_mm: float = 0.4) -> Piece:
    """The piece whose ink spans just this part of the field."""
    edges = (left_mm, right_mm)
    off = {p: max(abs(np.array([p.box.left, p.box.right]) / PX_PER_MM - edges)) for p in candidates.pieces}
    assert off, "no pieces"
    best = min(off, key=off.get)
    assert off[best] < tolerance_mm, f"the nearest piece is {off[best]:.2f} mm off"
    return best


def span_mm(ink: np.ndarray) -> tuple[float, float]:
    columns = np.flatnonzero((ink > 127).any(axis=0))
    return columns[0] / PX_PER_MM, (columns[-1] + 1) / PX_PER_MM


def test_an_empty_field_has_no_pieces():
    candidates = segment(image_of(np.zeros(SHAPE, np.uint8)))
    assert candidates == Candidates(0, (), (CellState.EMPTY,)) or (candidates.cuts, candidates.pieces) == (0, ())
    assert candidates.cells == (CellState.EMPTY,)


@pytest.mark.parametrize("digits", ["123", "480", "957", "606", "111"])
@pytest.mark.parametrize("pen_mm", [0.35, 0.7])
def test_digits_apart_are_a_path_of_single_pieces(digits, pen_mm):
    places = [(digit, 8.0 + 7 * index) for index, digit in enumerate(digits)]
    candidates = segment(image_of(written(*places, pen_mm=pen_mm)))
    pieces = [piece_over(candidates, *span_mm(written(place, pen_mm=pen_mm))) for place in places]
    assert has_path(candidates, pieces)
    assert all(piece.void_prior < 0.2 for piece in pieces)
    assert candidates.cells == (CellState.INK,)


@pytest.mark.parametrize(
    ("pair", "apart_mm"), [("23", 3.9), ("56", 3.8), ("80", 3.9), ("00", 3.9), ("35", 3.9), ("22", 3.9)]
)
@pytest.mark.parametrize("pen_mm", [0.4, 0.6])
def test_touching_digits_can_be_cut_near_their_joint(pair, apart_mm, pen_mm):
    ink = written((pair[0], 12.0), (pair[1], 12.0 + apart_mm), pen_mm=pen_mm)
    candidates = segment(image_of(ink))
    start, end = span_mm(ink)
    left = piece_over(candidates, start, 12 + apart_mm / 2, tolerance_mm=1.0)
    right = piece_over(candidates, 12 + apart_mm / 2, end, tolerance_mm=1.0)
    assert left.end <= right.start


@pytest.mark.parametrize("pen_mm", [0.4, 0.6])
def test_strokes_are_cut_where_they_are_thinnest_and_not_all_along(pen_mm):
    assert segment(image_of(written(("7", 12.0), ("7", 16.0), pen_mm=pen_mm))).cuts <= 3


def test_a_joint_puts_a_digit_together_that_was_cut():
    ink = written(("0", 20.0), height_mm=5.0)
    candidates = segment(image_of(np.maximum(ink, written(("3", 32.0)))))
    assert piece_over(candidates, *span_mm(ink)).void_prior < 0.2


def test_the_bar_of_a_5_belongs_to_the_5():
    five = [[(10, 4.6), (10, 6.5), (12.5, 7), (12.5, 9.5), (10, 9.5)], [(10.6, 4.2), (13, 4.2)]]
    candidates = segment(image_of(ink_of_strokes(SHAPE, [*five, [(20, 4), (20, 10)]])))
    piece = piece_over(candidates, 9.75, 13.25)
    assert piece.end == piece.start + 1


@pytest.mark.parametrize("mark", [[(15, 9.5), (14.4, 11)], [(14.5, 7), (16, 7)]], ids=["comma", "dash"])
def test_what_is_too_small_for_a_digit_may_be_passed_over(mark):
    ink = np.maximum(written(("1", 6.0), ("2", 11.0), ("3", 20.0), ("4", 26.0)), ink_of_strokes(SHAPE, [mark], 0.6))
    xs = [x for x, _ in mark]
    assert piece_over(segment(image_of(ink)), min(xs) - 0.3, max(xs) + 0.3).void_prior >= 0.9


def test_a_decimal_point_is_no_digit():
    ink = np.maximum(
        written(("1", 6.0), ("2", 11.0), ("3", 20.0), ("4", 26.0)), ink_of_strokes(SHAPE, [[(15, 10), (15.1, 10)]], 0.8)
    )
    within = [
        piece
        for piece in segment(image_of(ink)).pieces
        if 14 < piece.box.left / PX_PER_MM < piece.box.right / PX_PER_MM < 16
    ]
    assert all(piece.void_prior >= 0.9 for piece in within)


def test_ink_far_from_the_box_is_not_the_fields():
    ink = np.maximum(written(("7", 20.0)), ink_of_strokes(SHAPE, [[(5, 0.3), (9, 0.3)]]))
    assert all(piece.box.left / PX_PER_MM > 15 for piece in segment(image_of(ink)).pieces)


def noise(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def comb_teeth(shape: tuple[int, int]) -> np.ndarray:
    return np.tile(np.array([255, 255, 0, 0, 0], np.uint8), (shape[0], shape[1] // 5))


@pytest.mark.parametrize(
    "draw", [noise, comb_teeth, lambda shape: np.full(shape, 255, np.uint8)], ids=["noise", "teeth", "black"]
)
@pytest.mark.parametrize("shape", [SHAPE, (110, 4000), (5, 400), (5, 4000), (600, 600), (10, 5)], ids=str)
def test_the_lattice_is_bounded_in_size_and_time(draw, shape):
    began = time.process_time()
    candidates = segment(image_of(draw(shape)))
    assert time.process_time() - began < 2.0
    assert candidates.cuts <= MAX_SEGMENTS
    assert len(candidates.pieces) <= MAX_SEGMENTS * MAX_JOINED


@pytest.mark.parametrize(
    "draw", [noise, lambda shape: np.tile(written(("8", 27.0))[:, 190:235], (1, 40))], ids=["noise", "digits"]
)
def test_pieces_are_edges_of_a_lattice_that_leads_through(draw):
    candidates = segment(image_of(draw(SHAPE)))
    reached = {0}
    for piece in sorted(candidates.pieces, key=lambda piece: piece.start):
        assert 0 <= piece.start < piece.end <= candidates.cuts
        assert piece.ink.shape == (piece.box.height, piece.box.width)
        reached |= {piece.end} if piece.start in reached else set()
    assert candidates.cuts in reached


def test_a_field_of_too_many_digits_says_that_it_is_cut_off():
    strokes = [[(3 + 2 * index, 4), (3 + 2 * index, 10)] for index in range(90)]
    candidates = segment(image_of(ink_of_strokes((SHAPE[0], round(190 * PX_PER_MM)), strokes)))
    assert candidates.truncated
    assert candidates.cuts == MAX_SEGMENTS


def test_a_chain_of_digits_is_cut_everywhere_or_says_that_it_is_cut_off():
    chain = [stroke for index in range(11) for stroke in strokes_of("0", 3 + 3.9 * index, 10, 6)]
    ink = ink_of_strokes(SHAPE, chain, 0.5)
    candidates = segment(image_of(ink))
    assert candidates.truncated or candidates.cuts >= 11
