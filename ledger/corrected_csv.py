"""The readings.csv that people typed into: read as any spreadsheet saves it, and never written over.

Its cells are taken with other delimiters, a byte order mark, columns in another order and empty cells left out at a
row's end.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from ledger.errors import LedgerError

_FOR_PEOPLE = ("corrected_value", "reviewer")
_KEY = ("sha256", "page", "field", "value")
_DELIMITERS = (",", ";", "\t")  # spreadsheets save with the one of their country


@dataclass(frozen=True, slots=True)
class CorrectedRow:
    """A row of readings.csv with something typed into it; ``line`` is where in the file it ends, from 1.

    All texts are as the cells hold them, without the spaces around them and the apostrophe that guards against
    formulas. Columns that the file does not have are "".
    """

    line: int
    sha256: str
    page: str
    field: str
    value: str
    corrected_value: str
    reviewer: str


def corrected_rows(path: Path) -> Iterator[CorrectedRow]:
    """The rows of the CSV at ``path`` whose ``corrected_value`` or ``reviewer`` is filled in.

    Raises:
        LedgerError: the file cannot be read, has none of the two columns or those that say which field is meant, or
            a row cannot be told from the next.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _filled_rows(*_opened(path, file), path)
    except OSError as error:
        raise LedgerError(f"{str(path)!r} cannot be read ({error.strerror})", "name a readings.csv") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{str(path)!r} is not UTF-8", "save it as CSV UTF-8 and import it again") from error


def _opened(path: Path, file: TextIO) -> tuple[Iterator[list[str]], list[str]]:
    """The rows below the header and the columns' names."""
    first = file.readline()
    for delimiter in _DELIMITERS:
        names = _names(first, delimiter)
        if {*_FOR_PEOPLE, *_KEY} <= set(names):
            return csv.reader(file, delimiter=delimiter, strict=True), names
    wanted = ", ".join((*_KEY, *_FOR_PEOPLE))
    raise LedgerError(f"{str(path)!r} is not a readings.csv", f"its first line must name the columns {wanted}")


def _filled_rows(rows: Iterator[list[str]], names: list[str], path: Path) -> Iterator[CorrectedRow]:
    try:
        for line, cells in enumerate(rows, 2):
            row = _row(line, names, cells)
            if row.corrected_value or row.reviewer:
                yield row
    except csv.Error as error:
        problem = f"a row of {str(path)!r} cannot be told from the next ({error})"
        raise LedgerError(problem, "close its quotes and import it again") from error


def _row(line: int, names: list[str], cells: list[str]) -> CorrectedRow:
    found = dict(zip(names, cells, strict=False))  # spreadsheets leave out empty cells at a row's end
    texts = {name: found.get(name, "").strip().removeprefix("'") for name in (*_KEY, *_FOR_PEOPLE)}
    return CorrectedRow(line, **texts)


def set_aside_corrected(readings: Path, recorded: Callable[[CorrectedRow], bool] = lambda _: False) -> Path | None:
    """Rename ``readings`` to the next free ``readings.corrected-1.csv`` if people may have typed into it.

    Memory does not grow with the file. One that cannot be understood may hold corrections too.

    Args:
        readings: the CSV.
        recorded: whether a row's answer is in the ledger, so that nothing is lost with it.

    Returns:
        The new path; None where there is no such file, or nothing in it to keep.

    Raises:
        OSError: the file cannot be read or renamed; it stands where it stood.
    """
    try:
        # Cells in another encoding need only be told from empty ones.
        with readings.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            corrected = _may_hold_corrections(file, recorded)
    except FileNotFoundError:
        return None
    return _renamed(readings) if corrected else None


def _may_hold_corrections(file: TextIO, recorded: Callable[[CorrectedRow], bool]) -> bool:
    first = file.readline()
    for delimiter in _DELIMITERS:
        names = _names(first, delimiter)
        if set(names).issuperset(_FOR_PEOPLE):
            return _any_unrecorded(csv.reader(file, delimiter=delimiter, strict=True), names, recorded)
    return any(line.strip() for line in chain([first], file))


def _any_unrecorded(rows: Iterator[list[str]], names: list[str], recorded: Callable[[CorrectedRow], bool]) -> bool:
    try:
        filled = (row for row in (_row(0, names, cells) for cells in rows) if row.corrected_value or row.reviewer)
        return any(not recorded(row) for row in filled)
    except csv.Error:  # a quote that is never closed, say, hides all that follows
        return True


def _names(first: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]


def _renamed(readings: Path) -> Path:
    kept = _claimed_name(readings)
    try:
        return readings.replace(kept)
    except OSError:
        kept.unlink()
        raise


def _claimed_name(readings: Path) -> Path:
    """The next free name, taken by an empty file, so that nobody else's is ever overwritten."""
    number = 1
    while True:
        kept = readings.with_name(f"{readings.stem}.corrected-{number}{readings.suffix}")
        try:
            kept.open("x").close()
        except FileExistsError:
            number += 1
        else:
            return kept
