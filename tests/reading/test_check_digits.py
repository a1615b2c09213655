"""Every scheme knows numbers that were really issued, and catches the slips that it promises to catch."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from forms.rules import CheckDigit, CheckScheme
from reading.check_digits import keeps_check_digit

GERMAN = CheckDigit(CheckScheme.IBAN, country="DE")
NHS = CheckDigit(CheckScheme.MOD11, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1))
BSN = CheckDigit(CheckScheme.MOD11, (9, 8, 7, 6, 5, 4, 3, 2, -1))
PLAIN = [CheckDigit(scheme) for scheme in CheckScheme if scheme is not CheckScheme.IBAN]
RULES = [*PLAIN, GERMAN, NHS, BSN]
ALL_TRANSPOSITIONS = {CheckScheme.MOD11, CheckScheme.ISBN10, CheckScheme.MOD97, CheckScheme.IBAN, CheckScheme.VERHOEFF}


@pytest.mark.parametrize(
    ("rule", "issued"),
    [
        (CheckDigit(CheckScheme.ABA), "111000025"),
        (CheckDigit(CheckScheme.ABA), "122105155"),
        (CheckDigit(CheckScheme.LUHN), "79927398713"),
        (CheckDigit(CheckScheme.LUHN), "4111111111111111"),
        (CheckDigit(CheckScheme.ISBN10), "0306406152"),
        (CheckDigit(CheckScheme.ISBN10), "0136091814"),
        (CheckDigit(CheckScheme.MOD11), "0306406152"),
        (NHS, "9434765919"),
        (BSN, "111222333"),
        (CheckDigit(CheckScheme.MOD97), "79444"),
        (GERMAN, "89370400440532013000"),
        (CheckDigit(CheckScheme.IBAN, country="BE"), "68539007547034"),
        (CheckDigit(CheckScheme.VERHOEFF), "2363"),
        (CheckDigit(CheckScheme.VERHOEFF), "1234567890120"),
        (CheckDigit(CheckScheme.EAN), "4006381333931"),
        (CheckDigit(CheckScheme.EAN), "73513537"),
        (CheckDigit(CheckScheme.EAN), "036000291452"),
        (CheckDigit(CheckScheme.ISBN13), "9780306406157"),
    ],
)
def test_issued_numbers_are_sound(rule: CheckDigit, issued: str) -> None:
    assert keeps_check_digit(rule, issued)
    assert not keeps_check_digit(rule, issued[:-1] + str((int(issued[-1]) + 1) % 10))


def sound_numbers(draw: st.DrawFn, rule: CheckDigit) -> str:
    """A number that the rule keeps: any digits, and check digits found by trying."""
    length = draw(st.sampled_from([n for n in rule.lengths if n <= 34]))
    checks = {CheckScheme.MOD97: 2, CheckScheme.IBAN: 2}.get(rule.scheme, 1)
    body = draw(st.text("0123456789", min_size=length - checks, max_size=length - checks))
    if rule.scheme is CheckScheme.ISBN13:
        body = draw(st.sampled_from(["978", "979"])) + body[3:]
    for n in range(10**checks):
        check = f"{n:0{checks}d}"
        number = check + body if rule.scheme is CheckScheme.IBAN else body + check
        if keeps_check_digit(rule, number):
            return number
    assume(False)
    raise AssertionError


@pytest.mark.parametrize("rule", RULES, ids=str)
@settings(deadline=None)
@given(data=st.data())
def test_every_digit_read_as_another_is_caught(rule: CheckDigit, data: st.DataObject) -> None:
    number = sound_numbers(data.draw, rule)
    place, step = data.draw(st.integers(0, len(number) - 1)), data.draw(st.integers(1, 9))
    other = number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]
    assert not keeps_check_digit(rule, other)


@pytest.mark.parametrize("rule", RULES, ids=str)
@settings(deadline=None)
@given(data=st.data())
def test_transposed_neighbours_are_caught_where_that_is_promised(rule: CheckDigit, data: st.DataObject) -> None:
    number = sound_numbers(data.draw, rule)
    place = data.draw(st.integers(0, len(number) - 2))
    one, other = number[place : place + 2]
    if rule.scheme not in ALL_TRANSPOSITIONS:
        missed = abs(int(one) - int(other)) == (9 if rule.scheme is CheckScheme.LUHN else 5)
        assume(not missed)
    assume(one != other)
    assert not keeps_check_digit(rule, number[:place] + other + one + number[place + 2 :])


@pytest.mark.parametrize("rule", RULES, ids=str)
@settings(deadline=None)
@given(data=st.data())
def test_a_number_of_another_length_is_not_sound(rule: CheckDigit, data: st.DataObject) -> None:
    length = data.draw(st.sampled_from([n for n in range(70) if n not in rule.lengths]))
    assert not keeps_check_digit(rule, "0" * length)
    assert not keeps_check_digit(rule, data.draw(st.text("0123456789", min_size=length, max_size=length)))
