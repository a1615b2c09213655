"""The rules of one field as a form file states them -> declared rules, and what is wrong with them."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date

from forms.entries import CheckDigitEntry, DateEntry, shown
from forms.errors import Fault
from forms.rules import FIRST_DAY, LAST_DAY, CheckDigit, CheckScheme, DateRule

_MODULUS = 11


def check_digit_of(
    entry: CheckDigitEntry, length: tuple[int, int], place: str
) -> tuple[CheckDigit | None, list[Fault]]:
    """The check digit of a field whose values have ``length[0]`` to ``length[1]`` digits, and what is wrong with it."""
    rule = CheckDigit(CheckScheme(entry.scheme), tuple(entry.weights or ()), entry.country or "")
    faults = [*_misused_keys(rule, place), *_useless_weights(rule, place)]
    if not faults and not any(length[0] <= known <= length[1] for known in rule.lengths):
        mend = "Make length and check_digit agree; the check digits are part of the value."
        faults.append(Fault(place, f"a number {_numbered(rule)}, and the field has {_digits(length)}", mend))
    return (None if faults else rule), faults


def _misused_keys(rule: CheckDigit, place: str) -> Iterator[Fault]:
    if rule.weights and rule.scheme is not CheckScheme.MOD11:
        yield Fault(f"{place}, weights", f"{rule.scheme} has its own weights", 'Remove it, or write scheme = "mod11".')
    if rule.country and rule.scheme is not CheckScheme.IBAN:
        yield Fault(f"{place}, country", "is for iban only", 'Remove it, or write scheme = "iban".')
    if rule.scheme is CheckScheme.IBAN and not rule.country:
        problem = "is missing: the letters in front of the field count too"
        yield Fault(f"{place}, country", problem, 'Add country = "DE".')


def _useless_weights(rule: CheckDigit, place: str) -> Iterator[Fault]:
    for number, weight in enumerate(rule.weights, start=1):
        if weight % _MODULUS == 0:
            problem = f"{weight} is a multiple of 11: the digit would count for nothing"
            yield Fault(f"{place}, weights {number}", problem, "Write the weight that the issuer states.")


def _numbered(rule: CheckDigit) -> str:
    if rule.weights:
        return f"with {len(rule.weights)} weights has {len(rule.weights)} digits"
    known = rule.lengths
    few = " or ".join(map(str, known)) if len(known) <= 5 else f"{known[0]} to {known[-1]}"
    return f"with the check digit {rule.scheme} has {few} digits"


def _digits(length: tuple[int, int]) -> str:
    return str(length[0]) if length[0] == length[1] else f"{length[0]} to {length[1]}"


def date_of(entry: DateEntry, length: tuple[int, int], today: date, place: str) -> tuple[DateRule | None, list[Fault]]:
    """The dates that a field may hold, measured from the entry's reference day or ``today``, and what is wrong."""
    faults = []
    for written in entry.format:
        if not length[0] <= len(written) <= length[1]:
            problem = f"{shown(written)} has {len(written)} digits, and the field {_digits(length)}"
            faults.append(Fault(f"{place}, format", problem, "Make length and format agree."))
    if entry.reference and entry.months_back is None and entry.months_ahead is None:
        faults.append(Fault(f"{place}, reference", "no window is measured from it", "Add months_back = 12."))
    reference = entry.reference or today
    first = FIRST_DAY if entry.months_back is None else _months_later(reference, -entry.months_back)
    last = LAST_DAY if entry.months_ahead is None else _months_later(reference, entry.months_ahead)
    if first > last:
        problem = f"the window is empty: it would begin on {first} and end on {last}"
        faults.append(Fault(place, problem, "State months_back and months_ahead, or mend reference."))
    return (None if faults else DateRule(tuple(entry.format), first, last)), faults


def _months_later(day: date, months: int) -> date:
    """The same day of another month, or that month's last; no earlier or later than the calendar goes."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year < date.min.year:
        return date.min
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
