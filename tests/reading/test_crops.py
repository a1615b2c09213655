"""A field that is prepared from its crop is the field that was prepared from its page."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from forms.form_file import load_forms
from forms.template import FormTemplate
from preprocessing.isolation import CropError
from preprocessing.page import Page
from reading.crops import known_field, prepare_crop
from reading.pipeline import PreparedField, PreparedPage, finish_pages, prepare_page
from reading.policy import Policy
from reading.readings import Reason
from tests.drawn_forms import (
    Scanner,
    comb,
    corner_marks,
    freehand,
    print_form,
    save_blank,
    scan,
    template,
    write_number,
)

SIZE_MM = (110.0, 80.0)
FIELDS = (comb("id", 20, 20, 4), freehand("amount", 20, 36, 40, 9, 6))


class Ones:
    """Reads every piece as a 1."""

    name = "ones-1"

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return np.tile(np.eye(11, dtype=np.float32)[1] * 0.9 + 0.009, (len(images), 1))


@pytest.fixture(scope="module", params=["blank", "marks alone"])
def form(request, tmp_path_factory) -> FormTemplate:
    bare = template(FIELDS, SIZE_MM, marks=corner_marks(*SIZE_MM))
    file = save_blank(print_form(bare), tmp_path_factory.mktemp("form") / "blank.png")
    return replace(bare, blank=file) if request.param == "blank" else bare


@pytest.fixture(scope="module")
def prepared(form) -> PreparedPage:
    drawn = print_form(form)
    for digit, box in zip("1701", FIELDS[0].boxes, strict=True):
        write_number(drawn, digit, box.x_mm + 1.5, box.bottom_mm - 1.5)
    write_number(drawn, "1107", 23, 43.5)
    page = prepare_page(scan(drawn, Scanner(dpi=200, skew_deg=1))[0], (form,))
    assert isinstance(page, PreparedPage)
    return page


def assert_same(found: PreparedField, original: PreparedField) -> None:
    assert np.array_equal(found.images, original.images)
    assert (found.pieces, found.cuts, found.states) == (original.pieces, original.cuts, original.states)
    assert (found.strip is None) == (original.strip is None)
    assert found.strip is None or np.array_equal(found.strip, original.strip)
    assert found.crop_png == original.crop_png


def test_from_its_crop_a_field_is_what_it_was(form, prepared):
    for original in prepared.fields:
        assert len(original.pieces) >= 4
        assert_same(prepare_crop(original.crop_png, form, original.field), original)


def test_so_is_an_image_that_is_one_field():
    grey = cv2.GaussianBlur(np.full((200, 700), 230, np.uint8), (0, 0), 2)
    for x in range(60, 660, 90):
        cv2.line(grey, (x, 40), (x + 8, 160), 40, 9)
    (form,) = load_forms("digits")
    page = prepare_page(Page(grey, None, "a.png", 1, ""), (form,))
    assert isinstance(page, PreparedPage)
    assert_same(prepare_crop(page.fields[0].crop_png, form, form.fields[0]), page.fields[0])


@pytest.mark.parametrize("png", [b"", b"no picture", "other size"])
def test_what_is_no_crop_of_the_field_is_refused(form, prepared, png):
    png = prepared.fields[1].crop_png if png == "other size" else png
    with pytest.raises(CropError, match=r"no picture|pixels"):
        prepare_crop(png, form, form.fields[0])


def test_ink_beside_is_told_and_known_fields_stay(form, prepared):
    crop = prepare_crop(prepared.fields[0].crop_png, form, form.fields[0], ink_beside=True)
    known = known_field(form.fields[1], (("4711", 0.7),))
    page = PreparedPage("a.png", 1, "ab", form, 0.1, (crop, known))
    first, second = finish_pages([page], Ones(), Policy())[0].fields
    assert (first.value, Reason.INK_BESIDE in first.reasons) == ("1111", True)
    assert (second.value, second.confidence) == ("4711", 0.7)
