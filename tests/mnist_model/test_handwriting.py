import numpy as np
import pytest

from mnist_model.allographs import ALLOGRAPHS
from mnist_model.augmentation import scan_coarsely
from mnist_model.handwriting import write_digit, write_digits

ONES = [(way, shape) for way in ALLOGRAPHS[1] for shape in way.extremes]
SEVENS = [(way, shape) for way in ALLOGRAPHS[7] for shape in way.extremes]


def first_corner(way, shape):
    """Where the upper stroke meets the stem: the highest corner that is not the stroke's first point."""
    inner = [place for place in np.flatnonzero(way.corners) if not way.lands[place]]
    return min(inner, key=lambda place: shape[place][1]) if inner else None


@pytest.mark.parametrize(("way", "shape"), ONES)
def test_a_flag_of_a_one_falls_steeply_from_its_top(way, shape):
    top = first_corner(way, shape)
    if top is not None:
        across, down = (shape[0] - shape[top]) * (-1, 1)
        assert np.degrees(np.arctan2(down, across)) >= 33


@pytest.mark.parametrize(("way", "shape"), SEVENS)
def test_a_roof_of_a_seven_is_nearly_level(way, shape):
    end = shape[: np.flatnonzero(way.lands)[1] if way.lands.sum() > 1 else None, 0].argmax()
    start = shape[:end][shape[:end, 0] < 0.1][-1]
    across, down = shape[end] - start
    assert across >= 0.4
    assert abs(np.degrees(np.arctan2(down, across))) <= 13


def test_every_digit_is_written_equally_often_and_as_mnist_is():
    x, y = write_digits(200, np.random.default_rng(1))
    assert (x.shape, x.dtype) == ((200, 28, 28), np.uint8)
    assert (np.bincount(y) == 20).all()
    ink = x > 100
    sides = np.maximum(ink.any(axis=1).sum(axis=1), ink.any(axis=2).sum(axis=1))
    assert 18 <= np.quantile(sides, 0.05) <= np.quantile(sides, 0.95) <= 22
    mass = x.sum(axis=(1, 2), dtype=float)
    assert np.median(abs(x.sum(axis=2) @ np.arange(28) / mass - 14)) < 0.25


def test_no_two_are_alike_and_pens_differ():
    x, _ = write_digits(100, np.random.default_rng(2))
    assert len(np.unique(x.reshape(100, -1), axis=0)) == 100
    ink = x.sum(axis=(1, 2)) / 255
    assert np.quantile(ink, 0.9) > 2 * np.quantile(ink, 0.1)


def test_the_seed_decides_the_hand():
    first, again, other = (write_digits(20, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_stays_on_its_canvas(digit):
    rng = np.random.default_rng(digit)
    canvases = np.stack([write_digit(digit, rng) for _ in range(30)])
    assert not canvases[:, [0, -1]].any()
    assert not canvases[:, :, [0, -1]].any()
    assert (canvases.max(axis=(1, 2)) > 0.7).all()


def test_a_coarse_scan_is_softer_and_keeps_size_and_place():
    canvases = np.zeros((40, 44, 44), np.float32)
    canvases[:, 6:38, 20:23] = canvases[:, 6:9, 12:23] = 1
    seen = scan_coarsely(canvases, np.random.default_rng(1))
    assert (seen.max(axis=(1, 2)) > 0.4).all()
    assert 17 <= np.median((seen > 0.4).any(axis=2).sum(axis=1)) <= 22
    grey = ((seen > 0.05) & (seen < 0.95)).sum(axis=(1, 2)) / np.maximum((seen >= 0.95).sum(axis=(1, 2)), 1)
    assert np.median(grey) > 0.5
