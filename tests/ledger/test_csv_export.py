import csv
import io
import random
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import csv_export
from ledger.csv_export import READINGS_COLUMNS, RECORDS_COLUMNS, cell
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.rows import scan_order
from preprocessing.page import ProblemReason
from reading.readings import Reason

FIRST_COLUMNS = "scan,page,field,value,confidence,needs_review,reasons,corrected_value,reviewer"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.fixture
def exported(ledger: Ledger, tmp_path: Path) -> Callable[..., tuple[list[dict[str, str]], list[dict[str, str]]]]:
    """Record results and return the rows of both files."""

    def export(*results: object) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        batch = ledger.open_batch("scans", "zip", "1")
        ledger.record_chunk(batch, results)
        written = ledger.export(batch, tmp_path / "out")
        rows = table(written.readings)
        assert written.rows == len(rows)
        return rows, table(written.records)

    return export


def test_every_cell_of_a_page_that_was_read(exported: Callable, read: Callable, field: Callable) -> None:
    low = field("date", "01", Reason.LOW_CONFIDENCE, Reason.WRONG_LENGTH, confidence=0.5, alternatives=())
    readings, records = exported(read("a.png", 2, "X", field("zip", "00412"), low))
    assert ",".join(readings[0]).startswith(FIRST_COLUMNS + ",")
    assert tuple(readings[0]) == READINGS_COLUMNS
    of_page = ["envelope", "2", "20.00 31.50 48.00 8.00", "0.142", "cnn 1", "0.9500", "X", "", ""]
    alternatives = "0472:0.0093;0112:0.0010"
    assert list(readings[0].values()) == [
        "a.png",
        "2",
        "zip",
        "00412",
        "0.9877",
        "false",
        "",
        "",
        "",
        alternatives,
        *of_page,
    ]
    flags = "low_confidence;wrong_length"
    assert list(readings[1].values()) == ["a.png", "2", "date", "01", "0.5000", "true", flags, "", "", "", *of_page]
    status = {"scan": "a.png", "page": "2", "form": "envelope", "status": "needs_review", "to_review": "date"}
    assert records == [status | {"zip": "00412", "date": ""}]


def test_a_page_that_could_not_be_read_has_a_row(exported: Callable, read: Callable, problem: Callable) -> None:
    readings, records = exported(read("a.png"), problem("b.pdf", ProblemReason.ENCRYPTED, sha256="B"))
    told = {name: text for name, text in readings[1].items() if text}
    expected = {"scan": "b.pdf", "page": "0", "needs_review": "true", "reasons": "encrypted", "sha256": "B"}
    assert told == expected | {"detail": "It is encrypted."}
    assert [row["status"] for row in records] == ["accepted", "encrypted"]
    assert records[1]["zip"] == records[1]["to_review"] == ""


def test_a_flagged_value_never_reaches_records(exported: Callable, read: Callable, field: Callable) -> None:
    _, (record,) = exported(read("a.png", 1, "", field("zip", "666", Reason.LOW_CONFIDENCE), field("date", "0102")))
    assert "666" not in record.values()
    assert (record["date"], record["to_review"]) == ("0102", "zip")


def test_columns_of_several_forms(exported: Callable, read: Callable, field: Callable) -> None:
    envelope = read("1.png", 1, "", field("zip", "1"), field("status", "2"), field("=x", "3"), field("date", "4"))
    cheque = read("2.png", 1, "", field("date", "5"), field("amount", "6"), form="cheque")
    _, records = exported(envelope, cheque)
    assert list(records[0]) == [*RECORDS_COLUMNS, "date", "amount", "zip", "status_", "'=x"]
    assert [list(row.values())[5:] for row in records] == [["4", "", "1", "2", "3"], ["5", "6", "", "", ""]]


def test_rows_stand_in_the_order_people_sort(exported: Callable, read: Callable, field: Callable) -> None:
    order = [("a/scan2.png", 1), ("a/scan2.png", 2), ("a/scan2.png", 10), ("a/scan10.png", 1), ("a/scan010b.png", 1)]
    order += [("b.png", 1), ("Ä.png", 1)]
    pages = [read(scan, page, "", field("zip"), field("date"), field("amount")) for scan, page in order]
    random.Random(1).shuffle(pages)
    readings, records = exported(*pages)
    assert [(row["scan"], int(row["page"])) for row in records] == order
    assert [row["field"] for row in readings] == ["zip", "date", "amount"] * len(order)


@given(st.lists(st.integers(0, 10**12), min_size=1), st.text(max_size=5))
def test_numbers_in_names_count_as_numbers(numbers: list[int], start: str) -> None:
    names = [f"{start}-{number}.png" for number in numbers]
    assert sorted(names, key=scan_order) == [f"{start}-{number}.png" for number in sorted(numbers)]


def test_the_same_ledger_gives_the_same_bytes(ledger: Ledger, tmp_path: Path, read: Callable) -> None:
    pages = [read(f"{number}.png") for number in range(30)]
    written = []
    for source, chunk in (("one", pages), ("two", pages[::-1])):
        batch = ledger.open_batch(source, "zip", "1")
        ledger.record_chunk(batch, chunk)
        for _ in range(2):
            export = ledger.export(batch, tmp_path)
            written.append((export.readings.read_bytes(), export.records.read_bytes()))
    assert len(set(written)) == 1
    assert sorted(path.name for path in tmp_path.glob("*.csv*")) == ["readings.csv", "records.csv"]
    assert written[0][0].count(b"\r\n") == written[0][0].count(b"\n") == 31


def test_an_export_sees_one_state(
    ledger: Ledger, tmp_path: Path, read: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    ledger.record_chunk(batch, [read("a.png")])
    stream = csv_export._stream

    def while_another_records(*arguments: object) -> object:
        ledger.record_chunk(batch, [read("b.png", 1, "", form="other")])
        return stream(*arguments)

    monkeypatch.setattr(csv_export, "_stream", while_another_records)
    assert ledger.export(batch, tmp_path).rows == 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_text_survives_the_round_trip(texts: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([cell(text) for text in texts])
    file.seek(0)
    (row,) = csv.reader(file, strict=True)
    assert [text.removeprefix("'") if text.startswith("'") else text for text in row] == texts
    assert not any(text.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")) for text in row)


@pytest.mark.parametrize(
    ("text", "written"),
    [("=1+1", "'=1+1"), ("-12", "'-12"), ("@a", "'@a"), ("\tx", "'\tx"), ("'=1", "''=1"), ("00412", "00412"), ("", "")],
)
def test_no_cell_is_a_formula(text: str, written: str) -> None:
    assert cell(text) == written


def test_hostile_names_survive(exported: Callable, read: Callable, problem: Callable) -> None:
    names = ["=cmd|' /C calc'!A0.png", 'a "b", c.png', "two\r\nlines\n.png", "+1.png", "数字.png", "caf\udce9.png"]
    found, records = exported(*[read(name) for name in names], problem("=x.png", ProblemReason.EMPTY_FILE))
    expected = {cell(name).replace("\udce9", "\\udce9") for name in names} | {"'=x.png"}
    assert {row["scan"] for row in found} == {row["scan"] for row in records} == expected


def test_pandas_reads_it_as_documented(ledger: Ledger, tmp_path: Path, read: Callable) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    ledger.record_chunk(batch, [read("a\r\nb.png")])
    written = ledger.export(batch, tmp_path)
    page = Path(__file__).parents[2] / "docs" / "csv.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for path in (written.readings, written.records):
        code = code.replace(f'"{path.name}"', repr(str(path)))
    names: dict[str, pd.DataFrame] = {}
    exec(code, names)
    assert names["records"]["zip"].tolist() == ["00412"]
    assert names["readings"]["scan"].tolist() == ["a\r\nb.png"]
    assert len(names["to_check"]) == 0


def test_the_documented_columns_are_those_of_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "csv.md").read_text(encoding="utf-8")
    of_file = {part.split("\n")[0]: re.findall(r"^\| `(\w+)`", part, re.MULTILINE) for part in text.split("\n## ")}
    assert tuple(of_file["readings.csv"]) == READINGS_COLUMNS
    assert tuple(of_file["records.csv"]) == RECORDS_COLUMNS


def test_an_export_that_fails_leaves_the_old_files(
    ledger: Ledger, tmp_path: Path, read: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    ledger.record_chunk(batch, [read("a.png")])
    old = ledger.export(batch, tmp_path).readings.read_bytes()
    ledger.record_chunk(batch, [read("b.png")])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv_export, "_record_cells", full)
    with pytest.raises(LedgerError, match="No space left"):
        ledger.export(batch, tmp_path)
    assert (tmp_path / "readings.csv").read_bytes() == old
    assert sorted(path.name for path in tmp_path.glob("*.csv*")) == ["readings.csv", "records.csv"]
    assert list(tmp_path.glob(".*")) == []


def test_a_folder_that_cannot_be_written(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    batch = sqlite_ledger.open_batch("scans", "zip", "1")
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "records.csv").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "taken", Path("/proc/none")):
        with pytest.raises(LedgerError, match="cannot be written into"):
            sqlite_ledger.export(batch, folder)
    assert list((tmp_path / "taken").glob(".*")) == []
