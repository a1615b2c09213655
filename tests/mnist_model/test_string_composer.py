import numpy as np
import pytest

from mnist_model.strings.composer import Composer
from mnist_model.strings.glyphs import STYLES, draw_glyph, draw_glyphs
from mnist_model.strings.paper import HEIGHT_PX
from mnist_model.strings.recipe import Composing, StringRecipe
from mnist_model.strings.sheet import MAX_WIDTH_PX


@pytest.fixture(scope="module")
def digits():
    return draw_glyphs(300, np.random.default_rng(1))


@pytest.fixture(scope="module")
def composer(digits):
    return Composer(*digits, np.random.default_rng(2))


@pytest.mark.parametrize("digit", range(10))
def test_every_style_is_a_digit_of_twenty_pixels_height(digit, monkeypatch):
    for style in STYLES[digit]:
        monkeypatch.setattr("mnist_model.strings.glyphs.STYLES", (*STYLES[:digit], (style,), *STYLES[digit + 1 :]))
        glyph = draw_glyph(digit, np.random.default_rng(1))
        rows = np.flatnonzero(glyph.max(axis=1) > 128)
        assert glyph.shape == (28, 28)
        assert 16 <= np.ptp(rows) + 1 <= 24
        assert not glyph[[0, -1]].any()  # nothing is cut off


def test_strips_have_the_readers_height_and_hold_up_to_ten_digits(composer):
    strips = composer.compose(300, np.random.default_rng(3))
    assert len(strips) == 300
    assert {strip.pixels.shape[0] for strip in strips} == {HEIGHT_PX}
    assert {strip.pixels.dtype for strip in strips} == {np.dtype(np.uint8)}
    assert max(strip.pixels.shape[1] for strip in strips) <= MAX_WIDTH_PX
    assert {len(strip.digits) for strip in strips} == set(range(11))
    assert {digit for strip in strips for digit in strip.digits} == set("0123456789")


def test_some_strips_hold_marks_and_no_digit(composer):
    strips = [strip for strip in composer.compose(1200, np.random.default_rng(6)) if not strip.digits]
    assert 20 <= len(strips) <= 80
    assert np.mean([strip.pixels.max() > 120 for strip in strips]) > 0.6


def test_more_digits_take_more_room_and_ink(composer):
    strips = composer.compose(400, np.random.default_rng(4))
    widths = {
        count: np.mean([strip.pixels.shape[1] for strip in strips if len(strip.digits) == count]) for count in (1, 4, 8)
    }
    assert widths[1] < 0.6 * widths[4] < 0.6 * 0.8 * widths[8]
    assert np.mean([strip.pixels.max() > 120 for strip in strips]) > 0.97


def test_the_same_seed_composes_the_same_strips(digits):
    first, second, other = (
        Composer(*digits, np.random.default_rng(seed)).compose(10, np.random.default_rng(5)) for seed in (1, 1, 2)
    )
    assert all((a.pixels == b.pixels).all() and a.digits == b.digits for a, b in zip(first, second, strict=True))
    assert any(
        a.digits != b.digits or a.pixels.shape != b.pixels.shape or (a.pixels != b.pixels).any()
        for a, b in zip(first, other, strict=True)
    )


def test_a_chunk_depends_on_its_number_alone(digits):
    recipe = StringRecipe(rounds=3, chunk=4)
    whole = list(Composing(*digits, recipe).chunks())
    last = list(Composing(*digits, recipe).chunks(first=2))
    assert len(whole) == 3
    assert [strip.digits for strip in whole[2]] == [strip.digits for strip in last[0]]
    assert [strip.digits for strip in whole[0]] != [strip.digits for strip in whole[1]]
