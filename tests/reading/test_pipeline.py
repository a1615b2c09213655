"""From a scan to readings, with a classifier whose answers are known."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pytest

from forms.template import FormTemplate
from preprocessing.page import Page, PageProblem, ProblemReason
from reading.pipeline import PreparedPage, finish_pages, prepare_page, read_page
from reading.policy import Policy
from reading.readings import PageReading, Reason
from tests.drawn_forms import (
    Scanner,
    comb,
    corner_marks,
    draw_stroke,
    freehand,
    print_form,
    save_blank,
    scan,
    template,
    write_number,
)

SIZE_MM = (110.0, 80.0)
FIELDS = (comb("id", 20, 20, 4), freehand("amount", 20, 36, 40, 9, 6), replace(comb("note", 60, 20, 3), required=True))


@dataclass
class Counting:
    """Says 1 to what is slim, 0 to what is hollow, no digit to what is wide or a cross, 7 to the rest; counts calls."""

    name: str = "stub-1"
    calls: list[int] = field(default_factory=list)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        self.calls.append(len(images))
        result = np.full((len(images), 11), 0.001, np.float32)
        for row, image in zip(result, images, strict=True):
            columns = np.flatnonzero((image > 100).any(axis=0))
            is_hollow = image[10:18, 12:17].max() < 100
            is_void = np.ptp(columns) > 16 or (_is_cross(image) and not is_hollow)
            row[1 if np.ptp(columns) < 9 else 10 if is_void else 0 if is_hollow else 7] = 0.99
        return result


def _is_cross(image: np.ndarray) -> bool:
    """Wide at its head and foot, narrow between."""
    head, waist, foot = ((image[rows] > 100).any(axis=0).sum() for rows in (slice(4, 9), slice(13, 15), slice(20, 25)))
    return bool(head > 6 and 0 < waist < 6 and foot > 6)


@pytest.fixture(scope="module")
def form(tmp_path_factory) -> FormTemplate:
    bare = template(FIELDS, SIZE_MM, marks=corner_marks(*SIZE_MM))
    return replace(bare, blank=save_blank(print_form(bare), tmp_path_factory.mktemp("form") / "blank.png"))


def page_with(form: FormTemplate, number: str, amount: str, scanner: Scanner | None = None) -> Page:
    drawn = cv2.imread(str(form.blank), cv2.IMREAD_GRAYSCALE)
    for digit, box in zip(number, FIELDS[0].boxes, strict=False):
        write_number(drawn, digit, box.x_mm + 1.5, box.bottom_mm - 1.5)
    write_number(drawn, amount, 23, 43.5)
    return scan(drawn, scanner or Scanner(dpi=200, skew_deg=1))[0]


def read(page: Page, form: FormTemplate, policy: Policy | None = None) -> PageReading:
    reading = read_page(page, (form,), Counting(), policy)
    assert isinstance(reading, PageReading), reading
    return reading


def test_a_page_is_read_field_by_field(form):
    reading = read(replace(page_with(form, "1001", "110"), scan="in/a.png", page=3, sha256="ab"), form)
    number, amount, note = reading.fields
    assert (number.field, number.value, number.reasons) == ("id", "1001", ())
    assert (amount.field, amount.value, amount.reasons) == ("amount", "110", ())
    assert (note.value, note.reasons, note.needs_review) == ("", (Reason.BLANK,), True)
    assert (reading.scan, reading.page, reading.sha256) == ("in/a.png", 3, "ab")
    assert (reading.form, reading.form_version, reading.model) == ("drawn", "1", "stub-1")
    assert reading.residual_mm < 0.3
    assert number.box == FIELDS[0].box


def test_digits_say_where_in_the_crop_they_are(form):
    number = read(page_with(form, "10", "1"), form).fields[0]
    crop = cv2.imdecode(np.frombuffer(number.crop_png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert [digit.digit for digit in number.digits] == ["1", "0"]
    for digit in number.digits:
        assert crop[digit.box.slices].min() < 100
        assert digit.box.right <= crop.shape[1]


def test_a_lower_threshold_accepts_more(form):
    page = page_with(form, "1001", "110")
    assert read(page, form, Policy(0.5)).fields[0].reasons == ()
    strict = read(page, form, Policy(0.9999)).fields[0]
    assert strict.reasons == (Reason.LOW_CONFIDENCE,)
    assert read(page, form, Policy(0.9999)).threshold == 0.9999


def test_a_struck_out_cell_has_no_value_and_is_flagged(form):
    drawn = cv2.imread(str(form.blank), cv2.IMREAD_GRAYSCALE)
    draw_stroke(drawn, [(32.5, 20.5), (37.5, 27.5), (35, 24), (37.5, 20.5), (32.5, 27.5)])
    number = read(scan(drawn, Scanner(dpi=200))[0], form).fields[0]
    assert number.value == ""
    assert Reason.STRUCK_OUT in number.reasons


def test_many_pages_are_read_like_each_alone_with_one_call(form):
    texts = [("1001", "110"), ("", ""), ("7", "10"), ("0", "")]
    pages = [page_with(form, *text, Scanner(dpi=200, skew_deg=index)) for index, text in enumerate(texts)]
    prepared = [prepare_page(page, (form,)) for page in pages]
    classifier = Counting()
    together = finish_pages(prepared, classifier, Policy())
    assert together == [read(page, form) for page in pages]
    assert len(classifier.calls) == 1


def test_no_pages_and_pages_without_ink_are_finished(form):
    empty = prepare_page(page_with(form, "", ""), (form,))
    assert finish_pages([], Counting(), Policy()) == []
    assert [reading.value for reading in finish_pages([empty], Counting(), Policy())[0].fields] == ["", "", ""]


def test_a_prepared_page_travels_between_processes_and_is_small(form):
    prepared = prepare_page(page_with(form, "1001", "110"), (form,))
    pickled = pickle.dumps(prepared)
    assert len(pickled) < 200_000
    again = pickle.loads(pickled)
    assert isinstance(again, PreparedPage)
    assert finish_pages([again], Counting(), Policy()) == finish_pages([prepared], Counting(), Policy())


def test_a_page_that_cannot_be_read_is_a_problem(form):
    page = Page(np.full((800, 1100), 250, np.uint8), 200, "in/blank.png", 2, "cd")
    result = read_page(page, (form,), Counting())
    assert isinstance(result, PageProblem)
    assert (result.scan, result.page, result.sha256) == ("in/blank.png", 2, "cd")
    assert result.reason is ProblemReason.BLANK_PAGE


def test_an_image_that_is_its_field_is_read_as_it_is():
    whole = replace(template((freehand("digits", 0, 0, 60, 10, 6),)), whole_image=True)
    drawn = np.full((120, 500), 250, np.uint8)
    write_number(drawn, "101", 4, 8.5, height_mm=6)
    page = Page(drawn, None, "n.png", 1, "")
    reading = read(page, whole)
    assert reading.fields[0].value == "101"


class Telling:
    """A string reader that is sure of one value, whatever the strip shows."""

    name = "telling"

    def __init__(self, value: str) -> None:
        self.value = value

    def log_probabilities(self, strips: Sequence[np.ndarray]) -> list[np.ndarray]:
        columns = np.full((2 * len(self.value), 11), 1e-6)
        columns[np.arange(0, len(columns), 2), [int(digit) for digit in self.value]] = 1.0
        columns[1::2, 10] = 1.0
        return [np.log(columns / columns.sum(axis=1, keepdims=True)) for _ in strips]


def test_two_readers_that_agree_are_surer_and_two_that_do_not_are_flagged(form):
    page = page_with(form, "1001", "110", Scanner(dpi=200))
    prepared = prepare_page(page, (form,))
    alone, agreed, doubted = (
        finish_pages([prepared], Counting(), Policy(), strings)[0] for strings in (None, Telling("110"), Telling("170"))
    )
    assert alone.fields[0] == agreed.fields[0]  # a comb field has no strip
    assert agreed.fields[1].value == "110"
    assert not agreed.fields[1].needs_review
    assert agreed.model.endswith(" + telling")
    assert Reason.READERS_DISAGREE in doubted.fields[1].reasons
