"""A ledger's URL -> an engine set up so that a crash loses nothing and two programs can write at once."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from ledger.errors import LedgerError, ledger_error
from ledger.tables import metadata

WAIT_S = 60  # how long a write waits for another program's write
_COMPACT_MEND = "what was erased is erased; close it and erase once more, so that no copy is left in the log"
_URL_MEND = "write sqlite:///folder/ledger.sqlite or postgresql+psycopg://user@host/database"


class Database:
    """An engine and its kinds of transaction."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.where = engine.url.render_as_string(hide_password=True)
        # FULL: a commit is on the disk when it returns, even if the power fails, for what a person decided cannot be
        # read again from the scans. It costs one fsync a transaction. NORMAL may lose the last commits then.
        self._writer = engine.execution_options(ledger_begin=("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"))
        self._hasty = engine.execution_options(ledger_begin=("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"))
        # SQLite lets those who wait for its lock ask again at growing intervals; threads can take turns at once.
        self._turn: AbstractContextManager[Any] = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        # PostgreSQL's default gives each statement another state of the data; an export must see one.
        # SQLite in WAL mode sees one state a transaction anyway.
        level = "REPEATABLE READ" if engine.dialect.name == "postgresql" else "SERIALIZABLE"
        self._reader = engine.execution_options(isolation_level=level)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing. On SQLite it holds the write lock from its start.

        Raises:
            LedgerError: the database was locked for too long, is full, read-only, damaged or cannot be reached.
        """
        with self._named_errors(), self._turn, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def write_leases(self) -> Iterator[Connection]:
        """One transaction that does not wait for the disk: if the power fails it may be forgotten, and nothing else.

        Raises:
            LedgerError: as for ``write``.
        """
        with self._named_errors(), self._turn, self._hasty.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that sees one state of the data and hinders no writer.

        Raises:
            LedgerError: the database is damaged or cannot be reached.
        """
        with self._named_errors(), self._reader.begin() as connection:
            yield connection

    def compact(self) -> None:
        """Write the ledger's tables anew, so that no byte of what was removed is left in the database's files.

        Raises:
            LedgerError: another program reads or writes all the time, or there is no room for a second copy.
        """
        with self._named_errors(), self._turn:
            if self.engine.dialect.name == "postgresql":
                _compact_postgresql(self.engine)
            elif not _compact_sqlite(self.engine):
                raise LedgerError(f"the ledger {self.where} is read by another program", _COMPACT_MEND)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            named = ledger_error(error, self.where)
            if named is None:
                raise
            raise named from error


def connect(url: str) -> Database:
    """The database at ``url``; nothing is read or written yet.

    Raises:
        LedgerError: ``url`` is no SQLite file or PostgreSQL database, its folder or its driver is missing.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return Database(_sqlite(parsed))
    return Database(_postgresql(parsed))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError(f"{url!r} is not a database URL", _URL_MEND) from error
    name = parsed.get_backend_name()
    if name not in ("sqlite", "postgresql", "postgres"):
        raise LedgerError(f"a ledger cannot be kept in {name!r}", _URL_MEND)
    return parsed if name == "sqlite" else parsed.set(drivername="postgresql+psycopg")


def _sqlite(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise LedgerError("a ledger in memory would be lost at the end", "name a file: sqlite:///folder/ledger.sqlite")
    # A missing folder may be a share that is not mounted: a new, empty ledger there would read every page again.
    folder = Path(str(url.database)).absolute().parent
    if not folder.is_dir():
        raise LedgerError(f"the ledger's folder {str(folder)!r} does not exist", "make it, or name another place")
    engine = create_engine(url, connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's driver would begin transactions by itself, late and not before DDL: _begin_sqlite does it instead.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work at once. The switch itself does not wait for locks, so it is tried again."""
    deadline = time.monotonic() + WAIT_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    for statement in connection.get_execution_options().get("ledger_begin", ("BEGIN",)):
        connection.exec_driver_sql(statement)


def _compact_sqlite(engine: Engine) -> bool:
    """Whether nothing is left in the write-ahead log either: whoever reads keeps it as it is."""
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")  # neither statement goes inside a transaction
        connection.exec_driver_sql("VACUUM")
        return connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar() == 0


def _compact_postgresql(engine: Engine) -> None:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for table in metadata.sorted_tables:
            connection.exec_driver_sql(f'VACUUM (FULL) "{table.name}"')


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise LedgerError(
            "the driver for PostgreSQL is not installed", "pip install 'formdigits[postgresql]'"
        ) from error
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _set_up_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{WAIT_S}s'")
    connection.commit()
