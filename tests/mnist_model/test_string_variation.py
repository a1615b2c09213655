import numpy as np
import pytest

from mnist_model.strings.composer import Strip
from mnist_model.strings.variation import Example, example, join, spelled_at, vary


def columns(said):
    """(T, 11) log probabilities of a net that is nearly sure; ``-`` is the blank."""
    rows = np.full((len(said), 11), 0.001)
    rows[range(len(said)), [10 if sign == "-" else int(sign) for sign in said]] = 0.99
    return np.log(rows / rows.sum(axis=1, keepdims=True))


def bars(*widths, gap=8):
    """A strip of upright bars: what stands for a digit is as good as one here."""
    parts = [np.zeros((32, gap), np.uint8)]
    for width in widths:
        bar = np.zeros((32, width + gap), np.uint8)
        bar[6:26, :width] = 220
        parts.append(bar)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize(
    ("said", "digits", "places"),
    [
        ("--1-22--3-", "123", [(2, 2), (4, 5), (8, 8)]),
        ("-1-1-", "11", [(1, 1), (3, 3)]),
        ("--7--", "4", [(2, 2)]),  # the net reads 7, people say 4: it stands where the 7 stands
        ("123", "123", [(0, 0), (1, 1), (2, 2)]),
    ],
)
def test_digits_stand_where_their_most_probable_spelling_has_them(said, digits, places):
    assert spelled_at(columns(said), digits) == places


def test_too_few_columns_spell_nothing():
    assert spelled_at(columns("11"), "11") is None  # a blank between them is needed
    assert spelled_at(columns("1"), "123") is None


def test_strips_are_cut_between_digits_and_never_through_ink():
    pixels = bars(10, 12, 6)
    touching = np.maximum(pixels, 0)
    touching[15, 18:26] = 220  # a stroke joins the first and the second
    said = ["-"] * (pixels.shape[1] // 2)
    said[5:8], said[14:17], said[24:26] = "444", "222", "77"
    whole = example(Strip(pixels, "427"), columns(said))
    assert [18 <= whole.cuts[0] < 26, 38 <= whole.cuts[1] < 46] == [True, True]
    assert example(Strip(touching, "427"), columns(said)).cuts[0] is None
    assert example(Strip(pixels, "427"), columns(said[:2])).cuts == ()


def test_joined_strips_say_what_they_show():
    first = Example(Strip(bars(4, 4), "12"), (14,))
    second = Example(Strip(bars(9, 9, 9), "789"), (20, 37))
    rng = np.random.default_rng(1)
    for _ in range(60):
        strip = join([first, second], rng)
        wide = {"1": 4, "2": 4, "7": 9, "8": 9, "9": 9}
        ink = (strip.pixels[15] > 0).sum()
        assert ink == sum(wide[digit] for digit in strip.digits)


def test_a_strip_that_cannot_be_cut_stays_whole():
    stuck = Example(Strip(bars(9, 9), "77"), (None,))
    assert join([stuck], np.random.default_rng(1)) is stuck.strip


def test_each_variation_is_another_picture_of_the_same_digits():
    strip, rng = Strip(bars(10, 12, 6), "427"), np.random.default_rng(1)
    varied = [vary(strip, rng) for _ in range(20)]
    assert {one.digits for one in varied} == {"427"}
    assert len({one.pixels.tobytes() for one in varied}) == 20
    assert all(one.pixels.dtype == np.uint8 and one.pixels.shape[0] == 32 for one in varied)
    assert all(32 <= one.pixels.shape[1] <= 512 for one in varied)
    ink = [one.pixels.astype(float).sum() / strip.pixels.sum() for one in varied]
    assert 0.6 < np.median(ink) < 1.5
    again = np.random.default_rng(1)
    assert (vary(strip, again).pixels == varied[0].pixels).all()
