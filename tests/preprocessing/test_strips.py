import cv2
import numpy as np
import pytest

from forms.form_file import load_forms
from preprocessing.isolation import whole_image_field
from preprocessing.page import Page
from preprocessing.strips import DIGIT_PX, HEIGHT_PX, MAX_WIDTH_PX, VIEWS, WIDTH_STEP_PX, strip, views


def field(grey: np.ndarray):
    return whole_image_field(Page(grey, None, "a.png", 1, ""), load_forms("amount")[0])


def written(text: str = "2568", height: int = 60, size: float = 1.2, paper: int = 200, pen: int = 60, width: int = 160):
    grey = np.full((height, width), paper, np.uint8)
    cv2.putText(grey, text, (20, round(height * 0.72)), cv2.FONT_HERSHEY_SIMPLEX, size, pen, 2, cv2.LINE_AA)
    return grey


def rows_of(found: np.ndarray) -> tuple[int, int]:
    rows = np.flatnonzero(found.max(axis=1) > 128)
    return int(rows[0]), int(rows[-1]) + 1


@pytest.mark.parametrize("factor", [0.6, 1, 2, 5])
@pytest.mark.parametrize("size", [0.7, 1.2])
def test_digits_get_one_height_whatever_the_scan_and_the_writing(factor, size):
    top, bottom = rows_of(strip(field(cv2.resize(written(size=size), None, fx=factor, fy=factor))))
    assert bottom - top == pytest.approx(DIGIT_PX, abs=3)
    assert (top + bottom) / 2 == pytest.approx(HEIGHT_PX / 2, abs=2)


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (200, 150), (120, 20)])
def test_pale_and_dark_writing_become_alike(paper, pen):
    found = strip(field(written(paper=paper, pen=pen)))
    assert np.quantile(found[found > 128], 0.6) == pytest.approx(185, abs=40)
    assert np.median(found) < 20


def test_borders_and_specks_do_not_decide_the_crop():
    grey = written(width=400)
    expected = strip(field(grey))
    grey[3:5] = grey[:, 4:6] = grey[-4:-2] = 60
    grey[10:12] = grey[30:32, 300:302] = 60
    found = strip(field(grey))
    assert found.shape == expected.shape
    assert rows_of(found[:, 20:60]) == pytest.approx(rows_of(expected), abs=3)


def test_a_border_left_within_the_crop_does_not_make_the_digits_small():
    grey = written("256800", size=0.8, width=300)
    expected = rows_of(strip(field(grey)))
    grey[2:58, 280:282] = 60
    assert rows_of(strip(field(grey))[:, :96]) == pytest.approx(expected, abs=2)


def test_soft_edges_stay():
    found = strip(field(cv2.GaussianBlur(written(), (0, 0), 2)))
    assert len(np.unique(found)) > 60


@pytest.mark.parametrize(
    "grey",
    [
        np.full((50, 200), 255, np.uint8),
        np.zeros((50, 200), np.uint8),
        np.random.default_rng(1).integers(0, 256, (60, 300), np.uint8),
        np.random.default_rng(1).integers(0, 256, (5, 80), np.uint8),
        np.random.default_rng(1).integers(0, 256, (40, 4000), np.uint8),
        np.tile(written(), (1, 25)),
        np.full((1, 1), 128, np.uint8),
    ],
    ids=["white", "black", "noise", "5 px high", "4000 px wide", "100 digits", "one pixel"],
)
def test_any_image_becomes_a_strip_of_bounded_size(grey):
    found = strip(field(grey))
    assert found.dtype == np.uint8
    assert found.shape[0] == HEIGHT_PX
    assert found.shape[1] % WIDTH_STEP_PX == 0
    assert WIDTH_STEP_PX <= found.shape[1] <= MAX_WIDTH_PX


@pytest.mark.parametrize("count", [1, 12])
def test_views_show_the_same_writing_narrower_and_wider(count):
    whole = strip(field(np.tile(written(), (1, count))))
    found = views(whole)
    assert len(found) == len(VIEWS)
    assert (found[0] == whole).all()
    for view, (across, _) in zip(found, VIEWS, strict=True):
        assert view.shape[0] == HEIGHT_PX
        assert view.shape[1] % WIDTH_STEP_PX == 0
        assert view.shape[1] <= MAX_WIDTH_PX
        ink = view.sum() / whole.sum()
        assert ink == pytest.approx(min(across, MAX_WIDTH_PX / whole.shape[1]), rel=0.1)
