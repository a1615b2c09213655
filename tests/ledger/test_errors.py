import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from ledger import database
from ledger.errors import LedgerError, ledger_error
from ledger.ledger import Ledger


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ledger.sqlite", "is not a database URL"),
        ("", "is not a database URL"),
        ("mysql://host/database", "cannot be kept in 'mysql'"),
        ("sqlite://", "would be lost"),
        ("sqlite:///:memory:", "would be lost"),
        ("sqlite:///{folder}/none/ledger.sqlite", "does not exist"),
        ("sqlite:///{folder}", "cannot be opened"),
        ("sqlite:///{folder}/picture.png", "is not a ledger database"),
        ("postgresql://user:secret@127.0.0.1:1/none", "cannot be reached"),
    ],
)
def test_ledgers_that_cannot_be_opened(tmp_path: Path, url: str, problem: str) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG" * 1000)
    with pytest.raises(LedgerError, match=problem) as error:
        Ledger.open(url.format(folder=tmp_path))
    assert error.value.mend
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(database, "create_engine", no_driver)
    with pytest.raises(LedgerError, match="driver") as error:
        Ledger.open("postgresql+psycopg://host/database")
    assert "formdigits[postgresql]" in error.value.mend


def test_a_database_that_is_not_there(postgresql: Any) -> None:
    with pytest.raises(LedgerError, match=r"cannot be reached.*does not exist"):
        Ledger.open(postgresql.get_uri("nowhere"))


def test_a_ledger_that_is_locked_for_too_long(url: str, read: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.2)
    with Ledger.open(url) as one, Ledger.open(url) as two:
        batch = one.open_batch("scans", "zip", "1")
        with one._database.write() as connection:
            connection.execute(text("UPDATE batches SET source = 'locked'"))
            with pytest.raises(LedgerError, match="locked by another program"):
                two.record_chunk(batch, [read()])
        two.record_chunk(batch, [read()])


def test_a_full_disk_keeps_what_was_there(sqlite_url: str, read: Callable) -> None:
    with Ledger.open(sqlite_url) as ledger:
        batch = ledger.open_batch("scans", "zip", "1")
        ledger.record_chunk(batch, [read("first.png")])
        ledger.close()

        @event.listens_for(ledger._database.engine, "connect")
        def _small_disk(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("PRAGMA max_page_count = 40")

        with pytest.raises(LedgerError, match="no room left"):
            ledger.record_chunk(batch, [read(f"{number}.png") for number in range(1000)])
        assert ledger.summary(batch).pages == 1


@pytest.mark.parametrize(
    ("cause", "problem"),
    [
        (psycopg.errors.DiskFull(), "no room left"),
        (psycopg.errors.LockNotAvailable(), "locked"),
        (psycopg.errors.InsufficientPrivilege(), "refuses this user"),
        (psycopg.errors.ReadOnlySqlTransaction(), "cannot be written"),
        (psycopg.errors.AdminShutdown("terminating connection"), "cannot be reached (terminating connection)"),
        (psycopg.errors.UniqueViolation(), None),
        (psycopg.ProgrammingError(), None),
    ],
)
def test_what_a_database_error_means(cause: Exception, problem: str | None) -> None:
    wrapped = DBAPIError.instance("SELECT", None, cause, psycopg.Error)
    named = ledger_error(wrapped, "postgresql+psycopg://host/db")
    assert (named is None) == (problem is None)
    assert problem is None or problem in str(named)


def test_a_sqlite_file_that_may_not_be_written(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.sqlite").execute("CREATE TABLE a (b)").connection.close()
    read_only = sqlite3.connect(f"file:{tmp_path}/a.sqlite?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as error:
        read_only.execute("INSERT INTO a VALUES (1)")
    assert "cannot be written" in str(ledger_error(DBAPIError("INSERT", None, error.value), "a.sqlite"))


def test_an_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(LedgerError("it is locked", "run again")))
    assert (str(error), error.problem, error.mend) == ("it is locked; run again", "it is locked", "run again")
