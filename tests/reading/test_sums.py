"""Sums across the fields of a page: what they change, what they confirm, and what they can't tell."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.rules import SumRule
from forms.template import Box, Field, FieldKind, FormTemplate
from reading.combination import Values
from reading.readings import Reason
from reading.rules import apply_rules
from reading.sums import SLIPS, settle
from tests.drawn_forms import template

A_B_IS_C = SumRule(("a", "b"), ("c",))


def form(names: str, *rules: SumRule, optional: str = "") -> FormTemplate:
    fields = (Field(n, FieldKind.COMB, (Box(0, 0, 5, 5),), 1, 8, required=n not in optional) for n in names)
    return replace(template(tuple(fields)), sums=rules)


def sure(value: int) -> Values:
    return ((str(value), 0.99),)


def test_a_sum_finds_the_value_that_fits_and_marks_it():
    values = [sure(12), (("77", 0.8), ("17", 0.2)), sure(29)]
    ruled = apply_rules(form("abc", A_B_IS_C), values)
    assert [field.values[0][0] for field in ruled] == ["12", "17", "29"]
    assert [field.reasons for field in ruled] == [(), (Reason.RULE_CHANGED_VALUE,), ()]
    assert ruled[1].values[0][1] > 0.98
    assert ruled[1].values[1][0] == "77"


def test_a_sum_that_holds_makes_surer():
    doubtful = (("17", 0.8), ("77", 0.2))
    settled, flagged = settle(form("abc", A_B_IS_C), [sure(12), doubtful, sure(29)])
    assert settled[1][0][1] > 0.99
    assert not flagged


def test_a_sum_that_nothing_mends_flags_all_its_fields():
    ruled = apply_rules(form("abcd", A_B_IS_C), [sure(1), sure(2), sure(4), sure(9)])
    assert [field.reasons for field in ruled] == [(Reason.SUM_MISMATCH,)] * 3 + [()]
    assert [field.values[0][0] for field in ruled] == ["1", "2", "4", "9"]


def test_a_value_that_is_nearly_impossible_is_not_taken():
    ruled = apply_rules(form("abc", A_B_IS_C), [sure(1), sure(2), (("4", 0.9995), ("3", 0.0005))])
    assert ruled[2].values[0][0] == "4"
    assert ruled[2].reasons == (Reason.SUM_MISMATCH,)


@pytest.mark.parametrize(
    ("values", "optional", "flagged"),
    [
        ([(), sure(3), sure(3)], "a", set()),  # an empty part that may be empty counts as 0
        ([(), sure(3), sure(3)], "", {"c"}),
        ([(("", 0.9),), sure(3), sure(3)], "a", {"c"}),  # struck out, or ink that is no digit
        ([sure(1), sure(3), ()], "c", {"c"}),
        ([sure(1), (("2", 0.0),), sure(3)], "", {"c"}),  # ink that is next to impossible as any number
        ([(), (), ()], "abc", set()),
        ([(), (), sure(0)], "ab", set()),
        ([(), (), sure(5)], "ab", {"a", "b", "c"}),
    ],
)
def test_fields_without_a_value(values, optional, flagged):
    settled, found = settle(form("abc", A_B_IS_C, optional=optional), values)
    assert found == flagged
    assert [bool(field) for field in settled] == [bool(field) for field in values]


def test_rows_and_columns_are_settled_together():
    # a + b = c, d + e = f, a + d = g: a single sum could mend c as well as a; together only a = 1 fits.
    rules = (A_B_IS_C, SumRule(("d", "e"), ("f",)), SumRule(("a", "d"), ("g",)))
    values = [(("7", 0.6), ("1", 0.4)), sure(2), (("3", 0.5), ("9", 0.45)), sure(4), sure(4), sure(8), sure(5)]
    settled, flagged = settle(form("abcdefg", *rules), values)
    assert [field[0][0] for field in settled] == ["1", "2", "3", "4", "4", "8", "5"]
    assert not flagged


def test_an_equality_of_two_fields():
    settled, _ = settle(form("ab", SumRule(("a",), ("b",))), [(("10", 0.7), ("70", 0.3)), (("70", 0.9), ("10", 0.1))])
    assert [field[0][0] for field in settled] == ["70", "70"]


def test_a_page_too_doubtful_to_settle_is_left_and_flagged():
    doubtful = tuple((str(value), 0.05) for value in range(1, 21))
    names = "abcdefgh"
    rule = SumRule(tuple(names[:-1]), (names[-1],))
    settled, flagged = settle(form(names, rule), [doubtful] * 7 + [sure(999)])
    assert settled == [doubtful] * 7 + [sure(999)]
    assert flagged == set(names)


def test_a_long_sum_with_many_doubts_is_settled():
    names = "abcdefghijklmnopqrstuvwxy"
    doubtful = tuple((str(value), chance) for value, chance in ((40, 0.97), (47, 0.01), (10, 0.01), (41, 0.005)))
    total = (("1160", 0.6), ("960", 0.3))
    values = [doubtful] * 24 + [total]
    settled, flagged = settle(form(names, SumRule(tuple(names[:-1]), (names[-1],))), values)
    assert [field[0][0] for field in settled] == ["40"] * 24 + ["960"]
    assert not flagged


def exhaustive(values: list[Values], kept: float) -> tuple[str, ...]:
    def chance(choice: tuple[tuple[str, float], ...]) -> float:
        a, b, c = (int(value) for value, _ in choice)
        product = choice[0][1] * choice[1][1] * choice[2][1]
        return product * (kept if a + b == c else (1 - kept) / SLIPS)

    return tuple(value for value, _ in max(itertools.product(*values), key=chance))


CHANCES = st.dictionaries(st.integers(0, 12).map(str), st.floats(0.01, 1), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@given(st.lists(CHANCES, min_size=3, max_size=3), st.floats(0.5, 0.999))
def test_the_best_choice_is_found_and_posteriors_stay_probabilities(chances, kept):
    values = []
    for field in chances:
        total = sum(field.values()) * 1.01
        values.append(tuple(sorted(((v, c / total) for v, c in field.items()), key=lambda item: -item[1])))
    settled, _ = settle(form("abc", replace(A_B_IS_C, kept=kept)), values)
    best = tuple(field[0][0] for field in settled)
    lookup = [dict(field) for field in values]
    expected = exhaustive(values, kept)

    def worth(choice: tuple[str, ...]) -> float:
        a, b, c = map(int, choice)
        product = lookup[0][choice[0]] * lookup[1][choice[1]] * lookup[2][choice[2]]
        return product * (kept if a + b == c else (1 - kept) / SLIPS)

    assert worth(best) == pytest.approx(worth(expected))
    for before, after in zip(values, settled, strict=True):
        assert {value for value, _ in before} == {value for value, _ in after}
        assert sum(chance for _, chance in after) <= sum(chance for _, chance in before) + 1e-9
