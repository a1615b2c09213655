from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.answers.set_aside import set_aside_corrected
from ledger.csv_export import READINGS_COLUMNS
from ledger.errors import LedgerError
from ledger.ledger import Ledger

HEADER = ",".join(READINGS_COLUMNS)
READ = "a.png,1,zip,00412,0.9,true,low_confidence,{},{},00472:0.0093;00112:0.0010,envelope,2,,,cnn,,X,"
UNTOUCHED, CORRECTED = READ.format("", ""), READ.format("00413", "")


def with_semicolons(text: str) -> str:
    return text.replace(";", "|").replace(",", ";")


def text_of(*rows: str) -> bytes:
    return "".join(f"{row}\r\n" for row in rows).encode()


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    return tmp_path / "readings.csv"


@pytest.mark.parametrize(
    "content",
    [
        text_of(HEADER, UNTOUCHED, CORRECTED),
        text_of(HEADER, READ.format("", "Ada"), *[UNTOUCHED] * 3),
        b"\xef\xbb\xbf" + text_of(HEADER, CORRECTED),
        text_of(with_semicolons(HEADER), with_semicolons(CORRECTED)),
        text_of("\t".join(READINGS_COLUMNS), CORRECTED.replace(",", "\t")),
        text_of("reviewer,value,corrected_value", ",1,", ",2,3"),
        text_of('"corrected_value","reviewer"', '"","Ada"'),
        text_of("scan,corrected_value,reviewer", "a.png,7"),
        text_of("scan,corrected_value,reviewer").replace(b"\r\n", b"\r") + b"a.png,7,\r",
        text_of("scan,corrected_value,reviewer") + b"a.png,,M\xfcller\r\n",  # Windows' own encoding
        text_of("scan,corrected_value,reviewer", '"a.png,,', "b.png,7,"),  # a quote that is never closed
        text_of("corrected_value,reviewer", f"{'x' * 200_000},"),
        text_of(HEADER, CORRECTED).decode().encode("utf-16"),
        text_of("scan,corrected,reviewer", "a.png,7,"),
        b"PK\x03\x04 a workbook\0\xff",
    ],
)
def test_what_may_hold_corrections_is_kept_as_it_is(content: bytes, readings: Path) -> None:
    readings.write_bytes(content)
    kept = set_aside_corrected(readings)
    assert kept == readings.with_name("readings.corrected-1.csv")
    assert kept.read_bytes() == content
    assert not readings.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbf\r\n",
        text_of(HEADER),
        text_of(HEADER, UNTOUCHED, "", UNTOUCHED),
        b"\xef\xbb\xbf" + text_of(with_semicolons(HEADER), with_semicolons(UNTOUCHED)),
        text_of(HEADER, UNTOUCHED).decode().encode("utf-16"),
        text_of("reviewer,value,corrected_value", ",1, ", ",2"),  # spreadsheets leave out empty cells at the end
        text_of("detail,corrected_value,reviewer", '"two\r\nlines; a "" and a ,",,'),
    ],
)
def test_what_holds_none_stays(content: bytes, readings: Path) -> None:
    readings.write_bytes(content)
    assert set_aside_corrected(readings) is None
    assert [path.name for path in readings.parent.iterdir()] == ["readings.csv"]


def test_no_file_needs_no_keeping(readings: Path) -> None:
    assert set_aside_corrected(readings) is None


def test_a_kept_file_is_never_overwritten(readings: Path) -> None:
    for number in (1, 2, 4):
        readings.with_name(f"readings.corrected-{number}.csv").write_text("before")
    names = []
    for _ in range(2):
        readings.write_bytes(text_of(HEADER, CORRECTED))
        names.append(getattr(set_aside_corrected(readings), "name", None))
    assert names == ["readings.corrected-3.csv", "readings.corrected-5.csv"]
    assert readings.with_name("readings.corrected-4.csv").read_text() == "before"


@pytest.fixture
def export(sqlite_ledger: Ledger, readings: Path, read: Callable) -> Callable:
    batch = sqlite_ledger.open_batch("scans", "zip", "1")
    sqlite_ledger.record_chunk(batch, [read("a.png")])
    return lambda: sqlite_ledger.export(batch, readings.parent)


def test_an_export_keeps_corrections_once(export: Callable, readings: Path) -> None:
    assert export().kept is None
    fresh = readings.read_bytes()
    assert export().kept is None
    corrected = fresh.replace(b",false,,,,", b",false,,00413,Ada,")
    readings.write_bytes(corrected)
    kept = export().kept
    assert kept is not None
    assert (kept.read_bytes(), readings.read_bytes()) == (corrected, fresh)
    assert corrected != fresh
    assert export().kept is None


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_corrections_outlast_a_failure_at_any_step(
    failing: int, export: Callable, readings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected = text_of(HEADER, CORRECTED)
    readings.write_bytes(corrected)
    replace, done = Path.replace, []

    def fail_once(path: Path, target: Path) -> Path:
        done.append(target)
        if len(done) == failing:
            raise PermissionError(13, "Permission denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail_once)
    with pytest.raises(LedgerError, match="Permission denied"):
        export()
    assert corrected in [path.read_bytes() for path in readings.parent.glob("readings*.csv")]
    assert all(path.stat().st_size for path in readings.parent.glob("*.csv"))
    assert export().readings == readings
    assert [path.read_bytes() for path in readings.parent.glob("readings.corrected-*.csv")] == [corrected]
