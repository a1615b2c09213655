"""What waits for people may be read again; what they decided, or are about to, may not; nothing is lost by it."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from ledger.ledger import Ledger
from ledger.rereading import RecordedPage, Reread, RereadCount
from ledger.review.types import Answer, Scope, Seat, Verdict
from ledger.tables import earlier_readings
from reading.readings import PageReading, Reason

LOW = Reason.LOW_CONFIDENCE
ANN = Seat("ann", "s1")


@pytest.fixture
def batch(ledger: Ledger, read: Callable[..., Any], field: Callable[..., Any]) -> int:
    """Two pages; on each ``zip`` is flagged and ``no`` is accepted."""
    batch = ledger.open_batch("scans", "f", "1")
    fields = (field("zip", "0412", LOW), field("no", "7"))
    ledger.record_chunk(batch, [read(name, 1, "", *fields) for name in ("a.png", "b.png")])
    return batch


def recorded(ledger: Ledger, batch: int) -> list[RecordedPage]:
    return [page for pages in ledger.rereading().pages(batch) for page in pages]


def again(page: RecordedPage, reading: PageReading, *positions: int) -> Reread:
    return Reread(page.id, replace(reading, sha256=page.sha256, model="cnn 2"), positions)


def rows(ledger: Ledger, batch: int, folder: Path) -> list[dict[str, str]]:
    with ledger.export(batch, folder).readings.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_field_read_again_takes_the_place_of_what_was_read(
    ledger: Ledger, batch: int, read: Callable[..., Any], field: Callable[..., Any], tmp_path: Path
) -> None:
    first, second = recorded(ledger, batch)
    png = b"\x89PNGzip"
    assert [(one.field, one.is_open, one.png) for one in first.fields] == [("zip", True, png), ("no", False, b"")]
    assert (first.form, first.residual_mm, first.fields[1].values[0]) == ("envelope", 0.1416, ("7", 0.98765))
    zips = field("zip", "0472"), field("zip", "0413", LOW, confidence=0.5)
    new = [read(scan, 1, "", one, field("no", "8")) for scan, one in zip(("a.png", "b.png"), zips, strict=True)]
    rereads = [again(first, new[0], 0), again(second, new[1], 0)]
    assert ledger.rereading().record(batch, rereads) == RereadCount(fields=2, changed=2, accepted=1)
    assert [(row["value"], row["needs_review"], row["model"]) for row in rows(ledger, batch, tmp_path)] == [
        ("0472", "false", "cnn 2"),
        ("7", "false", "cnn 1"),
        ("0413", "true", "cnn 2"),
        ("7", "false", "cnn 1"),
    ]
    assert [item.scan for item in ledger.review().next_items(ANN, Scope(batch), 5)] == ["b.png"]
    with ledger._database.read() as connection:
        kept = connection.execute(select(earlier_readings)).mappings().all()
    assert [(row["value"], row["model"], row["reasons"]) for row in kept] == [("0412", "cnn 1", "low_confidence")] * 2
    assert kept[0]["alternatives"] == [["0472", 0.0093], ["0112", 0.001]]


def test_read_again_as_before_nothing_is_recorded(
    ledger: Ledger, batch: int, read: Callable[..., Any], field: Callable[..., Any]
) -> None:
    page = recorded(ledger, batch)[0]
    same = [again(page, read("a.png", 1, "", field("zip", "0413", LOW), field("no", "7")), 0)]
    assert ledger.rereading().record(batch, same).fields == 1
    assert ledger.rereading().record(batch, same).fields == 0


@pytest.mark.parametrize("meanwhile", ["answered", "on a screen"])
def test_what_people_are_at_is_left_alone(
    meanwhile: str, ledger: Ledger, batch: int, read: Callable[..., Any], field: Callable[..., Any]
) -> None:
    pages = recorded(ledger, batch)
    item = ledger.review().next_items(ANN, Scope(batch), 1)[0]
    if meanwhile == "answered":
        ledger.review().save(ANN, Answer(item.place, uuid4().hex, Verdict.VALUE, "0499"))
    assert {page.id for page in recorded(ledger, batch)} == {page.id for page in pages} - {item.place.page_id}
    new = read("a.png", 1, "", field("zip", "0472"), field("no", "7"))
    assert ledger.rereading().record(batch, [again(page, new, 0) for page in pages]).fields == 1
    values = {one.page_id: one.values[0][0] for one in ledger.fields(batch, "envelope", "zip")}
    assert values[item.place.page_id] == ("0499" if meanwhile == "answered" else "0412")


def test_the_audit_sample_stays_and_is_drawn_of_what_is_accepted_now(
    ledger: Ledger, read: Callable[..., Any], field: Callable[..., Any]
) -> None:
    batch = ledger.open_batch("scans", "f", "1")
    ledger.record_chunk(batch, [read("a.png", 1, "", field("zip", "0412"), field("no", "7", LOW))], audit_share=1.0)
    (page,) = recorded(ledger, batch)
    assert [one.is_open for one in page.fields] == [False, True]
    new = [again(page, read("a.png", 1, "", field("zip", "1"), field("no", "9")), 0, 1)]
    assert ledger.rereading().record(batch, new, audit_share=1.0) == RereadCount(fields=1, changed=1, accepted=1)
    audited = sorted((one.field, one.value, one.group.model) for one in ledger.audited())
    assert audited == [("no", "9", "cnn 2"), ("zip", "0412", "cnn 1")]
