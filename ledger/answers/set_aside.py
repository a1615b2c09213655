"""A readings.csv that people may have typed into is renamed before another takes its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ledger.answers.corrected_csv import FOR_PEOPLE, BrokenRow, CorrectedRow, filled_rows
from ledger.answers.spreadsheet import encoding_of, read_table
from ledger.errors import LedgerError


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
        corrected = _may_hold_corrections(readings, recorded)
    except FileNotFoundError:
        return None
    return _renamed(readings) if corrected else None


def _may_hold_corrections(readings: Path, recorded: Callable[[CorrectedRow], bool]) -> bool:
    try:
        encoding = encoding_of(readings)
    except LedgerError:  # not even text
        return True
    with readings.open(encoding=encoding, errors="backslashreplace", newline="") as file:
        table = read_table(file, encoding, set(FOR_PEOPLE))
        if table is not None:
            return any(isinstance(row, BrokenRow) or not recorded(row) for row in filled_rows(table))
        file.seek(0)
        return any(line.strip() for line in file)


def _renamed(readings: Path) -> Path:
    kept = claimed_name(readings, "corrected")
    try:
        return readings.replace(kept)
    except OSError:
        kept.unlink()
        raise


def claimed_name(beside: Path, what: str) -> Path:
    """The next free ``readings.<what>-1.csv`` beside a file, taken by an empty file: nobody else's is overwritten."""
    number = 1
    while True:
        name = beside.with_name(f"{beside.stem}.{what}-{number}{beside.suffix}")
        try:
            name.open("x").close()
        except FileExistsError:
            number += 1
        else:
            return name
