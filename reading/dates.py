"""Dates: whether a string of digits is a day of the calendar within a field's window."""

from __future__ import annotations

from datetime import date

from forms.rules import DateRule

_CENTURIES = (1900, 2000)  # that two digits of a year may belong to


def is_date(rule: DateRule, value: str) -> bool:
    """Whether ``value``, digits only, is a day within the rule's window in one of its formats."""
    return any(_is_day(rule, written, value) for written in rule.formats if len(written) == len(value))


def _is_day(rule: DateRule, written: str, value: str) -> bool:
    day, month = (int(value[written.index(part) :][:2]) for part in ("dd", "mm"))
    if "yyyy" in written:
        years = [int(value[written.index("yyyy") :][:4])]
    else:
        years = [century + int(value[written.index("yy") :][:2]) for century in _CENTURIES]
    return any(_within(rule, year, month, day) for year in years)


def _within(rule: DateRule, year: int, month: int, day: int) -> bool:
    try:
        return rule.first <= date(year, month, day) <= rule.last
    except ValueError:  # no such day
        return False
