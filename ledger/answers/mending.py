"""What a cell that went through a spreadsheet may have said before: every way to take it, and which one is certain.

A way counts if its value keeps the field's own rules, so that a field with a fixed length, a date or a roster can be
mended where a free amount can not. What two ways could explain is not mended.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from forms.template import Field
from ledger.answers.written_dates import is_day_first, serial_day, written_dates
from reading.rules import broken_rules

AS_WRITTEN = "!"  # behind a value: the paper says exactly this, whatever the rules and the spreadsheet make of it
_EXACT_DIGITS = 15  # of a number in a spreadsheet; the others become 0
_EXPONENT = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_GROUPED = re.compile(r"\d{1,3}(?:([.,'\u2019])\d{3})(?:\1\d{3})*")
_DECIMALS = re.compile(r"(\d+)[.,](0{1,2})")
_SPACES = re.compile(r"[\s\u00a0\u202f]+")


class Mend(StrEnum):
    """What a spreadsheet, or whoever typed into it, had done to a value."""

    ZEROS = "leading zeros were lost"
    EXPONENT = "it was shown with an exponent"
    DATE = "it was shown as a date"
    SERIAL = "it was shown as a count of days"
    GROUPS = "it was shown with separators"
    DECIMALS = "it was shown with decimals"
    DIGITS = "its digits are of another script"


@dataclass(frozen=True, slots=True)
class Habits:
    """What a file shows of the program that saved it.

    ``drops_zeros``: values that were read have lost their leading zeros in it. ``keeps_zeros``: they have not, and
    corrected cells begin with zeros. ``day_first``: whether its dates begin with the day, None where they do not tell.
    """

    drops_zeros: bool = False
    keeps_zeros: bool = False
    day_first: bool | None = None

    @staticmethod
    def of(cells: Iterable[tuple[str, str, str]]) -> Habits:
        """The habits of a file, from (cell of the value, value that was read, corrected cell) of its rows."""
        dropped = kept = False
        first = set()
        for cell, read, typed in cells:
            dropped |= cell != read and read.startswith("0") and lost_zeros(cell, read)
            kept |= len(typed) > 1 and typed.startswith("0") and typed.isdigit()
            first.add(is_day_first(typed))
        told = first - {None}
        return Habits(dropped, kept and not dropped, told.pop() if len(told) == 1 else None)


@dataclass(frozen=True, slots=True)
class Taken:
    """The one value that a cell can mean; ``mend`` is what was done to it, None where it stood so."""

    value: str
    mend: Mend | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """A cell that cannot be taken. ``values`` are what it could mean: several, or none; ``broken`` keeps no rules."""

    values: tuple[str, ...] = ()
    broken: bool = False


def take(typed: str, field: Field | None, read: str, habits: Habits) -> Taken | Unclear:
    """What a cell with a typed value means.

    Args:
        typed: the cell's text, not empty.
        field: the form's field with its rules; None where the form is not known.
        read: the value that the machine read.
        habits: those of the file.
    """
    text = _SPACES.sub("", typed)
    if text.endswith(AS_WRITTEN):
        exact = text.removesuffix(AS_WRITTEN)
        return Taken(exact) if _is_number(exact) else Unclear()
    if _is_number(text):
        return _number(text, field, _padded(typed.strip(), field, read, habits))
    ways = {value: mend for value, mend in _ways(typed.strip(), text, field, habits) if keeps_rules(field, value)}
    if found := _DECIMALS.fullmatch(text):  # zeros may be gone as well
        padded = _padded(found[1], field, read, habits)
        ways |= dict.fromkeys([padded] if padded else [], Mend.DECIMALS)
    if len(ways) == 1:
        return Taken(*next(iter(ways.items())))
    return Unclear(tuple(sorted(ways)))


def _number(text: str, field: Field | None, padded: str | None) -> Taken | Unclear:
    """Digits are what they say, unless they break the rules or zeros may be gone from them."""
    if keeps_rules(field, text) and not _is_cut(text):
        return Unclear((padded, text)) if padded else Taken(text)
    ways = dict.fromkeys([padded] if padded else [], Mend.ZEROS)
    ways |= dict.fromkeys(_serial_dates(text, field), Mend.SERIAL)
    kept = {value: mend for value, mend in ways.items() if keeps_rules(field, value)}
    if len(kept) == 1:
        return Taken(*next(iter(kept.items())))
    return Unclear(tuple(sorted(kept)), broken=not kept and not _is_cut(text))


def _padded(text: str, field: Field | None, read: str, habits: Habits) -> str | None:
    """The text with zeros that it may have lost; None where it is no number, or nothing says that it did."""
    if not _is_number(text):
        return None
    fixed = field is not None and field.min_length == field.max_length
    length = field.max_length if field is not None and fixed else len(read)
    missing = length - len(text)
    if missing <= 0 or (text.startswith("0") and text != "0") or habits.keeps_zeros:
        return None
    zeros = "0" * missing
    had_zeros = read.startswith(zeros) and len(read) == length
    if not (had_zeros or (habits.drops_zeros and (fixed or field is None))):
        return None
    return zeros + text if keeps_rules(field, zeros + text) else None


def has_lost_digits(typed: str) -> bool:
    """Whether a spreadsheet shows fewer digits than were typed."""
    text = _SPACES.sub("", typed)
    return _EXPONENT.fullmatch(text) is not None or (_is_number(text) and _is_cut(text))


def _is_cut(text: str) -> bool:
    """Whether a spreadsheet may have put zeros in place of the digits that it has no room for."""
    return len(text) > _EXACT_DIGITS and not text[_EXACT_DIGITS:].strip("0")


def _ways(typed: str, text: str, field: Field | None, habits: Habits) -> Iterator[tuple[str, Mend]]:
    digits = "".join(str(unicodedata.decimal(sign, -1)) for sign in text)
    if not text.isascii() and digits.isdecimal():
        yield digits, Mend.DIGITS
    if found := _EXPONENT.fullmatch(text):
        yield from ((value, Mend.EXPONENT) for value in _expanded(text, found, field))
    if _GROUPED.fullmatch(text):
        yield re.sub(r"\D", "", text), Mend.GROUPS
    if found := _DECIMALS.fullmatch(text):
        yield found[1], Mend.DECIMALS
        if len(found[2]) > 1:  # cents, perhaps
            yield found[1] + found[2], Mend.GROUPS
    if field is not None and field.date is not None:
        for day in written_dates(typed, habits.day_first):
            yield from ((day.written(order), Mend.DATE) for order in field.date.formats)


def _expanded(text: str, found: re.Match[str], field: Field | None) -> Iterator[str]:
    """1.234E+3 is 1234 and nothing else; of 1.2E+3 digits are gone, but a roster may hold only one such value."""
    first, decimals, exponent = found.groups(default="")
    if len(decimals) == int(exponent):
        yield first + decimals
    elif field is not None and field.roster is not None:
        yield from (value for value in field.roster.values if is_shown_as(text, value))


def _serial_dates(text: str, field: Field | None) -> Iterator[str]:
    if field is not None and field.date is not None and len(text) == 5:
        yield from (serial_day(int(text)).written(order) for order in field.date.formats)


def keeps_rules(field: Field | None, value: str) -> bool:
    """Whether a value has one of the field's lengths and keeps its rules; any number does where there is no field."""
    return field is None or not broken_rules(field, value)


def is_shown_as(cell: str, value: str) -> bool:
    """Whether a spreadsheet may show ``value`` as ``cell``: as a number or as a date, shortened or dressed up."""
    text = _SPACES.sub("", cell)
    if text == value or not (text and value):
        return text == value
    if found := _EXPONENT.fullmatch(text):
        first, decimals, exponent = found.groups(default="")
        return _is_rounded(value.lstrip("0"), first + decimals, int(exponent))
    if found := _DECIMALS.fullmatch(text):
        text = found[1]
    elif _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    return lost_zeros(text, value) or any(value in day.any_order() for day in written_dates(cell.strip(), None))


def lost_zeros(cell: str, value: str) -> bool:
    """Whether the cell holds the number that ``value`` is, to as many digits as a spreadsheet keeps."""
    if not _is_number(cell):
        return False
    cell, value = cell.lstrip("0"), value.lstrip("0")
    return cell == value or (_is_cut(cell) and len(cell) == len(value) and cell[:15] == value[:15])


def _is_rounded(number: str, kept: str, exponent: int) -> bool:
    if len(number) != exponent + 1 or len(number) < len(kept):
        return False
    unit = 10 ** (len(number) - len(kept))
    return (2 * int(number) + unit) // (2 * unit) == int(kept)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
