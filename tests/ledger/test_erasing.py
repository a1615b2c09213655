"""What was erased cannot be found in the database's files, and what was counted still counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from ledger.answers.refusals import Refusal
from ledger.erasing import Erasure
from ledger.ledger import Ledger
from ledger.review.known_answers import KnownAnswer
from ledger.review.types import Place, Scope, Seat, Verdict
from ledger.tables import earlier_readings, metadata, pages
from reading.readings import Reason
from tests.ledger.test_corrections import table

VALUES = ("73519462", "73519468", "73511111", "73522222", "73533333")
READ, OTHER, CORRECTED, KEPT, EARLIER = VALUES
CROP = b"\x89PNG only this page's ink "


@pytest.fixture
def batch(ledger: Ledger, read: Callable, field: Callable) -> int:
    made = ledger.open_batch("/scans", "zip", "1")
    for number in range(3):
        fields = [
            field("low", READ, Reason.LOW_CONFIDENCE, alternatives=((OTHER, 0.1),), crop_png=CROP),
            field("empty", "", Reason.BLANK),
            field("sampled", READ, Reason.AUDIT_SAMPLE, crop_png=CROP),
            field("sure", READ, crop_png=CROP),
        ]
        ledger.record_chunk(made, [read(f"{number}.png", 1, f"sha{number}", *fields)])
    return made


@pytest.fixture
def answered(ledger: Ledger, batch: int, tmp_path: Path) -> int:
    """Answers to the first page: a wrong value, a wrong one of the audit sample, a right one; and known answers."""
    path = tmp_path / "in.csv"
    rows = [f"sha0,1,low,{CORRECTED},Ada", f"sha0,1,sampled,{CORRECTED},Ada", f"sha1,1,sampled,{READ},Ada"]
    path.write_text("\n".join(["sha256,page,field,corrected_value,reviewer", *rows]))
    assert ledger.import_corrections(path).recorded == 3
    path.unlink()
    ledger.review().add_known([KnownAnswer(Place(1, 3), Verdict.VALUE, KEPT)])
    again = {"page_id": 1, "position": 0, "value": EARLIER, "confidence": 0.5, "needs_review": True, "reasons": ""}
    with ledger._database.write() as connection:
        made = again | {"alternatives": [[OTHER, 0.5]], "digits": [], "replaced_at": datetime.now(UTC)}
        connection.execute(earlier_readings.insert(), [made])
    return batch


def statistics(ledger: Ledger, batch: int) -> list[Any]:
    report = ledger.report_rows(batch, 0, 0)
    audited = sorted((field.field, field.answer == field.value, field.answer is None) for field in ledger.audited())
    return [
        ledger.summary(batch),
        report.accepted,
        report.flagged,
        report.answered,
        audited,
        ledger.review().statistics(),
    ]


def everything(ledger: Ledger) -> str:
    with ledger._database.read() as connection:
        return "".join(str(connection.execute(select(one)).all()) for one in metadata.sorted_tables)


def test_values_and_images_go_and_statistics_stay(ledger: Ledger, answered: int) -> None:
    before = statistics(ledger, answered)
    assert all(value in everything(ledger) for value in VALUES)
    assert ledger.erase("/scans") == Erasure(pages=3, values=9, images=12, answers=3)
    told = everything(ledger)
    assert not [value for value in (*VALUES, "only this page") if value in told]
    assert statistics(ledger, answered) == before
    assert ledger.erase("/scans") == Erasure(0, 0, 0, 0)


def test_no_byte_is_left_in_the_files(sqlite_ledger: Ledger, tmp_path: Path, read: Callable, field: Callable) -> None:
    batch = sqlite_ledger.open_batch("/scans", "zip", "1")
    sqlite_ledger.record_chunk(batch, [read("0.png", 1, "sha", field("low", READ, Reason.BLANK, crop_png=CROP * 500))])
    files = [path for path in tmp_path.iterdir() if path.name.startswith("ledger.sqlite")]
    sought = (READ.encode(), CROP)
    assert all(any(one in path.read_bytes() for path in files) for one in sought)
    with sqlite_ledger._database.engine.connect() as connection:  # the pool's one connection, which erases
        connection.exec_driver_sql("PRAGMA secure_delete = OFF")  # as most builds of SQLite have it
    sqlite_ledger.erase()
    assert not any(one in path.read_bytes() for path in tmp_path.iterdir() for one in sought)


def test_postgresql_writes_its_tables_anew(postgresql: Any, read: Callable, field: Callable) -> None:
    postgresql.psql("CREATE DATABASE erased")
    with Ledger.open(str(postgresql.get_uri("erased"))) as ledger:
        batch = ledger.open_batch("/scans", "zip", "1")
        ledger.record_chunk(batch, [read("0.png", 1, "sha", field("low", READ, Reason.BLANK, crop_png=CROP))])
        ledger.erase()
        with ledger._database.read() as connection:
            connection.execute(text("SET enable_seqscan = on"))
            found = [
                connection.execute(text(f"SELECT pg_relation_filepath('{name}')")).scalar()
                for name in ("readings", "crops")
            ]
        postgresql.psql("CHECKPOINT")
        folder = Path(postgresql.pgdata)
        assert not any(one in (folder / name).read_bytes() for name in found for one in (READ.encode(), CROP))


def test_only_what_is_old_or_of_these_scans(sqlite_ledger: Ledger, read: Callable) -> None:
    batches = [sqlite_ledger.open_batch(source, "zip", "1") for source in ("/a", "/b")]
    for batch in batches:
        sqlite_ledger.record_chunk(batch, [read("0.png"), read("1.png")])
    now = datetime.now(UTC)
    with sqlite_ledger._database.write() as connection:
        connection.execute(update(pages).where(pages.c.scan == "0.png").values(read_at=now - timedelta(days=9)))
    assert sqlite_ledger.erasable(None, now - timedelta(days=1)).pages == 2
    assert sqlite_ledger.erase("/a", now - timedelta(days=1)).pages == 1
    assert sqlite_ledger.erase("/a").pages == 1
    assert sqlite_ledger.erasable().pages == 2


def test_erased_fields_are_shown_as_such_and_given_to_nobody(
    sqlite_ledger: Ledger, read: Callable, field: Callable, tmp_path: Path
) -> None:
    batch = sqlite_ledger.open_batch("/scans", "zip", "1")
    fields = field("low", READ, Reason.LOW_CONFIDENCE), field("sure", READ)
    sqlite_ledger.record_chunk(batch, [read("0.png", 1, "sha0", *fields)])
    sqlite_ledger.review().add_known([KnownAnswer(Place(1, 1), Verdict.VALUE, READ)])
    old = sqlite_ledger.export(batch, tmp_path / "old").readings
    old.write_text(old.read_text().replace(",low_confidence,,,", f",low_confidence,{CORRECTED},Ada,"))
    sqlite_ledger.erase()
    refused = sqlite_ledger.import_corrections(old).refused
    assert [row.refusal for row in refused] == [Refusal.UNKNOWN]
    assert CORRECTED not in everything(sqlite_ledger)
    written = sqlite_ledger.export(batch, tmp_path)
    rows = table(written.readings)
    assert [(row["value"], row["alternatives"], row["needs_review"]) for row in rows] == [("", "", "false")] * 2
    assert all(row["detail"].startswith("Erased on 20") for row in rows)
    (record,) = table(written.records)
    assert (record["status"], record["low"], record["sure"]) == ("erased", "", "")
    assert sqlite_ledger.review().next_items(Seat("Ada", "tab"), Scope(batch=batch), 5) == []
    assert sqlite_ledger.export_tasks(batch, tmp_path).count == 0
    assert sqlite_ledger.fields(batch, "envelope", "low") == []
    assert sqlite_ledger.recorded(batch, ["sha0"]) == {"sha0": "0.png"}  # it is not read again
