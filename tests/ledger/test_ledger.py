import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ledger.counting import BatchSummary
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.tables import crops, pages, readings
from preprocessing.page import ProblemReason
from reading.readings import PageReading, Reason

R = ProblemReason


def counts(ledger: Ledger) -> tuple[int, int, int]:
    """Rows of pages, readings, crops."""
    with ledger._database.read() as connection:
        found = [
            connection.execute(select(func.count()).select_from(each)).scalar() for each in (pages, readings, crops)
        ]
    return tuple(found)


def test_what_is_recorded_can_be_read_back(ledger: Ledger, read: Callable, field: Callable) -> None:
    batch = ledger.open_batch("scans", "envelope", "digest")
    blank = field("date", "", Reason.BLANK, Reason.LOW_CONFIDENCE, confidence=0.25, crop_png=b"")
    ledger.record_chunk(batch, [read("a.png", 3, "X", field("zip", "00412"), blank)])
    with ledger._database.read() as connection:
        page = connection.execute(select(pages)).one()
        zip_row, date_row = connection.execute(select(readings).order_by(readings.c.position)).all()
        crop = connection.execute(select(crops)).one()
    assert (page.scan, page.page, page.sha256, page.problem, page.model) == ("a.png", 3, "X", None, "cnn 1")
    assert abs(page.read_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (zip_row.field, zip_row.value, zip_row.confidence, zip_row.needs_review) == ("zip", "00412", 0.98765, False)
    assert zip_row.alternatives == [["0472", 0.0093], ["0112", 0.001]]
    assert zip_row.digits == [["0", 0.99, 1, 2, 30, 40]]
    assert (zip_row.x_mm, zip_row.y_mm, zip_row.width_mm, zip_row.height_mm) == (20, 31.5, 48, 8)
    assert (date_row.reasons, date_row.needs_review, date_row.value) == ("blank;low_confidence", True, "")
    assert (crop.page_id, crop.position, crop.png) == (page.id, 0, b"\x89PNGzip")


def test_a_batch_is_known_by_source_form_and_digest(ledger: Ledger) -> None:
    first = ledger.open_batch("scans", "zip", "1")
    assert ledger.open_batch("scans", "zip", "1") == first
    others = {ledger.open_batch(*key) for key in [("scans", "zip", "2"), ("scans", "date", "1"), ("other", "zip", "1")]}
    assert len(others | {first}) == 4
    assert [batch.source for batch in ledger.batches()] == ["other", "scans", "scans", "scans"]
    assert ledger.find_batch().source == "other"
    assert ledger.find_batch("scans").form == "date"
    assert ledger.find_batch().opened_at.tzinfo is UTC


def test_a_chunk_recorded_twice_stays_once(ledger: Ledger, read: Callable, problem: Callable) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    chunk = [read("a.png"), read("b.png"), problem("c.png", R.VANISHED), problem("d.png", R.ENCRYPTED, sha256="D")]
    ledger.record_chunk(batch, chunk)
    ledger.record_chunk(batch, chunk)
    ledger.record_chunk(batch, [])
    assert counts(ledger) == (4, 2, 2)


def test_batches_do_not_touch_each_other(ledger: Ledger, read: Callable, problem: Callable) -> None:
    one, two = ledger.open_batch("scans", "zip", "1"), ledger.open_batch("scans", "zip", "2")
    ledger.record_chunk(one, [problem("a.png", R.VANISHED)])
    ledger.record_chunk(two, [read("a.png", sha256="A")])
    assert ledger.recorded(one, ["A"]) == {}
    assert ledger.summary(one).problems == {"vanished": 1}


def test_content_counts_as_recorded_once_nothing_transient_is_left(
    ledger: Ledger, read: Callable, problem: Callable
) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    chunk = [
        read("a.png", sha256="A"),
        problem("copy.png", R.DUPLICATE, sha256="A"),
        problem("b.pdf", R.ENCRYPTED, sha256="B"),
        problem("c.png", R.NO_PERMISSION),
        read("d.pdf", 1, "D"),
        problem("d.pdf", R.INTERNAL_ERROR, 2, "D"),
        problem("e.png", R.DUPLICATE, sha256="E"),
    ]
    ledger.record_chunk(batch, chunk)
    sought = ["A", "B", "D", "E", "never seen", ""]
    assert ledger.recorded(batch, sought) == {"A": "a.png", "B": "b.pdf"}
    ledger.record_chunk(batch, [read("d.pdf", 1, "D"), read("d.pdf", 2, "D"), read("c.png", 1, "C")])
    assert ledger.recorded(batch, [*sought, "C"]) == {"A": "a.png", "B": "b.pdf", "C": "c.png", "D": "d.pdf"}
    assert ledger.summary(batch).problems == {"duplicate": 2, "encrypted": 1}


def test_more_contents_than_a_query_takes(sqlite_ledger: Ledger, read: Callable) -> None:
    batch = sqlite_ledger.open_batch("scans", "zip", "1")
    sqlite_ledger.record_chunk(batch, [read("a.png", sha256="39999")])
    assert sqlite_ledger.recorded(batch, [str(number) for number in range(40_000)]) == {"39999": "a.png"}


def test_summary(ledger: Ledger, read: Callable, field: Callable, problem: Callable) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    low, short = Reason.LOW_CONFIDENCE, Reason.WRONG_LENGTH
    first = read("a.png", 1, "", field("zip"), field("date", "1", low), field("amount", "1", low, short))
    ledger.record_chunk(batch, [first, read("b.png"), problem("c.png", R.BLANK_PAGE, 1, "C")])
    reasons = {"low_confidence": 2, "wrong_length": 1}
    assert ledger.summary(batch) == BatchSummary(2, 4, 2, 2, 0, reasons, {"blank_page": 1})
    assert ledger.summary(ledger.open_batch("empty", "zip", "1")) == BatchSummary(0, 0, 0, 0, 0, {}, {})


def test_any_name_can_be_recorded(ledger: Ledger, read: Callable, problem: Callable) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    names = ["caf\udce9.png", "a\nb, 'c' \"d\".png", "=cmd|' /C calc'!A0.png", "数字.png", "x/" * 2000 + "a.png"]
    chunk = [read(name, sha256=f"{number}") for number, name in enumerate(names)]
    broken = problem("\udcff.png", R.INTERNAL_ERROR)
    ledger.record_chunk(batch, [*chunk, broken])
    ledger.record_chunk(batch, [*chunk, broken])
    assert ledger.recorded(batch, ["0", "1"]) == {"0": "caf\\udce9.png", "1": names[1]}
    assert counts(ledger)[0] == len(names) + 1


@pytest.mark.parametrize(
    ("use", "arguments"),
    [
        (Ledger.record_chunk, (7, [])),
        (Ledger.summary, (7,)),
        (Ledger.export, (7, Path("out"))),
        (Ledger.find_batch, ()),
        (Ledger.find_batch, ("scans",)),
    ],
)
def test_a_batch_that_is_not_there(sqlite_ledger: Ledger, use: Callable, arguments: tuple) -> None:
    with pytest.raises(LedgerError, match="no batch"):
        use(sqlite_ledger, *arguments)


def test_threads_that_record_the_same_chunks(ledger: Ledger, read: Callable, problem: Callable) -> None:
    batch = ledger.open_batch("scans", "zip", "1")
    chunk = [*(read(f"{number}.png") for number in range(50)), problem("a.png", R.VANISHED)]
    with ThreadPoolExecutor(4) as pool:
        # Back and forth, so that the rows are asked for in opposite orders.
        list(pool.map(lambda step: ledger.record_chunk(batch, chunk[::step]), [1, -1] * 4))
    assert counts(ledger) == (51, 50, 50)


def _record(url: str, chunk: list[PageReading]) -> int:
    """In a process of its own: open, get the batch, record; all of it races with the other process."""
    with Ledger.open(url) as ledger:
        batch = ledger.open_batch("scans", "zip", "1")
        for start in range(0, len(chunk), 10):
            ledger.record_chunk(batch, chunk[start : start + 10])
        return batch


def test_processes_that_record_the_same_chunks_into_a_new_ledger(url: str, read: Callable) -> None:
    chunk = [read(f"{number}.png") for number in range(60)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(_record, [url] * 2, [chunk, chunk[::-1]]))
    assert len(set(found)) == 1
    with Ledger.open(url) as ledger:
        assert counts(ledger) == (60, 60, 60)
        assert len(ledger.batches()) == 1


def test_a_copy_that_vanished_does_not_make_the_content_unread(
    sqlite_ledger: Ledger, read: Callable, problem: Callable
) -> None:
    batch = sqlite_ledger.open_batch("scans", "zip", "1")
    sqlite_ledger.record_chunk(batch, [problem("copy.png", R.VANISHED, sha256="A"), read("a.png", sha256="A")])
    assert sqlite_ledger.recorded(batch, ["A"]) == {"A": "a.png"}
