from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from sample_scans.pen import STROKES, Glyphs, MnistHand, StrokeHand, load_glyphs, redraw


def ring(thickness: float) -> np.ndarray:
    """An MNIST-like 0: a circle of radius 7 in 28 x 28, grey at its edges."""
    rows, columns = np.mgrid[:28, :28]
    distance = np.abs(np.hypot(rows - 13.5, columns - 13.5) - 7)
    return np.round(255 * np.clip(thickness / 2 + 0.5 - distance, 0, 1)).astype(np.uint8)


@pytest.mark.parametrize("thickness", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("level", [90, 130, 220])
def test_a_fine_pen_breaks_no_stroke(thickness: float, level: int) -> None:
    ink = np.pad(redraw(ring(thickness), 3.0, level, 0.0) > 0.5, 1)
    assert ndimage.label(ink)[1] == 1
    assert ndimage.label(~ink)[1] == 2  # outside and inside


def test_redrawn_digits_are_as_large_as_asked() -> None:
    height, width = redraw(ring(2.0), 4.0, 120, 0.0).shape
    assert height == pytest.approx(4 * 17, abs=6)
    assert width == pytest.approx(height, abs=2)


def test_a_higher_level_is_a_finer_pen() -> None:
    assert redraw(ring(3.0), 3.0, 160, 0.0).mean() < redraw(ring(3.0), 3.0, 90, 0.0).mean()


@pytest.mark.parametrize("digit", STROKES)
def test_own_strokes_have_the_height_asked_for(digit: int) -> None:
    rng = np.random.default_rng(digit)
    height, width = StrokeHand(rng).digit(digit, 60, rng).shape
    assert height == pytest.approx(64, abs=8)
    assert 8 < width < 60


def test_a_hand_writes_a_digit_with_that_digits_shapes() -> None:
    images = np.zeros((10, 28, 28), dtype=np.uint8)
    for digit in range(10):
        images[digit, 4:24, 4 : 6 + 2 * digit] = 255  # a bar, the wider the greater the digit
    rng = np.random.default_rng(0)
    hand = MnistHand(Glyphs(images, np.arange(10), np.zeros(10), np.zeros(10)), rng)
    widths = [hand.digit(digit, 40, rng).shape[1] for digit in range(10)]
    assert widths == sorted(widths)
    assert widths[0] < 10
    assert widths[9] > 30


def test_faint_strokes_are_drawn_as_whole_as_dark_ones() -> None:
    bar = np.zeros((28, 28), dtype=np.uint8)
    bar[4:24, 12:15] = 255
    whole = redraw(bar, 3.0, 160, 0.0).shape
    bar[14:] //= 2  # the pen was lifted a little
    assert redraw(bar, 3.0, 160, 0.0).shape == pytest.approx(whole, abs=4)


def test_digits_in_pieces_are_left_out(tmp_path: Path) -> None:
    broken = ring(2.0)
    broken[12:16] = 0
    digits = {"x_test": np.stack([ring(2.0), broken, broken, ring(2.0)]), "y_test": np.array([0, 0, 5, 8], np.uint8)}
    np.savez(tmp_path / "mnist.npz", **digits)
    assert load_glyphs(tmp_path / "mnist.npz").labels.tolist() == [0, 5, 8]  # a 5 may have its roof apart
