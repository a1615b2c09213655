"""What the README of the samples promises of the shipped files."""

import itertools
import re

import pypdfium2
import pytest
from PIL import Image

from forms.form_file import load_form
from sample_scans.demo import Row, read_rows
from sample_scans.generate import HERE, layout_of
from sample_scans.plans import SETS

MAX_FILE_BYTES = 1_000_000
MAX_TOTAL_BYTES = 12_000_000
REFUSED = {"wrong_form", "blank_page"}


def truth_of(form: str) -> list[Row]:
    return read_rows(HERE / form / "truth.csv")


def pages_of(form: str) -> dict[tuple[str, str], list[Row]]:
    rows = itertools.groupby(truth_of(form), key=lambda row: (row["scan"], row["page"]))
    return {page: list(group) for page, group in rows}


def page_count(scan: str, form: str) -> int:
    file = HERE / form / "scans" / scan
    if file.suffix == ".pdf":
        return len(pypdfium2.PdfDocument(file))
    with Image.open(file) as image:
        return getattr(image, "n_frames", 1)


@pytest.mark.parametrize("form", SETS)
def test_every_page_of_every_scan_is_in_the_truth(form: str) -> None:
    shipped = sorted(file.name for file in (HERE / form / "scans").iterdir())
    pages = {(scan, str(page)) for scan in shipped for page in range(1, page_count(scan, form) + 1)}
    assert pages == set(pages_of(form))
    assert 8 <= len(shipped) <= 20


@pytest.mark.parametrize("form", SETS)
def test_a_page_has_all_fields_or_a_reason_to_be_refused(form: str) -> None:
    names = [slot.name for slot in layout_of(form).slots]
    for rows in pages_of(form).values():
        if rows[0]["state"] in REFUSED:
            assert [(row["field"], row["value"]) for row in rows] == [("", "")]
        else:
            assert [row["field"] for row in rows] == names


@pytest.mark.parametrize("form", SETS)
def test_written_values_fit_their_fields(form: str) -> None:
    template = load_form(HERE / form / "form.toml")
    for row in truth_of(form):
        assert (row["value"] != "") == (row["state"] == "written")
        if row["value"]:
            field = template.field(row["field"])
            assert field.min_length <= len(row["value"]) <= field.max_length
            assert re.fullmatch(field.pattern or ".*", row["value"])
            assert (field.min_value or 0) <= int(row["value"]) <= (field.max_value or 10**9)


@pytest.mark.parametrize("form", SETS)
def test_each_set_holds_the_promised_special_pages(form: str) -> None:
    states = {row["state"] for row in truth_of(form)}
    assert states >= {"written", "empty", "struck_out", "wrong_form"}
    shots = SETS[form]
    assert {shot.turn for shot in shots} >= {0, 180}
    assert {shot.turn for shot in shots} & {90, 270}
    assert {"blue", "black", "pencil"} <= {shot.ink for shot in shots}


@pytest.mark.parametrize("form", SETS)
def test_the_blank_has_the_pages_shape(form: str) -> None:
    layout = layout_of(form)
    file = HERE / form / layout.blank
    if file.suffix == ".pdf":
        width, height = pypdfium2.PdfDocument(file)[0].get_size()
    else:
        with Image.open(file) as image:
            width, height = image.size
    assert width / height == pytest.approx(layout.width_mm / layout.height_mm, rel=0.002)


def test_a_stock_sheets_total_adds_up() -> None:
    for rows in pages_of("stock").values():
        values = {row["field"]: row["value"] for row in rows}
        if values.get("total"):
            assert int(values["total"]) == sum(int(v or 0) for name, v in values.items() if name.startswith("shelf"))


def test_the_samples_stay_small() -> None:
    sizes = {file: file.stat().st_size for form in SETS for file in (HERE / form).rglob("*") if file.is_file()}
    assert max(sizes.values()) < MAX_FILE_BYTES
    assert sum(sizes.values()) < MAX_TOTAL_BYTES
