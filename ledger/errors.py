"""What can go wrong with a ledger or its CSV, with the mend; and the databases' own error codes behind it."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, OperationalError

from forms.errors import MendableError


class LedgerError(MendableError):
    """A ledger that cannot be used, or a CSV that cannot be written, and what to do about it.

    ``passes``: it may well work in a moment, with nobody doing anything about it.
    """

    def __init__(self, problem: str, mend: str, passes: bool = False):
        super().__init__(problem, mend)
        self.passes = passes


class _Fault(NamedTuple):
    problem: str
    mend: str
    passes: bool = False


_LOCKED = _Fault(
    "was locked by another program for too long", "close the program that holds it open and run again", passes=True
)
_FULL = _Fault("has no room left on its disk", "make room and run again: what was recorded so far is kept")
_READ_ONLY = _Fault("cannot be written", "give write permission to the file and to its folder, or name another place")
_NO_DATABASE = _Fault("is not a ledger database", "name another file, or restore it from a backup")

_SQLITE_FAULTS = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_NOTADB: _NO_DATABASE,
    sqlite3.SQLITE_CORRUPT: _Fault("is damaged", "restore it from a backup, or recover it with sqlite3 .recover"),
    sqlite3.SQLITE_CANTOPEN: _Fault(
        "cannot be opened", "check that its folder exists and may be written, or name another place", passes=True
    ),
    sqlite3.SQLITE_IOERR: _Fault(
        "could not be read or written", "check the disk; a SQLite ledger must not lie on a network share", passes=True
    ),
}

_POSTGRESQL_FAULTS = {
    "55P03": _LOCKED,  # lock_not_available
    "53100": _FULL,  # disk_full
    "25006": _READ_ONLY,  # read_only_sql_transaction
    "42501": _Fault("refuses this user", "grant the user CREATE and USAGE on the schema"),  # insufficient_privilege
}


def ledger_error(error: DBAPIError, where: str) -> LedgerError | None:
    """The ``LedgerError`` behind a database error at ``where`` (a URL without password); None for a defect of ours."""
    fault = _fault(error)
    if fault is None:
        return None
    return LedgerError(f"the ledger {where} {fault.problem}", fault.mend, fault.passes)


def _fault(error: DBAPIError) -> _Fault | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE_FAULTS.get(code & 0xFF)  # the low byte is the primary code
    state = getattr(error.orig, "sqlstate", None)
    if state in _POSTGRESQL_FAULTS:
        return _POSTGRESQL_FAULTS[state]
    lost = state is None or state.startswith(("08", "57P"))  # no connection, or the server shut it
    if lost and isinstance(error, OperationalError):
        reason = next(iter(str(error.orig).splitlines()), "no answer")
        mend = "check that the server runs, and the URL's host, user and database"
        return _Fault(f"cannot be reached ({reason})", mend, passes=True)
    return None
