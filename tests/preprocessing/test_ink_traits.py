import cv2
import numpy as np
import pytest

from forms.template import Box, Field, FieldKind
from preprocessing.ink_traits import InkTraits, ink_traits
from preprocessing.page import FieldImage

FIELD = Field("zip", FieldKind.FREEHAND, (Box(0, 0, 20, 10),), 1, 5)


def traits(ink: np.ndarray, grey: np.ndarray | None = None) -> InkTraits | None:
    paper = np.where(ink > 127, 30, 230).astype(np.uint8)
    return ink_traits(FieldImage(FIELD, paper if grey is None else grey, ink, (), 10.0))


def strokes(width_px: int, scale: int = 1) -> np.ndarray:
    ink = np.zeros((100 * scale, 200 * scale), np.uint8)
    for x_px in (50, 100, 150):
        left, right = (x_px * scale, x_px * scale + width_px * scale)
        ink[20 * scale : 80 * scale, left:right] = 255
    return ink


@pytest.mark.parametrize("width_px", [3, 5, 8])
def test_the_width_of_strokes_is_measured(width_px: int) -> None:
    found = traits(strokes(width_px))
    assert found.stroke_share == pytest.approx(width_px / 60, rel=0.25)
    assert found.ink_share == pytest.approx(3 * width_px * 60 / 20_000)
    assert found.contrast == pytest.approx(200 / 255)


def test_resolution_does_not_matter() -> None:
    small, large = traits(strokes(6)), traits(strokes(6, 3))
    assert large.ink_share == pytest.approx(small.ink_share)
    assert large.stroke_share == pytest.approx(small.stroke_share, rel=0.15)


def test_a_thicker_pen_is_a_thicker_stroke() -> None:
    thin = strokes(3)
    thick = cv2.dilate(thin, np.ones((3, 3), np.uint8))
    assert traits(thick).stroke_share > 1.3 * traits(thin).stroke_share


def test_no_ink_has_no_traits_and_nothing_but_ink_has() -> None:
    assert traits(np.zeros((20, 40), np.uint8)) is None
    assert traits(np.full((20, 40), 255, np.uint8)).ink_share == 1
