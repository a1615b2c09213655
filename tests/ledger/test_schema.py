import multiprocessing
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, inspect, text
from sqlalchemy.exc import IntegrityError

from ledger.database import connect
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.review.desk import Review
from ledger.review.types import Place, ReviewPolicy, Scope, Seat, Verdict
from ledger.schema import VERSION_TABLE, _config, upgrade
from ledger.tables import metadata, pages


def test_the_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    database = connect(url)
    upgrade(database)
    with database.read() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        for table in metadata.tables.values():
            assert inspect(connection).get_pk_constraint(table.name)["name"] == table.primary_key.name
    database.close()


def test_the_migrations_can_be_undone(url: str) -> None:
    database = connect(url)
    upgrade(database)
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == [VERSION_TABLE]
    upgrade(database)
    database.close()


def test_any_working_folder_and_a_percent_sign_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "100 %d #1?"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with Ledger.open("sqlite:///ledger.sqlite") as ledger:
        assert ledger.batches() == []
    assert (folder / "ledger.sqlite").stat().st_size > 0


def test_postgresql_sorts_by_code_point_whatever_its_locale(postgresql: Any) -> None:
    postgresql.psql("CREATE DATABASE collations")
    with Ledger.open(postgresql.get_uri("collations")) as ledger, ledger._database.read() as connection:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'pages' AND collation_name = 'C'"
        assert set(connection.execute(text(query)).scalars()) == {"scan", "scan_order", "sha256"}


def test_a_new_sqlite_ledger_that_another_program_holds(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, other.execute, ["COMMIT"])
    timer.start()
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        assert ledger.batches() == []
    timer.join()
    other.close()


def _open(url: str) -> list[str]:
    with Ledger.open(url) as ledger, ledger._database.read() as connection:
        return sorted(inspect(connection).get_table_names())


def test_processes_that_open_a_new_ledger_at_once(url: str) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(_open, [url] * 8))
    assert found == [sorted([*metadata.tables, VERSION_TABLE])] * 8


def test_a_newer_schema_is_left_alone(url: str) -> None:
    Ledger.open(url).close()
    database = connect(url)
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="newer version") as error:
        Ledger.open(url)
    assert "upgrade formdigits" in error.value.mend
    database.close()


def test_tables_of_another_software_are_left_alone(url: str) -> None:
    database = connect(url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE pages (number INTEGER)"))
    with pytest.raises(LedgerError, match="another software"):
        Ledger.open(url)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["pages"]
    database.close()


def test_an_open_sqlite_ledger_waits_and_loses_nothing(sqlite_ledger: Ledger) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with sqlite_ledger._database.read() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in pragmas]
    assert found == ["wal", 2, 1, 60_000]


def test_a_page_with_readings_cannot_be_deleted(ledger: Ledger, read: Callable) -> None:
    ledger.record_chunk(ledger.open_batch("scans", "zip", "1"), [read()])
    with pytest.raises(IntegrityError), ledger._database.write() as connection:
        connection.execute(delete(pages))


def test_answers_of_the_second_schema_settle_their_fields(url: str) -> None:
    database = connect(url)
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for statement in _SECOND_SCHEMA:
            connection.execute(text(statement))
    database.close()
    with Ledger.open(url) as ledger:
        review = ledger.review(ReviewPolicy(blind_below=0.0, known_share=0.0))
        (item,) = review.next_items(Seat("Ada", "a"), Scope(batch=1), 9)
        assert item.place == Place(1, 2)
        surest = Review(ledger._database, ReviewPolicy(blind_below=0.9))
        assert (len(review.value_groups(Scope(batch=1), 1)), surest.value_groups(Scope(batch=1), 1)) == (1, [])
        history = review.history(Place(1, 0))
        assert [(change.verdict, change.was, change.value) for change in history] == [
            (Verdict.VALUE, "41", "42"),
            (Verdict.BLANK, "42", ""),
        ]
        progress = review.progress(Scope(batch=1))
        assert (progress.open, progress.settled) == (1, 2)
        assert ledger.summary(1).checked == 1


_ANSWER = "INSERT INTO corrections (page_id, position, value, reviewer, recorded_at) VALUES"
_READING = (
    "INSERT INTO readings (page_id, position, field, value, confidence, needs_review, reasons, alternatives, digits"
)
_SECOND_SCHEMA = (
    "INSERT INTO batches (source, form, form_digest, opened_at, audit_key) VALUES ('s', 'f', 'd', '2026-01-01', 'ab')",
    "INSERT INTO pages (batch_id, scan, scan_order, page, sha256, claim, read_at, form, form_version, threshold)"
    " VALUES (1, 'a', 'a', 1, 'X', '', '2026-01-01', 'f', '1', 0.9)",
    *(
        f"{_READING}, x_mm, y_mm, width_mm, height_mm) VALUES (1, {row}, '[]', '[]', 1, 1, 1, 1)"
        for row in (
            "0, 'zip', '41', 0.5, true, 'low_confidence'",
            "1, 'date', '41', 0.99, false, ''",
            "2, 'sum', '41', 0.99, true, 'audit_sample'",
        )
    ),
    f"{_ANSWER} (1, 0, '42', 'Ada', '2026-01-01')",
    f"{_ANSWER} (1, 0, '', 'Ada', '2026-01-02')",
    f"{_ANSWER} (1, 1, '41', 'Ada', '2026-01-02')",
)


def test_a_ledger_of_the_first_schema_is_brought_up_with_all_it_holds(url: str) -> None:
    database = connect(url)
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = "source, form, form_digest, opened_at"
        for source in ("one", "two"):
            connection.execute(text(f"INSERT INTO batches ({columns}) VALUES ('{source}', 'f', 'd', '2026-01-01')"))
        of_page = "batch_id, scan, scan_order, page, sha256, claim, read_at"
        connection.execute(text(f"INSERT INTO pages ({of_page}) VALUES (1, 'a', 'a', 1, 'X', '', '2026-01-01')"))
    database.close()
    with Ledger.open(url) as ledger:
        with ledger._database.read() as connection:
            keys = connection.execute(text("SELECT audit_key FROM batches")).scalars().all()
        assert len({*keys}) == 2
        assert all(len(key) == 32 for key in keys)
        assert ledger.summary(1).pages == 1
