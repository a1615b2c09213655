"""Cells that a spreadsheet changed: what is taken, what is refused, and what is never guessed."""

from dataclasses import replace
from datetime import date

import pytest

from forms.rules import CheckDigit, CheckScheme, DateRule, Roster
from forms.template import Box, Field, FieldKind
from ledger.answers.mending import Habits, Mend, Taken, Unclear, is_shown_as, keeps_rules, take
from ledger.answers.written_dates import written_dates

FREE = Field("amount", FieldKind.FREEHAND, (Box(0, 0, 30, 8),), 1, 20)
FIVE = replace(FREE, name="zip", min_length=5, max_length=5)
DAY = replace(FIVE, name="date", min_length=8, max_length=8, date=DateRule(("ddmmyyyy",)))
SHORT_DAY = replace(DAY, min_length=6, max_length=6, date=DateRule(("ddmmyy",)))
THIS_YEAR = replace(DAY, date=DateRule(("ddmmyyyy",), date(2024, 2, 1), date(2024, 4, 30)))
EITHER = replace(DAY, date=DateRule(("ddmmyyyy", "mmddyyyy")))
CARD = replace(FREE, min_length=16, max_length=16, check_digit=CheckDigit(CheckScheme.LUHN))
STOCK = replace(FREE, roster=Roster(frozenset({"123456789012", "123499999999", "999999999999"})))
PLAIN, DROPS, KEEPS = Habits(), Habits(drops_zeros=True), Habits(keeps_zeros=True)


@pytest.mark.parametrize(
    ("typed", "field", "read", "habits", "value", "mend"),
    [
        ("412", FREE, "700", PLAIN, "412", None),
        ("04 12", FREE, "700", PLAIN, "0412", None),
        ("412", None, "700", PLAIN, "412", None),
        # Zeros: the length says how many, the file or the reading that there were some.
        ("412", FIVE, "71234", DROPS, "00412", Mend.ZEROS),
        ("413", FIVE, "00412", PLAIN, "00413", Mend.ZEROS),
        ("41", FREE, "7", DROPS, "41", None),
        ("412", FREE, "0412!", PLAIN, "412", None),
        ("412!", FIVE, "00412", DROPS, "412", None),
        # Dates
        ("2024-03-05", DAY, "1", PLAIN, "05032024", Mend.DATE),
        ("2024-03-05 00:00:00", DAY, "1", PLAIN, "05032024", Mend.DATE),
        ("05.03.2024", DAY, "1", PLAIN, "05032024", Mend.DATE),
        ("5.3.24", SHORT_DAY, "1", PLAIN, "050324", Mend.DATE),
        ("5-Mar-24", THIS_YEAR, "1", PLAIN, "05032024", Mend.DATE),
        ("25/3/2024", DAY, "1", PLAIN, "25032024", Mend.DATE),
        ("5/3/2024", DAY, "1", Habits(day_first=True), "05032024", Mend.DATE),
        ("3/5/2024", DAY, "1", Habits(day_first=False), "05032024", Mend.DATE),
        ("5/3/2024", THIS_YEAR, "1", PLAIN, "05032024", Mend.DATE),
        ("4/4/2024", DAY, "1", PLAIN, "04042024", Mend.DATE),
        ("45356", DAY, "1", PLAIN, "05032024", Mend.SERIAL),
        # Numbers as a spreadsheet dresses them up
        ("1.23456789012E+11", FREE, "1", PLAIN, "123456789012", Mend.EXPONENT),
        ("1,23456789012E+11", FREE, "1", PLAIN, "123456789012", Mend.EXPONENT),
        ("1.23457E+11", STOCK, "1", PLAIN, "123456789012", Mend.EXPONENT),
        ("1,234,567", FREE, "1", PLAIN, "1234567", Mend.GROUPS),
        ("1.234.567", FREE, "1", PLAIN, "1234567", Mend.GROUPS),
        ("12345.0", FIVE, "1", PLAIN, "12345", Mend.DECIMALS),
        ("12345,00", FIVE, "1", PLAIN, "12345", Mend.DECIMALS),
        ("\uff14\uff11\uff12", FREE, "1", PLAIN, "412", Mend.DIGITS),
    ],
)
def test_only_one_value_can_have_been_meant(
    typed: str, field: Field | None, read: str, habits: Habits, value: str, mend: Mend | None
) -> None:
    assert take(typed, field, read, habits) == Taken(value, mend)


@pytest.mark.parametrize(
    ("typed", "field", "read", "habits", "values"),
    [
        ("412", FIVE, "71234", PLAIN, ()),  # nothing says that zeros were lost
        ("412", FIVE, "00412", KEEPS, ()),
        ("0412", FIVE, "00412", DROPS, ()),  # a zero is there: the digit that is missing is another
        ("413", FREE, "0412", PLAIN, ("0413", "413")),
        ("413", None, "0412", DROPS, ("0413", "413")),
        ("5/3/2024", DAY, "1", PLAIN, ("03052024", "05032024")),
        ("4-5-2024", EITHER, "1", Habits(day_first=True), ("04052024", "05042024")),
        ("5-Mar-24", DAY, "1", PLAIN, ("05031924", "05032024")),
        ("2024-03-05", FREE, "1", PLAIN, ()),
        ("2023-03-05", THIS_YEAR, "1", PLAIN, ()),
        ("31.02.2024", DAY, "1", PLAIN, ()),
        ("1.2E+11", FREE, "1", PLAIN, ()),
        ("1.2E+11", STOCK, "1", PLAIN, ("123456789012", "123499999999")),
        ("4539578763621480", replace(CARD, check_digit=None), "1", PLAIN, ()),  # the 16th digit may have been another
        ("12,50", FREE, "1", PLAIN, ()),
        ("12,00", FREE, "1", PLAIN, ("12", "1200")),
        ("O412", FREE, "1", PLAIN, ()),
        ("\u00b2", FREE, "1", PLAIN, ()),
        ("!", FREE, "1", PLAIN, ()),
        ("#45356", DAY, "1", PLAIN, ()),
    ],
)
def test_what_is_not_certain_is_not_taken(
    typed: str, field: Field | None, read: str, habits: Habits, values: tuple[str, ...]
) -> None:
    taken = take(typed, field, read, habits)
    assert isinstance(taken, Unclear)
    assert taken.values == values


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("412", "0412"),
        ("0", "000"),
        ("1.23457E+11", "123456789012"),
        ("1,23457E+11", "123456789012"),
        ("4539578763621480", "4539578763621486"),
        ("05.03.2024", "05032024"),
        ("2024-03-05", "050324"),
        ("1.234.567", "1234567"),
        ("412.0", "0412"),
    ],
)
def test_what_a_spreadsheet_shows(cell: str, value: str) -> None:
    assert is_shown_as(cell, value)
    assert is_shown_as(value, value)
    assert not is_shown_as(cell, str(int(value) + 10**6))
    assert not is_shown_as("", value)
    assert not is_shown_as(cell, "")


def test_habits_of_a_file() -> None:
    assert Habits.of([("412", "0412", ""), ("7", "7", "31/01/2024")]) == Habits(True, False, True)
    assert Habits.of([("412", "0412", "01"), ("7", "7", "1/31/2024"), ("7", "7", "2/2/2024")]) == Habits(
        True, False, False
    )
    assert Habits.of([("0412", "0412", "0413"), ("7", "7", "31/1/24"), ("7", "7", "1/31/24")]) == Habits(
        False, True, None
    )


def test_a_value_that_keeps_all_rules_is_taken_as_it_stands() -> None:
    for number in range(0, 10**5, 997):
        text = f"{number:05d}"
        assert take(text, FIVE, "00000", DROPS) == Taken(text)
        assert keeps_rules(FIVE, text)


@pytest.mark.parametrize("text", ["", "2024", "32.01.2024", "5.3", "Mar-24", "1/2/3/4", "2024-13-01", "5-Foo-24", "#1"])
def test_no_date(text: str) -> None:
    assert written_dates(text, None) == []
