import numpy as np
import pytest

from mnist_model.augmentation import augment, change_pen, normalize, warp
from mnist_model.composition import compose
from mnist_model.pen import draw


@pytest.fixture(scope="module")
def digits():
    """Ten rings and bars of different sizes, 20 px high, as if they were digits: (40, 28, 28) uint8 and labels 0..9."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    images = [
        (np.abs(np.hypot(rows / 10, columns / (2 + digit)) - 0.85) < 0.2) & (abs(rows) < 10) for digit in range(10)
    ]
    return np.tile(255 * np.array(images, dtype=np.uint8), (4, 1, 1)), np.tile(np.arange(10), 4)


def centre_of_mass(images):
    mass = images.sum(axis=(1, 2), dtype=float)
    return images.sum(axis=2) @ np.arange(28) / mass, images.sum(axis=1) @ np.arange(28) / mass


def test_augmented_digits_are_images_of_the_same_kind(digits):
    x, y = digits
    before = x.copy()
    new = augment(x, y, np.random.default_rng(1))
    assert new.shape == x.shape
    assert new.dtype == np.uint8
    assert (x == before).all()
    assert (new.max(axis=(1, 2)) > 100).all()
    assert (new != x).any(axis=(1, 2)).all()


def test_the_seed_decides(digits):
    first, again, other = (augment(*digits, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    first, again = (compose(*digits, 30, np.random.default_rng(1)) for _ in range(2))
    assert (first == again).all()


def test_what_comes_out_is_centred_by_its_mass_and_fits_the_box(digits):
    made = np.concatenate([augment(*digits, np.random.default_rng(2)), compose(*digits, 60, np.random.default_rng(2))])
    assert made.shape == (100, 28, 28)
    for centre in centre_of_mass(made):
        assert np.median(abs(centre - 14)) < 0.25
        assert np.quantile(abs(centre - 14), 0.95) < 1.5
    written = made > 100
    sides = np.maximum(written.any(axis=1).sum(axis=1), written.any(axis=2).sum(axis=1))
    assert 17 <= np.median(sides) <= 22


@pytest.mark.parametrize(("height", "width"), [(44, 44), (44, 88), (60, 60)])
@pytest.mark.parametrize("size", [8, 20, 40])
def test_normalization_ignores_place_and_size(height, width, size):
    canvases = np.zeros((2, height, width), np.float32)
    canvases[0, 2 : 2 + size, 3 : 3 + size // 2] = 1
    canvases[1, 4 : 4 + size, 1 : 1 + size // 2] = 1
    first, second = normalize(canvases)
    assert first == pytest.approx(second, abs=1e-5)
    assert np.ravel(centre_of_mass(first[None])) == pytest.approx(14, abs=0.05)
    assert 18 <= (first > 0.5).any(axis=1).sum() <= 21
    assert 8 <= (first > 0.5).any(axis=0).sum() <= 11


def test_a_canvas_without_ink_stays_black():
    assert not normalize(np.zeros((3, 44, 44), np.float32)).any()


def test_pens_differ_in_width(digits):
    canvases = warp(digits[0], np.random.default_rng(3))
    ink = change_pen(canvases, np.random.default_rng(3)).sum(axis=(1, 2)) / canvases.sum(axis=(1, 2))
    assert ink.min() < 0.8
    assert ink.max() > 1.3


def test_a_drawn_stroke_has_its_length_and_width():
    stroke = draw([np.array([[12.0, 10.0], [12.0, 30.0]])], width_px=4)
    assert stroke[20].sum() == pytest.approx(4, abs=0.3)
    assert stroke[:, 12].sum() == pytest.approx(24, abs=0.5)
