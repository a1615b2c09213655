"""Form files: what a sound one becomes, and that everything wrong in one is named with its place and mend."""

import copy
import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.entries import FieldEntry, FormEntry, MarkEntry, PageEntry, RegistrationEntry, RepeatEntry
from forms.errors import Fault, FormError
from forms.form_file import BUILT_IN, form_of, load_form, load_forms
from forms.template import Box, FieldKind, Mark

PATIENT = r"""
name = "patient"
version = "1"
title = "Patient record"
[page]
width_mm = 210
height_mm = 297.0
blank = "blank.png"
[registration]
marks = [{x_mm = 10, y_mm = 10, size_mm = 5}, {x_mm = 200, y_mm = 10, size_mm = 5},
  {x_mm = 10, y_mm = 287, size_mm = 5}]
[[field]]
name = "patient_id"
type = "comb"
label = "Patient no."
x_mm = 40.0
y_mm = 60.0
width_mm = 55.0
height_mm = 8.0
digits = 7
gap_mm = 1.0
pattern = '\d{7}'
range = [0, 9999999]
[[field]]
name = "count_{n}"
type = "freehand"
label = "Line {n}"
x_mm = 40
y_mm = 80
width_mm = 30
height_mm = 8
length = [1, 4]
required = false
repeat = {count = 12, dy_mm = 9.0}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blank.png").write_bytes(b"a picture")
    (tmp_path / "form.toml").write_text(PATIENT)
    return tmp_path


def test_a_form_file_becomes_a_template(folder: Path) -> None:
    form = load_form(folder / "form.toml")
    first, *counts = form.fields
    assert (form.name, form.version, form.page_width_mm, form.working_dpi) == ("patient", "1", 210.0, 200)
    assert form.blank == folder / "blank.png"
    assert form.marks[2] == Mark(10, 287, 5)
    assert first.kind is FieldKind.COMB
    assert first.boxes[1] == Box(48, 60, 7, 8)
    assert (first.min_length, first.max_length, first.pattern, first.max_value) == (7, 7, r"\d{7}", 9999999)
    assert [field.name for field in counts] == [f"count_{n}" for n in range(1, 13)]
    assert counts[11].boxes == (Box(40, 80 + 11 * 9, 30, 8),)
    assert (counts[11].label, counts[11].required, counts[11].min_length) == ("Line 12", False, 1)
    assert form.digest == hashlib.sha256(PATIENT.encode() + b"a picture").hexdigest()


def test_a_comb_with_uneven_boxes(folder: Path) -> None:
    uneven = (
        'name = "f"\nversion = "1"\n[page]\nwidth_mm = 90\nheight_mm = 50\nblank = "blank.png"\n[[field]]\nname = "a"\n'
    )
    (folder / "form.toml").write_text(uneven + 'type = "comb"\nboxes = [[1, 2, 3, 4], [5, 2.5, 3, 4]]')
    assert load_form(folder / "form.toml").fields[0].boxes == (Box(1, 2, 3, 4), Box(5, 2.5, 3, 4))


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ('name = "patient"', "name = patient", "", ["not TOML", "line 2"]),
        ('name = "patient"', "", ": name", ["missing", 'name = "patient"']),
        ('name = "patient"', 'name = "=1+1"', ": name", ["starts with a letter"]),
        ('version = "1"', "version = 1", ": version", ["1: must be a valid string", 'version = "1"']),
        ('title = "Patient', 'titel = "Patient', ": titel", ["no such key", "Did you mean title?"]),
        ('blank = "blank.png"', 'blank = "none.png"', ": [page], blank", ["no such file", "relative to the form file"]),
        ('blank = "blank.png"', 'blank = "."', ": [page], blank", ["no such file"]),
        ('blank = "blank.png"', 'blank = "a\\u0000"', ": [page], blank", ["no such file"]),
        ("width_mm = 210", "width_mm = nan", ": [page], width_mm", ["finite"]),
        ("width_mm = 210", "width_mm = -210", ": [page], width_mm", ["greater than 0"]),
        ("width_mm = 210", "width_mm = 21e9", ": [page], width_mm", ["less than or equal to 2000"]),
        ("[page]", "[page]\ndpi = 4000", ": [page], dpi", ["4000", "dpi = 200"]),
        ("[page]", "[pages]", ": [page]", ["missing"]),
        ("[registration]", "[registration]\nmax_residual_mm = 0", ": [registration], max_residual_mm", ["must be"]),
        ("y_mm = 287", "y_mm = 296", ": [registration], marks 3", ["lies off the page of 210 x 297 mm"]),
        ("y_mm = 287", "y_mm = 12", ": [registration], marks", ["one line"]),
        ("x_mm = 200, y_mm = 10", "x_mm = 60, y_mm = 60", ": [registration], marks 2", ['on the field "patient_id"']),
        (",\n  {x_mm = 10, y_mm = 287, size_mm = 5}]", "]", ": [registration], marks", ["at least 3 items"]),
        ("size_mm = 5}]", "size_mm = 5, side = 2}]", ": [registration], marks 3, side", ["size_mm"]),
        ("digits = 7", "", ': field "patient_id", digits', ["missing", "digits or boxes"]),
        ("digits = 7", "digits = 7\nboxes = [[1, 1, 5, 5]]", ': field "patient_id", digits', ["beside boxes"]),
        ("digits = 7", "digits = 30", ': field "patient_id", width_mm', ["too small for a digit"]),
        ("gap_mm = 1.0", "gap_mm = 20", ': field "patient_id", width_mm', ["too small for a digit"]),
        ("gap_mm = 1.0", "length = 9", ': field "patient_id", length', ["9 is more than the 7 boxes. Make"]),
        ("gap_mm = 1.0", "length = true", ': field "patient_id", length', ["must be a valid list", "length = 7"]),
        ("gap_mm = 1.0", 'gap_mm = "1"', ': field "patient_id", gap_mm', ['"1": must be a valid number']),
        ("length = [1, 4]", "", ': field "count_{n}", length', ["missing"]),
        ("length = [1, 4]", "length = [4, 1]", ': field "count_{n}", length', ["4 is more than 1"]),
        ("length = [1, 4]", "length = 4\ndigits = 4", ': field "count_{n}", digits', ["comb fields only"]),
        ("range = [0, 9999999]", "range = [3, 2]", ': field "patient_id", range', ["3 is more than 2"]),
        ("range = [0, 9999999]", "range = [-3, 2]", ': field "patient_id", range 1', ["greater than or equal to 0"]),
        ("range = [0, 9999999]", "range = [10000000, 20000000]", ': field "patient_id", range', ["at most 7 digits"]),
        (r"'\d{7}'", r"'\d{8}'", ': field "patient_id", pattern', ["never match a value of 7 digits"]),
        (r"'\d{7}'", r"'\d{7'", ': field "patient_id", pattern', ["never match"]),
        (r"'\d{7}'", r"'(\d{7}'", ': field "patient_id", pattern', ["no regular expression", "unterminated"]),
        (r"'\d{7}'", r"'(\d+)+'", ': field "patient_id", pattern', ["very long"]),
        ("x_mm = 40.0", "x_mm = 160", ': field "patient_id"', ["lies off the page"]),
        ("y_mm = 60.0", "y_mm = 75", ': field "count_1"', ['overlaps the field "patient_id"']),
        ("dy_mm = 9.0", "dy_mm = 7.9", ': field "count_2"', ['overlaps the field "count_1"']),
        ("dy_mm = 9.0", "dy_mm = 20.0", ': field "count_12"', ["lies off the page"]),
        (", dy_mm = 9.0", "", ': field "count_{n}", repeat', ["one place"]),
        ("dy_mm = 9.0", "dy = 9.0", ': field "count_{n}", repeat, dy', ["Did you mean dy_mm?"]),
        ("repeat = {count = 12, dy_mm = 9.0}", "", ': field "count_{n}", name', ["{n} goes with repeat"]),
        ('"count_{n}"', '"count"', ': field "count", name', ['"count_{n}"']),
        ('"count_{n}"', '"patient_id"\ntype = 3', "", ["line"]),
        ('name = "patient_id"', 'name = "count_3"', ': field "count_3", name', ["2 fields have this name"]),
        ('name = "patient_id"', 'name = "Status"', ': field "Status", name', ["records.csv", "Status_no"]),
        ('name = "patient_id"', "", ": field 1, name", ["missing"]),
        ('type = "comb"', 'type = "box"', ': field "patient_id", type', ["'comb' or 'freehand'"]),
        ('type = "comb"', 'type = "comb"\nwidth = 3', ': field "patient_id", width', ["Did you mean width_mm?"]),
        ("required = false", "required = 0", ': field "count_{n}", required', ["valid boolean"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_place_and_mend(
    folder: Path, old: str, new: str, place: str, words: list[str]
) -> None:
    assert old in PATIENT
    path = folder / "form.toml"
    path.write_text(PATIENT.replace(old, new, 1))
    with pytest.raises(FormError) as raised:
        load_form(path)
    lines = [str(fault) for fault in raised.value.faults]
    named = [line for line in lines if line.startswith(f"{path}{place}")]
    assert any(all(word in line for word in words) for line in named), lines


def test_all_that_is_wrong_is_found_in_one_go(folder: Path) -> None:
    bad = PATIENT.replace("digits = 7", "digits = 0").replace("[1, 4]", "[4, 1]").replace('version = "1"', "")
    (folder / "form.toml").write_text(bad.replace("width_mm = 210", 'width_mm = "A4"'))
    with pytest.raises(FormError) as raised:
        load_form(folder / "form.toml")
    keys = [fault.place.rsplit(" ", 1)[1] for fault in raised.value.faults]
    assert keys == ["version", "width_mm", "digits", "length"]
    assert "and 3 more" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"\x89PNG" * 300_000, "too large"),
        (b'name = "a"', "[page]: is missing"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (b"a = 1" + b"0" * 5000, "is not TOML"),
    ],
)
def test_a_file_that_is_no_form(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "form.toml").write_bytes(content)
    with pytest.raises(FormError) as raised:
        load_form(tmp_path / "form.toml")
    assert any(words in str(fault) for fault in raised.value.faults)


def test_a_byte_order_mark_is_no_fault(folder: Path) -> None:
    (folder / "form.toml").write_bytes(b"\xef\xbb\xbf" + PATIENT.encode())
    assert load_form(folder / "form.toml").name == "patient"


def test_neither_blank_nor_marks(folder: Path) -> None:
    head, tail = PATIENT.split("[registration]")
    (folder / "form.toml").write_text(head.replace('blank = "blank.png"', "") + tail[tail.index("[[field]]") :])
    with pytest.raises(FormError, match="neither a blank nor marks"):
        load_form(folder / "form.toml")


def test_an_empty_blank(folder: Path) -> None:
    (folder / "blank.png").write_bytes(b"")
    with pytest.raises(FormError, match="empty file"):
        load_form(folder / "form.toml")


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_forms_are_one_field_without_a_page(name: str) -> None:
    (form,) = load_forms(name)
    assert (form.name, form.whole_image, len(form.fields), form.blank) == (name, True, 1, None)
    assert form.fields[0].kind is FieldKind.FREEHAND
    assert len(form.digest) == 64


def test_built_in_lengths() -> None:
    lengths = {name: (field.min_length, field.max_length) for name in BUILT_IN for field in load_forms(name)[0].fields}
    assert lengths == {"digits": (1, 20), "zip": (5, 9), "amount": (1, 12), "date": (6, 8)}


def test_a_whole_image_form_has_no_places(tmp_path: Path) -> None:
    text = 'name = "f"\nversion = "1"\nwhole_image = true\n[page]\n[[field]]\nname = "a"\ntype = "comb"\n'
    (tmp_path / "form.toml").write_text(text + "length = 3\nx_mm = 1")
    with pytest.raises(FormError) as raised:
        load_form(tmp_path / "form.toml")
    assert [fault.place.rsplit(" ", 1)[1] for fault in raised.value.faults] == ["page", "x_mm", "type"]


def test_a_folder_of_forms(folder: Path) -> None:
    assert [form.name for form in load_forms(folder)] == ["patient"]
    for name in ("b", "a"):
        (folder / name).mkdir()
        (folder / name / "blank.png").write_bytes(b"x")
        (folder / name / "form.toml").write_text(PATIENT.replace('"patient"', f'"{name}"'))
    (folder / "form.toml").unlink()
    assert [form.name for form in load_forms(str(folder))] == ["a", "b"]
    (folder / "a" / "form.toml").write_text(PATIENT)
    (folder / "b" / "form.toml").write_text(PATIENT)
    with pytest.raises(FormError, match='2 forms are named "patient"'):
        load_forms(folder)


@pytest.mark.parametrize(
    ("name", "words"), [("no_such", "digits, zip, amount, date"), ("", "no form.toml"), (".", "no form")]
)
def test_no_form_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormError, match=words):
        load_forms(name)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.datetimes() | st.just(10**400)
    | st.sampled_from(["comb", "freehand", "a{n}", r"(\d+)+", "blank.png", "../", "\0"])
)  # fmt: skip
MODELS = (FormEntry, PageEntry, RegistrationEntry, MarkEntry, FieldEntry, RepeatEntry)
KEYS = st.sampled_from([key for model in MODELS for key in model.model_fields]) | st.text(max_size=3)
TOML = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6))
SOUND = {
    "name": "patient",
    "version": "1",
    "page": {"width_mm": 210, "height_mm": 297.0, "blank": "blank.png"},
    "registration": {"marks": [{"x_mm": x, "y_mm": y, "size_mm": 5} for x, y in ((9, 9), (200, 9), (9, 280))]},
    "field": [
        {"name": "id", "type": "comb", "x_mm": 40, "y_mm": 60, "width_mm": 55, "height_mm": 8, "digits": 7},
        {"name": "n_{n}", "type": "freehand", "x_mm": 40, "y_mm": 80, "width_mm": 30, "height_mm": 8, "length": 3,
         "pattern": r"\d+", "range": [1, 9], "repeat": {"count": 3, "dy_mm": 9}},
    ],
}  # fmt: skip


def _tables(node: object) -> list[dict | list]:
    children = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    return [node] * bool(children) + [table for child in children for table in _tables(child)]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_the_file_says_the_result_is_a_template_or_a_form_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    document = copy.deepcopy(SOUND)
    for _ in range(data.draw(st.integers(0, 3))):
        table = data.draw(st.sampled_from(_tables(document)))
        key = data.draw(st.sampled_from(range(len(table)) if isinstance(table, list) else sorted(table)) | KEYS)
        if isinstance(table, dict) or isinstance(key, int):
            table[key] = data.draw(TOML)  # type: ignore[index]
    folder = tmp_path_factory.getbasetemp()
    (folder / "blank.png").write_bytes(b"x")
    faults: tuple[Fault, ...] = ()
    try:
        form_of(document, folder / "form.toml", b"")
    except FormError as error:
        faults = error.faults
    assert all("\n" not in str(fault) and fault.mend for fault in faults)


def test_the_sound_document_is_sound(tmp_path: Path) -> None:
    (tmp_path / "blank.png").write_bytes(b"x")
    assert len(form_of(SOUND, tmp_path / "form.toml", b"").fields) == 4
