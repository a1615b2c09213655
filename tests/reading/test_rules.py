"""What rules make of what was read: who wins, with what posterior, and what is marked."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.rules import CheckDigit, CheckScheme, DateRule, Roster, SumRule
from forms.template import Box, Field, FieldKind
from reading.combination import Values
from reading.readings import Reason
from reading.rules import ALTERNATIVES, apply_rules, breaks, broken_rules, is_ruled, reweigh
from tests.drawn_forms import template

LUHN = CheckDigit(CheckScheme.LUHN)  # 18 and 26 are sound, 13 and 17 are not
CHANGED, FAILED = Reason.RULE_CHANGED_VALUE, Reason.CHECK_DIGIT_FAILED


def field(name: str = "f", **stated) -> Field:
    return Field(name, FieldKind.COMB, (Box(0, 0, 5, 5),), 1, 8, **stated)


def ruled(asked: Field, values: Values):
    return apply_rules(template((asked,)), [values])[0]


@pytest.mark.parametrize(
    ("rule", "sound", "broken", "reason"),
    [
        ({"check_digit": LUHN}, "18", "13", FAILED),
        ({"date": DateRule(("ddmmyy",), date(2020, 1, 1))}, "280221", "300221", Reason.DATE_INVALID),
        ({"roster": Roster(frozenset({"0012", "15"}))}, "0012", "12", Reason.NOT_IN_ROSTER),
        ({"pattern": r"1\d"}, "12", "22", None),
        ({"min_value": 5, "max_value": 9}, "7", "10", None),
    ],
)
def test_the_value_that_keeps_the_rule_wins_and_is_marked(rule, sound, broken, reason):
    asked = field(**rule)
    assert breaks(asked, broken)
    assert not breaks(asked, sound)
    repaired = ruled(asked, ((broken, 0.7), (sound, 0.3)))
    assert repaired.values[0][0] == sound
    assert repaired.values[0][1] > 0.99
    assert repaired.reasons == (CHANGED,)
    confirmed = ruled(asked, ((sound, 0.7), (broken, 0.3)))
    assert confirmed.values[0][1] > 0.99
    assert confirmed.reasons == ()
    sure = ruled(asked, ((broken, 0.9995), (sound, 0.0005)))
    assert sure.values[0][0] == broken
    assert sure.reasons == ((reason,) if reason else ())  # decide() says the others


@pytest.mark.parametrize(
    ("value", "broken"),
    [
        ("18", ()),
        ("13", (FAILED,)),
        ("123456789", (Reason.WRONG_LENGTH, Reason.OUT_OF_RANGE, FAILED)),
        ("91", (Reason.PATTERN_MISMATCH,)),
    ],
)
def test_a_typed_value_breaks_all_the_rules_that_it_breaks(value, broken):
    asked = field(check_digit=LUHN, pattern=r"[1-8]\d*", max_value=99)
    assert broken_rules(asked, value) == broken


def test_posteriors_are_those_of_bayes():
    values = reweigh(field(check_digit=LUHN, rules_kept=0.9), (("13", 0.6), ("18", 0.3)))
    broken = 0.6 * (0.1 / 9) / 0.9
    total = broken + 0.3 + 0.1  # what was not listed counts as keeping the rule
    assert values == (("18", pytest.approx(0.3 / total)), ("13", pytest.approx(broken / total)))


def test_what_was_not_listed_lifts_nobody():
    assert reweigh(field(check_digit=LUHN), (("18", 0.5),)) == (("18", 0.5),)


def test_writers_who_err_often_are_believed():
    values = (("13", 0.95), ("18", 0.05))
    assert ruled(field(check_digit=LUHN, rules_kept=0.99), values).values[0][0] == "18"
    assert ruled(field(check_digit=LUHN, rules_kept=0.5), values).values[0][0] == "13"


def test_a_field_has_to_keep_all_its_rules():
    asked = field(check_digit=LUHN, roster=Roster(frozenset({"26", "13"})))
    assert ruled(asked, (("18", 0.5), ("13", 0.3), ("26", 0.2))).values[0][0] == "26"
    both = ruled(asked, (("11", 1.0),))
    assert both.reasons == (FAILED, Reason.NOT_IN_ROSTER)


@pytest.mark.parametrize("values", [(), (("", 0.9), ("18", 0.1))])
def test_a_field_without_a_value_is_left_alone(values):
    kept = ruled(field(check_digit=LUHN), values)
    assert (kept.values, kept.reasons) == (values, ())


def test_no_more_alternatives_than_usual_and_what_was_read_among_them():
    sound = [f"{n}" for n in range(10, 1000) if not breaks(field(check_digit=LUHN), f"{n}")][:20]
    repaired = ruled(field(check_digit=LUHN), (("13", 0.24), *((value, 0.03) for value in sound)))
    assert len(repaired.values) == 1 + ALTERNATIVES
    assert repaired.values[-1][0] == "13"


def test_a_field_without_rules_is_as_it_was():
    values = (("12", 0.6), ("13", 0.4))
    assert ruled(field(), values).values == values
    assert not is_ruled(template((field(),)), field())
    assert is_ruled(template((field(check_digit=LUHN),)), field(check_digit=LUHN))
    summed = replace(template((field("a"), field("b"))), sums=(SumRule(("a",), ("b",)),))
    assert is_ruled(summed, field("b"))


VALUES = st.dictionaries(st.from_regex(r"[0-9]{1,4}", fullmatch=True), st.integers(1, 100), min_size=1, max_size=12)


@settings(deadline=None)
@given(VALUES, st.integers(0, 50), st.floats(0.5, 0.999))
def test_posteriors_stay_probabilities_and_order(weights, unlisted, kept):
    total = sum(weights.values()) + unlisted
    values = tuple(sorted(((value, weight / total) for value, weight in weights.items()), key=lambda item: -item[1]))
    asked = field(check_digit=LUHN, rules_kept=kept)
    after = reweigh(asked, values)
    assert sum(chance for _, chance in after) <= 1 + 1e-9
    assert [chance for _, chance in after] == sorted((chance for _, chance in after), reverse=True)
    for broken in (True, False):  # the order of those that keep the rule, and of those that break it, stays
        assert [v for v, _ in after if breaks(asked, v) == broken] == [
            v for v, _ in values if breaks(asked, v) == broken
        ]


def test_a_large_roster_is_looked_up_at_once():
    asked = field(roster=Roster(frozenset(f"{n:07d}" for n in range(0, 1_000_000, 10))))
    values = tuple((f"{n:07d}", 0.02) for n in range(3, 51))
    assert ruled(asked, values).values[0][0] == "0000010"
