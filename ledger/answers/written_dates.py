"""Dates as spreadsheets write them: which days of the calendar a text can mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_SERIAL_DAY_0 = date(1899, 12, 30)  # day 1 is 1899-12-31 there, and 1900 a leap year: right from March 1900 on
_TIME = re.compile(r"[ T]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?Z?$")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_POINTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4}|\d\d)")
_EITHER_FIRST = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4}|\d\d)")
_DAY_AND_NAME = re.compile(r"(\d{1,2})\.?[ -]([^\W\d]{3,9})\.?[ -](\d{4}|\d\d)")
_NAME_AND_DAY = re.compile(r"([^\W\d]{3,9})\.? (\d{1,2}), ?(\d{4})")
_MONTHS = (
    ("jan",),
    ("feb",),
    ("mar", "m\u00e4r", "mrz"),
    ("apr",),
    ("may", "mai"),
    ("jun",),
    ("jul",),
    ("aug",),
    ("sep",),
    ("oct", "okt"),
    ("nov",),
    ("dec", "dez"),
)
_ORDERS = ("ddmmyyyy", "mmddyyyy", "yyyymmdd", "ddmmyy", "mmddyy", "yymmdd")


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar."""

    day: date

    def written(self, order: str) -> str:
        """The day in an order such as ``ddmmyyyy`` or ``yymmdd``, digits only."""
        year = f"{self.day.year:04d}"
        text = order.replace("yyyy", year).replace("yy", year[2:])
        return text.replace("dd", f"{self.day.day:02d}").replace("mm", f"{self.day.month:02d}")

    def any_order(self) -> set[str]:
        """The day in every order that a form may ask for."""
        return {self.written(order) for order in _ORDERS}


def written_dates(text: str, day_first: bool | None) -> list[Day]:
    """The days that ``text`` can mean, none where it is no date.

    Args:
        text: such as 2024-03-05, 05.03.2024, 5/3/24, 5-Mar-24, with a time behind it or without.
        day_first: of 5/3/2024, whether the 5 is the day; None where it may be either.
    """
    found = set(_calendar(_parts(_TIME.sub("", text), day_first)))
    return [Day(day) for day in sorted(found)]


def serial_day(number: int) -> Day:
    """The day that spreadsheets keep as this number."""
    return Day(_SERIAL_DAY_0 + timedelta(number))


def is_day_first(text: str) -> bool | None:
    """Whether a date such as 25/3/2024 begins with its day; None where it does not tell."""
    found = _EITHER_FIRST.fullmatch(_TIME.sub("", text.strip()))
    if not found or (int(found[1]) > 12) == (int(found[3]) > 12):
        return None
    return int(found[1]) > 12


def _parts(text: str, day_first: bool | None) -> Iterator[tuple[str, int, int]]:
    """Year as written, month and day."""
    if found := _YEAR_FIRST.fullmatch(text):
        yield found[1], int(found[3]), int(found[4])
    elif found := _POINTED.fullmatch(text):
        yield found[3], int(found[2]), int(found[1])
    elif found := _EITHER_FIRST.fullmatch(text):
        first, second = int(found[1]), int(found[3])
        yield from [(found[4], second, first)] if day_first is not False else []
        yield from [(found[4], first, second)] if day_first is not True else []
    elif found := _DAY_AND_NAME.fullmatch(text):
        yield found[3], _month(found[2]), int(found[1])
    elif found := _NAME_AND_DAY.fullmatch(text):
        yield found[3], _month(found[1]), int(found[2])


def _month(name: str) -> int:
    """1 to 12; 0 where it is no month's name."""
    start = name[:3].lower()
    return next((number for number, names in enumerate(_MONTHS, 1) if start in names), 0)


def _calendar(parts: Iterator[tuple[str, int, int]]) -> Iterator[date]:
    for year, month, day in parts:
        centuries = (0,) if len(year) == 4 else (1900, 2000)
        for century in centuries:
            try:
                yield date(century + int(year), month, day)
            except ValueError:  # no such day
                continue
