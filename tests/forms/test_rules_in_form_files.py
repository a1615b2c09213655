"""Rules in form files: what sound ones become, and that each fault is named with its place and mend."""

import pickle
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.entries import BatchTotalEntry, CheckDigitEntry, DateEntry, RosterEntry, SumEntry
from forms.errors import Fault, FormError
from forms.form_file import form_of, load_form
from forms.rules import BatchTotal, CheckDigit, CheckScheme, DateRule, Roster, SumRule

HEAD = """
name = "claims"
version = "1"
[page]
width_mm = 210
height_mm = 297
blank = "blank.png"
"""
FIELD = """
[[field]]
name = "{name}"
type = "comb"
x_mm = 20
y_mm = {y_mm}
width_mm = 60
height_mm = 8
digits = 8
{more}
"""
FORM = (
    HEAD
    + FIELD.format(name="account", y_mm=20, more='check_digit = "luhn"\nrules_kept = 0.98')
    + FIELD.format(name="visit", y_mm=40, more='date = {format = "ddmmyyyy", months_back = 12, months_ahead = 1}')
    + FIELD.format(name="patient", y_mm=60, more='length = 4\nroster = {file = "patients.csv", column = "id"}')
    + FIELD.format(name="part_{n}", y_mm=80, more="length = [1, 3]\nrepeat = {count = 3, dy_mm = 10}")
    + FIELD.format(name="total", y_mm=120, more="length = [1, 4]")
    + '[[sum]]\nof = ["part_*"]\nequals = "total"\nkept = 0.95\n'
    + '[[batch_total]]\nfield = "total"\ntotal = 12500\n'
)
PATIENTS = "id;name\n0012;A\n0044;B\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blank.png").write_bytes(b"a picture")
    (tmp_path / "patients.csv").write_text(PATIENTS)
    (tmp_path / "form.toml").write_text(FORM)
    return tmp_path


def test_rules_become_part_of_the_form(folder: Path) -> None:
    form = load_form(folder / "form.toml", date(2026, 1, 31))
    account, visit, patient = form.fields[:3]
    assert (account.check_digit, account.rules_kept) == (CheckDigit(CheckScheme.LUHN), 0.98)
    assert visit.date == DateRule(("ddmmyyyy",), date(2025, 1, 31), date(2026, 2, 28))
    assert patient.roster == Roster(frozenset({"0012", "0044"}))
    assert form.sums == (SumRule(("part_1", "part_2", "part_3"), ("total",), 0.95),)
    assert form.batch_totals == (BatchTotal("total", 12500),)
    assert pickle.loads(pickle.dumps(form)) == form


def test_the_day_of_the_run_moves_the_window_and_not_the_digest(folder: Path) -> None:
    one, other = (load_form(folder / "form.toml", day) for day in (date(2026, 1, 31), date(2027, 3, 5)))
    assert one.fields[1].date != other.fields[1].date
    assert one.digest == other.digest
    (folder / "form.toml").write_text(FORM.replace("months_ahead = 1", "months_ahead = 1, reference = 2026-01-31"))
    assert load_form(folder / "form.toml", date(2030, 1, 1)).fields[1].date == one.fields[1].date


def test_a_roster_is_part_of_the_digest(folder: Path) -> None:
    before = load_form(folder / "form.toml").digest
    (folder / "patients.csv").write_text(PATIENTS + "0099;C\n")
    assert load_form(folder / "form.toml").digest != before


@pytest.mark.parametrize(
    "text", ["id\n0012\n", "id\tname\n0012\tA\n", '"id","name"\r\n"0012","A, B"\r\n', "\ufeffid\n0012\n\n"]
)
def test_rosters_of_many_programs_are_read(folder: Path, text: str) -> None:
    (folder / "patients.csv").write_text(text)
    assert load_form(folder / "form.toml").fields[2].roster == Roster(frozenset({"0012"}))


def faults(folder: Path, old: str, new: str) -> list[str]:
    assert old in FORM
    (folder / "form.toml").write_text(FORM.replace(old, new, 1))
    with pytest.raises(FormError) as raised:
        load_form(folder / "form.toml")
    return [str(fault) for fault in raised.value.faults]


LUHN, ROSTER = 'check_digit = "luhn"', 'roster = {file = "patients.csv", column = "id"}'
WINDOW = 'date = {format = "ddmmyyyy", months_back = 12, months_ahead = 1}'


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (LUHN, 'check_digit = "lun"', ': field "account", check_digit, scheme', ['"lun": must be', "verhoeff"]),
        (LUHN, 'check_digit = "aba"', ': field "account", check_digit', ["aba has 9 digits, and the field has 8"]),
        (LUHN, 'check_digit = {scheme = "mod11", weights = [3, 2, 1]}', ": field", ["3 weights has 3 digits"]),
        (LUHN, 'check_digit = {scheme = "mod11", weights = [22, 7, 6, 5, 4, 3, 2, 1]}', ": field", ["multiple of 11"]),
        (LUHN, 'check_digit = {scheme = "luhn", weights = [2, 1]}', ": field", ["has its own weights"]),
        (LUHN, 'check_digit = {scheme = "luhn", country = "DE"}', ": field", ["for iban only"]),
        (LUHN, 'check_digit = {scheme = "iban"}', ': field "account", check_digit, country', ["is missing", '"DE"']),
        (LUHN, 'check_digit = {scheme = "iban", country = "de"}', ": field", ["two capital letters"]),
        (LUHN, "check_digit = 7", ': field "account", check_digit', ["must be a table", '"luhn"']),
        ("rules_kept = 0.98", "rules_kept = 1.0", ': field "account", rules_kept', ["less than 1"]),
        (WINDOW, 'date = "ddmmyy"', ': field "visit", date, format', ['"ddmmyy" has 6 digits, and the field 8']),
        (WINDOW, 'date = "ddmmyyy"', ': field "visit", date, format 1', ["'yyyymmdd'"]),
        (WINDOW, 'date = {months_back = 1}', ': field "visit", date, format', ["is missing"]),
        (WINDOW, WINDOW[:-1] + ', reference = "x"}', ': field "visit", date, reference', ["2026-01-31"]),
        (WINDOW, 'date = {format = "ddmmyyyy", reference = 2026-01-31}', ": field", ["no window is measured"]),
        (WINDOW, 'date = {format = "ddmmyyyy", months_ahead = 1, reference = 1850-01-31}', ": field", ["is empty"]),
        (WINDOW, WINDOW.replace("12", "-1"), ': field "visit", date, months_back', ["greater than or equal to 0"]),
        ('"patients.csv"', '"nobody.csv"', ': field "patient", roster, file', ["no such file", "relative to the form"]),
        ('"patients.csv"', '"."', ': field "patient", roster, file', ["no such file"]),
        ('"patients.csv"', '"blank.png\\u0000"', ': field "patient", roster, file', ["relative to"]),
        ('column = "id"', 'column = "ID"', ': field "patient", roster, column', ["no column", "columns are id, name"]),
        ('column = "id"', 'column = "name"', ': field "patient", roster, column', ["2 values are not of", '"A"']),
        ("length = 4", "length = 5", ': field "patient", roster, column', ["have not the 5 to 5", "leading zeros"]),
        (ROSTER, 'roster = "patients.csv"', ': field "patient", roster', ["must be a table"]),
        ('["part_*"]', '["part"]', ": sum 1, of", ['there is no field "part"', "mean part_"]),
        ('["part_*"]', '["part_{n}"]', ": sum 1, of", ['Write "part_*"']),
        ('["part_*"]', '["part_1", "part_*"]', ": sum 1, of", ['"part_1" is named twice']),
        ('["part_*"]', '["part_*", "total"]', ": sum 1", ['"total" stands on both sides']),
        ('["part_*"]', "[]", ": sum 1, of", ["at least 1 item"]),
        ('equals = "total"', "", ": sum 1, equals", ["is missing"]),
        ('equals = "total"', 'equals = "totals"', ": sum 1, equals", ["Did you mean total?"]),
        ("length = [1, 4]", "length = [1, 4]\nrange = [3000, 9000]", ": sum 1, equals", ["3000 at least", "2997"]),
        ("kept = 0.95", "kept = 0.1", ": sum 1, kept", ["0.5"]),
        ('field = "total"', 'field = "sum"', ": batch_total 1, field", ['no field "sum"']),
        ("total = 12500", "total = -1", ": batch_total 1, total", ["greater than or equal to 0"]),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_place_and_mend(folder: Path, old: str, new: str, place: str, words: list[str]) -> None:
    lines = faults(folder, old, new)
    named = [line for line in lines if line.startswith(f"{folder / 'form.toml'}{place}")]
    assert any(all(word in line for word in words) for line in named), lines


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is an empty file"),
        (b"id;name\n", "holds no values"),
        (b"id;name\n;A\n", "holds no values"),
        (b"id;id\n1;2\n", "more than one column"),
        (b"id\n0012\n0044\n0012\n", '1 value stands there twice ("0012")'),
        (b"id\n12\n", "leading zeros"),
        ("id\n\u0660\u0661\u0662\u0663\n".encode(), "not of digits alone"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"id\n" + b"0" * 200_000, "is no CSV file"),
    ],
)
def test_a_bad_roster_is_refused(folder: Path, content: bytes, words: str) -> None:
    (folder / "patients.csv").write_bytes(content)
    with pytest.raises(FormError) as raised:
        load_form(folder / "form.toml")
    assert [words in str(fault) for fault in raised.value.faults] == [True]


def test_a_field_with_a_fault_does_not_make_its_sum_wrong(folder: Path) -> None:
    lines = faults(folder, "length = [1, 4]", "length = 40")
    assert len(lines) == 1
    assert '"total", length' in lines[0]


def test_faults_of_fields_and_sums_are_found_in_one_go(folder: Path) -> None:
    (folder / "form.toml").write_text(FORM.replace('"luhn"', '"lun"').replace("kept = 0.95", "kept = 2"))
    with pytest.raises(FormError) as raised:
        load_form(folder / "form.toml")
    assert [fault.place.rsplit(" ", 1)[1] for fault in raised.value.faults] == ["scheme", "kept"]


ENTRIES = (CheckDigitEntry, DateEntry, RosterEntry, SumEntry, BatchTotalEntry)
KEYS = st.sampled_from([key for entry in ENTRIES for key in entry.model_fields])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.dates()
    | st.sampled_from(["a", "b", "*", "luhn", "mod11", "iban", "DE", "ddmmyyyy", "yymmdd", "id", "patients.csv"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["check_digit", "date", "roster"]), ANYTHING), ANYTHING, ANYTHING)
def test_whatever_is_declared_the_result_is_a_form_or_a_form_error(
    tmp_path_factory: pytest.TempPathFactory, rules: dict, sums: object, totals: object
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "blank.png").write_bytes(b"x")
    (folder / "patients.csv").write_text(PATIENTS)
    place = {"type": "comb", "x_mm": 20, "width_mm": 60, "height_mm": 8, "digits": 8}
    document = {
        "name": "f",
        "version": "1",
        "page": {"width_mm": 210, "height_mm": 297, "blank": "blank.png"},
        "field": [{"name": "a", "y_mm": 20, **place, **rules}, {"name": "b", "y_mm": 40, **place}],
        "sum": sums,
        "batch_total": totals,
    }
    faults: tuple[Fault, ...] = ()
    try:
        form_of(document, folder / "form.toml", b"")
    except FormError as error:
        faults = error.faults
    assert all("\n" not in str(fault) and fault.mend for fault in faults)
