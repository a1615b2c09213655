"""Rosters: a column of a CSV file -> the values that a field may have, and what is wrong with the file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence

from forms.entries import RosterEntry, shown
from forms.errors import Fault
from forms.rules import Roster

MAX_ROSTER_BYTES = 100_000_000
_SHOWN = 3  # values that a message names


def roster_of(raw: bytes, entry: RosterEntry, length: tuple[int, int], place: str) -> tuple[Roster | None, list[Fault]]:
    """The values of a roster file.

    Args:
        raw: the bytes of the CSV file, UTF-8, its first row the names of its columns. Comma, semicolon or tab.
        entry: which column.
        length: smallest and largest number of digits of the field.
        place: how messages name the roster.

    Returns:
        The roster, or none and what is wrong: no such column, no values, values twice, values that are no digits or too
        short or long for the field (a spreadsheet drops leading zeros).
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, [Fault(f"{place}, file", f"{shown(entry.file)} is not a text file in UTF-8", "Save it as UTF-8.")]
    try:
        values, faults = _column(text, entry, place)
    except csv.Error as error:
        return None, [Fault(f"{place}, file", f"{shown(entry.file)} is no CSV file ({error})", "Export it again.")]
    faults = faults or [*_bad_values(values, length, place)]
    return (None if faults else Roster(frozenset(values), entry.unique)), faults


def _column(text: str, entry: RosterEntry, place: str) -> tuple[list[str], list[Fault]]:
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)) or [[]]
    names = [name.strip() for name in header]
    if names.count(entry.column) != 1:
        problem = (
            f"{shown(entry.file)} has {'no' if entry.column not in names else 'more than one'} column of that name"
        )
        mend = f"Its columns are {', '.join(names)[:200]}."
        return [], [Fault(f"{place}, column", f"{shown(entry.column)}: {problem}", mend)]
    index = names.index(entry.column)
    values = [row[index].strip() for row in rows if len(row) > index]
    return [value for value in values if value], []


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _bad_values(values: Sequence[str], length: tuple[int, int], place: str) -> Iterator[Fault]:
    if not values:
        yield Fault(f"{place}, column", "holds no values", "Name a column with values in it.")
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        yield Fault(
            f"{place}, column",
            f"{_counted(twice, 'stands', 'stand')} there twice{_such_as(twice)}",
            "Keep one of each.",
        )
    other = [value for value in values if not (value.isascii() and value.isdigit())]
    if other:
        problem = f"{_counted(other, 'is', 'are')} not of digits alone{_such_as(other)}"
        yield Fault(f"{place}, column", problem, "A field is read as digits: write the values so.")
    low, high = length
    unfit = [value for value in values if not low <= len(value) <= high]
    if unfit:
        problem = f"{_counted(unfit, 'has', 'have')} not the {low} to {high} digits of the field{_such_as(unfit)}"
        yield Fault(f"{place}, column", problem, "Mend length, or write leading zeros if a spreadsheet dropped them.")


def _counted(values: Sequence[str], one: str, many: str) -> str:
    return f"1 value {one}" if len(values) == 1 else f"{len(values)} values {many}"


def _such_as(values: Sequence[str]) -> str:
    return f" ({', '.join(shown(value) for value in values[:_SHOWN])}{', ..' if len(values) > _SHOWN else ''})"
