"""A CSV as any spreadsheet saves it -> rows of cells: encodings, separators, lost columns' edges and broken quotes."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ledger.errors import LedgerError

DELIMITERS = (",", ";", "\t", "|")  # spreadsheets save with the one of their country
WINDOWS = "cp1252"
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, which begins alike
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and ods, xls
_LONGEST_ROW = 100  # lines of one row: what goes on for longer is a quote that was never closed
_BLOCK = 1 << 20
_NUMBER = r"-?\d+(?:[.,]\d+)?"
# Columns whose numbers may have got a comma for their point, which splits the cell where commas separate cells.
_SPLITTABLE = {
    "confidence": rf"(?:{_NUMBER})?",
    "alternatives": rf"(?:\d*:{_NUMBER}(?:;\d*:{_NUMBER})*)?",
    "box_mm": rf"(?:{_NUMBER}(?: {_NUMBER}){{3}})?",
    "residual_mm": rf"(?:{_NUMBER})?",
    "threshold": rf"(?:{_NUMBER})?",
    "sha256": r"[^,]*",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``number`` counts as the spreadsheet does, from 1. ``cells`` are None where it has no end."""

    number: int
    cells: list[str] | None
    line: str


@dataclass(frozen=True, slots=True)
class Table:
    """The columns' names as the header has them, how the file is written, and the rows below the header."""

    names: list[str]
    delimiter: str
    encoding: str
    rows: Iterator[Row]


def encoding_of(path: Path) -> str:
    """The encoding of the file: by its byte order mark, else UTF-8, else what Windows writes in western Europe.

    Raises:
        LedgerError: it is a workbook.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith(_WORKBOOKS):
            raise LedgerError(f"{str(path)!r} is a workbook", "save its sheet as CSV UTF-8 and import that")
        marked = next((name for bom, name in _BOMS.items() if start.startswith(bom)), None)
        if marked or b"\0" in start:
            return marked or ("utf-16-be" if start.startswith(b"\0") else "utf-16-le")
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return WINDOWS
    return "utf-8"


def read_table(file: TextIO, encoding: str, needed: set[str]) -> Table | None:
    """The table in a file whose first line that is not empty names all ``needed`` columns; None where it does not.

    A line ``sep=;`` above it, which spreadsheets obey, is passed over.
    """
    number = 1
    for first in file:
        if first.lower().startswith("sep="):
            continue
        if first.strip(" ,;\t|\r\n"):
            break
        number += 1
    else:
        return None
    for delimiter in DELIMITERS:
        names = _names(first, delimiter)
        if needed <= set(names):
            return Table(names, delimiter, encoding, _rows(file, delimiter, names, number + 1))
    return None


def _names(first: str, delimiter: str) -> list[str]:
    return [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter), [])]


def _rows(lines: Iterator[str], delimiter: str, names: Sequence[str], number: int) -> Iterator[Row]:
    """A row that has no end costs itself only: reading goes on with the line after its first."""
    ahead: deque[str] = deque()
    while True:
        taken: list[str] = []
        try:
            cells = next(csv.reader(_taking(ahead, lines, taken), delimiter=delimiter, strict=True), None)
            if cells is None:
                return
        except csv.Error:
            cells = None
            ahead.extendleft(reversed(taken[1:]))
        yield Row(number, cells and _joined(cells, names, delimiter), taken[0])
        number += 1


def _taking(ahead: deque[str], lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    while len(taken) < _LONGEST_ROW:
        line = ahead.popleft() if ahead else next(lines, None)
        if line is None:
            return
        taken.append(line)
        yield line
    raise csv.Error("a quote that is never closed")


def _joined(cells: list[str], names: Sequence[str], delimiter: str) -> list[str]:
    """The cells, with numbers put together that decimal commas cut apart, if there is just one way to do so."""
    if delimiter != "," or len(cells) <= len(names):
        return cells
    ways = list(_alignments(cells, names, len(cells) - len(names)))
    return ways[0] if len(ways) == 1 else cells


def _alignments(cells: Sequence[str], names: Sequence[str], spare: int) -> Iterator[list[str]]:
    """All ways to give each column one cell, or several that make a number with commas, ``spare`` more in all."""
    if not names:
        yield from [[]] if not cells else []
        return
    pattern = _SPLITTABLE.get(names[0])
    for taken in range(1, 2 + (spare if pattern else 0)):
        cell = ",".join(cells[:taken])
        if pattern is None or re.fullmatch(pattern, cell):
            for rest in _alignments(cells[taken:], names[1:], spare - taken + 1):
                yield [cell, *rest]
