"""MNIST's own convention, and that a digit that went over paper is still read as the digit it was."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from preprocessing.normalization import normalize, normalize_all

CENTRE = 14.0


def strokes(seed: int, height: int, width: int, pen: int) -> np.ndarray:
    """A scrawl of three thick strokes from edge to edge of (height, width): its box is the whole array."""
    rng = np.random.default_rng(seed)
    ink = np.zeros((height, width), np.uint8)
    ends = [(0, rng.integers(height)), (width - 1, rng.integers(height)), (rng.integers(width), 0)]
    ends.append((rng.integers(width), height - 1))
    cv2.polylines(ink, [np.array(ends, np.int32)], isClosed=False, color=255, thickness=pen)
    return ink


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(image.shape)
    return float((columns * image).sum() / image.sum()), float((rows * image).sum() / image.sum())


scrawls = st.builds(strokes, st.integers(0, 99), st.integers(20, 160), st.integers(20, 160), st.integers(4, 9))


@given(scrawls)
@settings(deadline=None)
def test_a_piece_fills_the_box_on_its_longer_side_and_keeps_its_aspect(ink):
    image = normalize(ink)
    rows, columns = np.nonzero(image)
    size = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert 19 <= max(size) <= 20
    assert max(size) / max(1, min(size)) == pytest.approx(max(ink.shape) / min(ink.shape), rel=0.25)


@given(scrawls)
@settings(deadline=None)
def test_the_centre_of_mass_is_at_pixel_14_unless_the_edge_is_in_the_way(ink):
    image = normalize(ink)
    rows, columns = np.nonzero(image)
    for at, lines in zip(centre_of_mass(image), (columns, rows), strict=True):
        is_at_edge = lines.min() == 0 or lines.max() == 27
        assert is_at_edge or abs(at - CENTRE) <= 0.6


@given(scrawls, st.tuples(*[st.integers(0, 60)] * 4))
@settings(deadline=None)
def test_the_place_and_the_margins_of_ink_change_nothing(ink, margins):
    top, bottom, left, right = margins
    assert (normalize(np.pad(ink, ((top, bottom), (left, right)))) == normalize(ink)).all()


@given(scrawls, st.integers(2, 4))
@settings(deadline=None)
def test_the_scale_of_ink_changes_almost_nothing(ink, factor):
    larger = np.kron(ink, np.ones((factor, factor), np.uint8))
    assert np.abs(normalize(larger).astype(int) - normalize(ink)).mean() < 6


@given(scrawls, st.integers(140, 254))
@settings(deadline=None)
def test_pale_ink_gets_a_white_core(ink, level):
    pale = (ink // 255 * level).astype(np.uint8)
    assert normalize(pale).max() == 255


@pytest.mark.parametrize(
    "ink", [np.zeros((9, 5), np.uint8), np.full((30, 30), 40, np.uint8)], ids=["none", "blur only"]
)
def test_no_ink_gives_zeros(ink):
    assert not normalize(ink).any()


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2), (2, 1), (1, 4000), (4000, 1), (3, 4000), (2000, 4000), (20, 20), (28, 28)]
)
def test_ink_of_any_size_gives_a_picture(shape):
    image = normalize(np.full(shape, 255, np.uint8))
    rows, columns = np.nonzero(image)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert abs(rows.mean() - CENTRE) <= 0.6
    assert abs(columns.mean() - CENTRE) <= 0.6


def test_many_are_normalized_like_each_alone():
    pieces = [strokes(seed, 40, 30 + seed, 5) for seed in range(5)]
    assert (normalize_all(pieces) == np.stack([normalize(piece) for piece in pieces])).all()
    assert normalize_all([]).shape == (0, 28, 28)


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30))
@settings(deadline=None)
def test_any_grey_levels_give_a_picture_or_zeros(seed, height, width):
    ink = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    assume(ink.max() > 200)
    assert normalize(ink).max() == 255


@pytest.mark.parametrize("seed", range(4))
def test_nine_tenths_of_the_inks_pixels_are_no_brighter_than_white(seed):
    """A 20x20 digit is not scaled, so that its grey levels tell what they were stretched by."""
    rng = np.random.default_rng(seed)
    ink = rng.integers(0, 180, (20, 20), np.uint8)
    ink[[0, -1]] = 150
    ink[:, [0, -1]] = 150
    stretched = np.clip(np.rint(ink * (255 / np.percentile(ink[ink > 0], 90))), 0, 255)
    assert sorted(normalize(ink).ravel())[-400:] == pytest.approx(sorted(stretched.ravel()), abs=1)
