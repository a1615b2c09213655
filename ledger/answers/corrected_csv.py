"""The readings.csv that people typed into: read as any spreadsheet saves it, and never written over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.answers.spreadsheet import Row, Table, encoding_of, read_table
from ledger.errors import LedgerError

FOR_PEOPLE = ("corrected_value", "reviewer")
_KEY = ("sha256", "page", "field")
_ANSWER = "answer_id"
_LONGEST_NUMBER = 16  # digits; longer ones a spreadsheet does not keep
_NEEDED = {*_KEY, *FOR_PEOPLE}


@dataclass(frozen=True, slots=True)
class CorrectedRow:
    """A row of readings.csv with something typed into it; ``line`` is its number in a spreadsheet, from 1.

    All texts are as the cells hold them, without the spaces around them and the apostrophe that guards against
    formulas. ``value`` is None where the file has no such column: then it cannot tell whether rows were sorted apart.
    ``seen`` is the id of the ledger's answer that the row showed,
    None where it showed none. ``cells`` are the row's own, in the order of the file's columns.
    """

    line: int
    sha256: str
    page: str
    field: str
    value: str | None
    corrected_value: str
    reviewer: str
    seen: int | None = None
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that has no end: a quote in it is not closed. ``cells`` are those of its first line, as if it had none."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CorrectedFile:
    """A readings.csv that is open: how it is written, its columns, and its filled and its broken rows."""

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    rows: Iterator[CorrectedRow | BrokenRow]


@contextmanager
def open_corrected(path: Path) -> Iterator[CorrectedFile]:
    """The CSV at ``path``, with the rows whose ``corrected_value`` or ``reviewer`` is filled in.

    Raises:
        LedgerError: the file cannot be read, is none of text, or does not name the columns that say which field is
            meant and what people typed.
    """
    try:
        encoding = encoding_of(path)
        with path.open(encoding=encoding, errors="backslashreplace", newline="") as file:
            table = read_table(file, encoding, _NEEDED)
            if table is None:
                raise _no_readings(path)
            yield CorrectedFile(encoding, table.delimiter, tuple(table.names), filled_rows(table))
    except OSError as error:
        raise LedgerError(f"{str(path)!r} cannot be read ({error.strerror})", "name a readings.csv") from error


def _no_readings(path: Path) -> LedgerError:
    wanted = ", ".join((*_KEY, *FOR_PEOPLE))
    return LedgerError(f"{str(path)!r} is not a readings.csv", f"its first line must name the columns {wanted}")


def filled_rows(table: Table) -> Iterator[CorrectedRow | BrokenRow]:
    """The rows of a table that hold something for the ledger, and those that cannot be told apart."""
    for row in table.rows:
        if row.cells is None:
            yield BrokenRow(row.number, tuple(row.line.rstrip("\r\n").replace('"', "").split(table.delimiter)))
        elif row.cells != table.names:  # two files, one behind the other
            filled = _corrected(row, row.cells, table.names)
            if filled.corrected_value or filled.reviewer:
                yield filled


def _corrected(row: Row, cells: Sequence[str], names: Sequence[str]) -> CorrectedRow:
    found = dict(zip(names, cells, strict=False))  # spreadsheets leave out empty cells at a row's end
    texts = {name: found.get(name, "").strip().removeprefix("'") for name in (*_KEY, *FOR_PEOPLE)}
    page = _whole_number(texts.pop("page"))
    value = found.get("value", "").strip().removeprefix("'") if "value" in names else None
    seen = _whole_number(found.get(_ANSWER, ""))
    told = "" if page is None else str(page)
    return CorrectedRow(row.number, page=told, value=value, **texts, seen=seen, cells=tuple(cells))


def _whole_number(text: str) -> int | None:
    """The number that a cell such as ``1`` or ``1.0`` holds; None where it holds another or none."""
    whole = text.strip().replace(",", ".").removesuffix(".0")
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < _LONGEST_NUMBER else None
