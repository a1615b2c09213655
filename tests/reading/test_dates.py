"""Which strings of digits are days, and which of these lie in the window."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.rules import DateRule
from reading.dates import is_date

YEAR = (date(2025, 6, 1), date(2026, 7, 1))
PYTHON = {"dd": "%d", "mm": "%m", "yyyy": "%Y", "yy": "%y"}
FORMATS = ("ddmmyyyy", "mmddyyyy", "yyyymmdd", "ddmmyy", "mmddyy", "yymmdd")


@pytest.mark.parametrize(
    ("formats", "value", "is_day"),
    [
        ("ddmmyyyy", "31122025", True),
        ("ddmmyyyy", "12312025", False),
        ("mmddyyyy", "12312025", True),
        ("ddmmyyyy", "29022024", True),
        ("ddmmyyyy", "29022025", False),
        ("ddmmyyyy", "00012025", False),
        ("ddmmyyyy", "01002025", False),
        ("ddmmyyyy", "01011899", False),
        ("ddmmyyyy", "01012100", False),
        ("ddmmyyyy", "010120250", False),
        ("yymmdd", "000229", True),  # 2000 was a leap year, 1900 was none
        ("ddmmyyyy ddmmyy", "010125", True),
        ("ddmmyyyy ddmmyy", "320125", False),
        ("ddmmyyyy", "00000000", False),
    ],
)
def test_days_of_the_calendar(formats: str, value: str, is_day: bool) -> None:
    assert is_date(DateRule(tuple(formats.split())), value) == is_day


@pytest.mark.parametrize(
    ("value", "inside"),
    [("31052025", False), ("01062025", True), ("01072026", True), ("02072026", False), ("010625", True)],
)
def test_a_window_holds_its_first_and_last_day(value: str, inside: bool) -> None:
    assert is_date(DateRule(("ddmmyyyy", "ddmmyy"), *YEAR), value) == inside


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.sampled_from(FORMATS))
def test_every_day_is_known_in_every_format_and_only_in_its_window(day: date, written: str) -> None:
    pattern = written
    for part, sign in PYTHON.items():
        pattern = pattern.replace(part, sign)
    value = day.strftime(pattern)
    assert is_date(DateRule((written,)), value)
    assert is_date(DateRule((written,), day, day), value)
    assert not is_date(DateRule((written,), day + timedelta(1), day + timedelta(2)), value)
