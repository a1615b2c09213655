"""A parsed form file: its tables as checked entries, the files beside it, and what is found wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from forms.entries import Entry, FieldEntry, faults_of, shown
from forms.errors import Fault

_EntryT = TypeVar("_EntryT", bound=Entry)


class FormDocument:
    """One document, and its faults, gathered so that all are told in one go.

    ``digest`` takes in the file's bytes and those of the files that it names. ``today`` is the day that windows of
    dates are measured from where the form states none.
    """

    def __init__(self, tables: dict[str, Any], path: Path, raw: bytes, today: date) -> None:
        self.path = path
        self.today = today
        self.digest = hashlib.sha256(raw)
        self.faults: list[Fault] = []
        self._tables = tables

    @property
    def whole_image(self) -> bool:
        return self._tables.get("whole_image") is True

    def states(self, key: str) -> bool:
        """Whether there is such a table, sound or not."""
        return key in self._tables

    def fault(self, where: str, problem: str, mend: str) -> None:
        self.faults.append(Fault(self.place(where), problem, mend))

    def add(self, faults: Sequence[Fault]) -> None:
        """Faults whose places were made by ``place``."""
        self.faults += faults

    def place(self, where: str) -> str:
        """How messages name a place in this file."""
        return f"{self.path}: {where}"

    def top(self, model: type[_EntryT]) -> _EntryT | None:
        """The entries that stand in no table."""
        return self._entry(model, self._tables, "")

    def table(self, model: type[_EntryT], key: str) -> _EntryT | None:
        """``[key]``; None after a fault."""
        table = self._tables.get(key)
        if table is None:
            self.fault(f"[{key}]", "is missing", f"Add a [{key}] table; docs/forms.md has an example.")
        return self._entry(model, table, f"[{key}], ") if isinstance(table, dict) else None

    def optional_table(self, model: type[_EntryT], key: str) -> _EntryT | None:
        """``[key]``, by default an empty one; None after a fault."""
        return self.table(model, key) if self.states(key) else self._entry(model, {}, f"[{key}], ")

    def fields(self) -> list[tuple[FieldEntry, str]]:
        """The sound entries of ``[[field]]`` and how messages name each."""
        found = []
        for number, table in self._array("field"):
            name = table.get("name")
            where = f"field {shown(name) if isinstance(name, str) else number}"
            entry = self._entry(FieldEntry, table, f"{where}, ")
            if entry:
                found.append((entry, where))
        return found

    def numbered(self, model: type[_EntryT], key: str) -> list[tuple[_EntryT, str]]:
        """The sound entries of ``[[key]]`` and how messages name each."""
        entries = [(self._entry(model, table, f"{key} {number}, "), number) for number, table in self._array(key)]
        return [(entry, f"{key} {number}") for entry, number in entries if entry]

    def blank(self, stated: str) -> Path | None:
        """The path of the blank that is stated so; its bytes go into the digest. None after a fault."""
        where, path = "[page], blank", self.path.parent / stated
        try:
            with _opened(path) as file:
                empty = not file.peek(1)
                while chunk := file.read(1 << 20):
                    self.digest.update(chunk)
        except (OSError, ValueError) as error:
            self.fault(where, f"{shown(stated)}: {reason_of(error)}", "A blank's path is relative to the form file.")
            return None
        if empty:
            self.fault(where, f"{shown(stated)} is an empty file", "Scan the empty form again.")
        return path

    def head(self, stated: str, most: int) -> bytes:
        """The first ``most`` bytes of a file beside the form; ``OSError`` or ``ValueError`` where there is none."""
        with _opened(self.path.parent / stated) as file:
            return file.read(most)

    def _array(self, key: str) -> list[tuple[int, dict[str, Any]]]:
        tables = self._tables.get(key)
        numbered = enumerate(tables if isinstance(tables, list) else [], start=1)
        return [(number, table) for number, table in numbered if isinstance(table, dict)]

    def _entry(self, model: type[_EntryT], table: dict[str, Any], where: str) -> _EntryT | None:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            self.faults += faults_of(error, model, self.place(where))
            return None


def reason_of(error: Exception) -> str:
    """Why a file cannot be read, in the system's words."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _opened(path: Path) -> BufferedReader:
    if not path.is_file():
        raise FileNotFoundError(2, "there is no such file")
    return path.open("rb")
