import numpy as np
import pytest

from sample_scans import writing
from sample_scans.layout import Slot
from sample_scans.pen import StrokeHand

DPI = 200
COMB = Slot("number", "Number", True, tuple((10.0 + 6 * n, 10.0, 6.0, 8.0) for n in range(5)))
FREE = Slot("count", "Count", False, ((10.0, 10.0, 30.0, 10.0),))


def writing_of(seed: int) -> writing.Writing:
    rng = np.random.default_rng(seed)
    return writing.Writing((400, 600), DPI, StrokeHand(rng), rng)


def ink_mm(on_page: writing.Writing) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of all ink."""
    dark = 255 - on_page.inked(np.full((400, 600, 3), 255, np.uint8), writing.INKS["black"])[:, :, 0]
    rows, columns = np.nonzero(dark > 60)
    return tuple(px * 25.4 / DPI for px in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))


@pytest.mark.parametrize("seed", range(8))
def test_digits_stay_in_their_boxes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "CROSSING_SHARE", 0.0)
    page = writing_of(seed)
    page.write(COMB, "37")  # to the right: the fourth box and the fifth
    left, top, right, bottom = ink_mm(page)
    assert (left > 28, top > 10, right < 40, bottom < 18) == (True,) * 4


@pytest.mark.parametrize("seed", range(8))
def test_some_digits_cross_their_box(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "CROSSING_SHARE", 1.0)
    page = writing_of(seed)
    page.write(COMB, "12345")
    left, top, right, bottom = ink_mm(page)
    assert (left > 9, top > 9, right < 41, bottom < 19) == (True,) * 4
    assert left < 10 or top < 10 or right > 40 or bottom > 18


@pytest.mark.parametrize("digits", ["7", "120", "123456789"])
def test_free_digits_stay_in_the_field_and_say_where(digits: str) -> None:
    page = writing_of(len(digits))
    x, y, width, height = page.write(FREE, digits)
    assert (x, y, x + width, y + height) == pytest.approx(ink_mm(page), abs=0.4)
    assert x > 10
    assert x + width < 40


def test_nothing_written_leaves_no_ink() -> None:
    page = writing_of(0)
    page.write(COMB, "")
    page.write(FREE, "")
    assert (page.inked(np.full((400, 600, 3), 200, np.uint8), writing.INKS["blue"]) == 200).all()


def test_a_strike_covers_what_was_written() -> None:
    page = writing_of(1)
    written = page.write(FREE, "512")
    before = ink_mm(page)
    page.strike(written)
    after = ink_mm(page)
    assert after[0] < before[0]
    assert after[2] > before[2]
