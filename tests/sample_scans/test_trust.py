"""The calibration that ships is made of sound sheets, and measured on other fields than it was fitted on."""

import numpy as np
import pytest

from forms.template import FieldKind
from mnist_model.strings.composer import Strip
from reading.checked import CheckedField
from sample_scans.pen import Glyphs
from sample_scans.trust import FITTED, PAGE_MM, PRINTS, _make_form, _photographed, _sheet, made


@pytest.fixture(scope="module")
def sheets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheets")
    return [_make_form(folder, how) for how in PRINTS]


def bars() -> Glyphs:
    """Ten digits that are all an upright stroke."""
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    return Glyphs(images, np.arange(10), np.zeros(10), np.full(10, 2.0))


def test_sheets_are_forms_of_both_kinds_of_fields(sheets):
    for form, paper in sheets:
        kinds = [field.kind for field in form.fields]
        assert min(kinds.count(kind) for kind in FieldKind) >= 10
        assert {field.max_length for field in form.fields} == set(range(1, 11))
        assert paper.shape[1] / paper.shape[0] == pytest.approx(PAGE_MM[0] / PAGE_MM[1], rel=0.01)


def test_a_sheet_is_filled_in_as_its_truth_says(sheets):
    form, paper = sheets[0]
    sheet = _sheet(form, paper, bars(), np.random.default_rng(1))
    assert set(sheet.truth) == {field.name for field in form.fields}
    assert all(0 < len(sheet.truth[field.name]) <= field.max_length for field in form.fields)
    assert np.median(sheet.page.grey) > 180
    assert sheet.page.grey.min() < 90


def test_a_strip_is_dark_on_light_paper():
    pixels = np.zeros((32, 96), np.uint8)
    pixels[8:24, 20:24] = 255
    page = _photographed(Strip(pixels, "1"), np.random.default_rng(1))
    assert page.grey.shape[0] > 36
    assert page.grey.min() < 0.8 * np.median(page.grey)


def test_what_is_measured_was_not_fitted(tmp_path):
    rng = np.random.default_rng(1)
    fields = []
    for kind in FieldKind:
        for number in range(600):
            margin = float(rng.normal(1, 2))
            right = bool(rng.random() < 1 / (1 + np.exp(-margin)))
            # Were the fitted third measured too, its fate would show in the tally.
            fields.append(CheckedField(kind, 0.5, number % FITTED > 0, right, {"margin": margin}))
    trust = made(fields, "cnn 1", tmp_path / "trust.json")
    for group in trust.groups:
        assert group.fields == group.acceptable == 400
    assert trust.readers == "cnn 1"
