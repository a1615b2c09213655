"""What people typed into a readings.csv is nowhere else: such a file is kept when a new one takes its place."""

from __future__ import annotations

import csv
from itertools import chain
from pathlib import Path
from typing import TextIO

_FOR_PEOPLE = ("corrected_value", "reviewer")
_DELIMITERS = (",", ";", "\t")  # spreadsheets save with the one of their country


def set_aside_corrected(readings: Path) -> Path | None:
    """Rename ``readings`` to the next free ``readings.corrected-1.csv`` if people may have typed into it.

    Memory does not grow with the file, whose cells are taken as any spreadsheet saves them: other delimiters, a byte
    order mark, columns in another order. One that cannot be understood may hold corrections too.

    Returns:
        The new path; None where there is no such file, or nothing in it to keep.

    Raises:
        OSError: the file cannot be read or renamed; it stands where it stood.
    """
    try:
        # Cells in another encoding need only be told from empty ones.
        with readings.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            corrected = _may_hold_corrections(file)
    except FileNotFoundError:
        return None
    return _renamed(readings) if corrected else None


def _may_hold_corrections(file: TextIO) -> bool:
    first = file.readline()
    for delimiter in _DELIMITERS:
        names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        if set(names).issuperset(_FOR_PEOPLE):
            return _any_filled(file, delimiter, [names.index(name) for name in _FOR_PEOPLE])
    return any(line.strip() for line in chain([first], file))


def _any_filled(file: TextIO, delimiter: str, columns: list[int]) -> bool:
    """Whether any row below the header has text in ``columns``; spreadsheets leave out empty cells at a row's end."""
    try:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        return any(row[column].strip() for row in rows for column in columns if column < len(row))
    except csv.Error:  # a quote that is never closed, say, hides all that follows
        return True


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
