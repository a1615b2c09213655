import numpy as np
import pytest

from forms.form_file import load_forms
from preprocessing.closing import without_closing
from preprocessing.page import FieldImage, PixelBox
from tests.written_ink import PX_PER_MM, Stroke, ink_of_strokes, strokes_of

SHAPE = (90, 560)
FOOT_MM, DIGIT_MM, END_MM = 8.5, 5.0, 26.0
NUMBER = strokes_of("35021", 4, FOOT_MM, DIGIT_MM)


def at(*points: tuple[float, float]) -> Stroke:
    """A stroke behind the number: x from its end to the right, y upwards from its foot, both in digits' heights."""
    return [(END_MM + x * DIGIT_MM, FOOT_MM - y * DIGIT_MM) for x, y in points]


DASH = at((0.9, 0.45), (1.6, 0.5))
SLASH = at((0.0, -0.1), (0.5, 1.25))
BAR = at((0.3, -0.15), (0.3, 1.2))
ONE = at((0.3, 0.0), (0.3, 1.0))


def field(strokes: list[Stroke]) -> FieldImage:
    ink = ink_of_strokes(SHAPE, strokes)
    cell = PixelBox(0, 0, SHAPE[1], SHAPE[0])
    return FieldImage(load_forms("amount")[0].fields[0], 210 - ink // 2, ink, (cell,), PX_PER_MM)


@pytest.mark.parametrize(
    "closing",
    [
        [SLASH, DASH],
        [BAR, DASH],
        [SLASH, at((0.9, 0.6), (1.6, 0.6)), at((0.9, 0.35), (1.6, 0.35))],
        [at((0.0, 0.1), (0.8, 0.9)), DASH],  # no higher than a digit, but slanting as no 1 does
        [at((0.0, -0.1), (0.4, 1.1), (0.7, 0.9), (1.7, 0.9))],  # in one stroke
        [SLASH, at((0.9, 0.3), (1.1, 0.75), (1.3, 0.8), (1.8, 0.7))],  # a dash that begins with a hook
    ],
)
def test_the_closing_goes_and_the_number_stays(closing):
    found, number = without_closing(field([*NUMBER, *closing])), field(NUMBER)
    assert np.array_equal(found.ink > 127, number.ink > 127)
    assert np.abs(found.grey.astype(int) - number.grey).max() < 40


@pytest.mark.parametrize(
    "strokes",
    [
        NUMBER,
        [*NUMBER, ONE],
        [*NUMBER, ONE, DASH],
        [*NUMBER, DASH],
        [*NUMBER, SLASH],
        [*strokes_of("351", 4, FOOT_MM, DIGIT_MM, slant=0.3), at((-1.5, 0.45), (-0.9, 0.5))],
        [*NUMBER, at((0.1, 0.1), (0.0, -0.2)), DASH],  # a comma and a dash
        [*NUMBER, *strokes_of("7", END_MM + 1, FOOT_MM, DIGIT_MM)],
        [SLASH, DASH],
        [],
    ],
)
def test_where_it_is_not_sure_nothing_is_touched(strokes):
    image = field(strokes)
    assert without_closing(image) is image


def test_ink_beside_the_box_is_no_part_of_it():
    image = field([*NUMBER, SLASH, DASH])
    narrow = FieldImage(image.field, image.grey, image.ink, (PixelBox(0, 0, 180, 90),), PX_PER_MM)
    assert without_closing(narrow) is narrow
