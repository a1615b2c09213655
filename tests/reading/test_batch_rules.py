"""What only a whole batch can show: values that stand on one page each, and control totals."""

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.rules import BatchTotal, Roster
from forms.template import Box, Field, FieldKind
from reading.batch_rules import assign_unique, check_total
from reading.readings import Reason

FIELD = Field("id", FieldKind.COMB, (Box(0, 0, 5, 5),), 1, 8, roster=Roster(frozenset(), unique=True))


def test_the_less_sure_page_gives_way():
    pages = [(("12", 0.99), ("17", 0.01)), (("12", 0.6), ("17", 0.4)), (("33", 0.9),)]
    sure, changed, other = assign_unique(FIELD, pages)
    assert (sure.values[0][0], sure.reasons) == ("12", ())
    assert (changed.values[0][0], changed.reasons) == ("17", (Reason.RULE_CHANGED_VALUE,))
    assert changed.values[0][1] > 0.9
    assert changed.values[1][0] == "12"
    assert other.values == pages[2]


def test_two_pages_that_say_the_same_for_sure_are_both_flagged():
    for page in assign_unique(FIELD, [(("12", 0.99),), (("12", 0.999), ("17", 0.0001))]):
        assert (page.values[0][0], page.reasons) == ("12", (Reason.NOT_UNIQUE,))


def test_a_chain_of_pages_moves_together():
    pages = [(("1", 0.9), ("2", 0.1)), (("1", 0.5), ("2", 0.5)), (("2", 0.5), ("3", 0.4))]
    assert [page.values[0][0] for page in assign_unique(FIELD, pages)] == ["1", "2", "3"]


@pytest.mark.parametrize("page", [(), (("", 0.9), ("12", 0.1))])
def test_pages_without_a_value_claim_none(page):
    assert assign_unique(FIELD, [page, (("12", 0.9),)])[1].reasons == ()


PAGE = st.dictionaries(st.sampled_from("abcd"), st.floats(0.01, 1), min_size=1, max_size=3)


@settings(deadline=None)
@given(st.lists(PAGE, min_size=2, max_size=4))
def test_no_assignment_is_better(chances):
    pages = [
        tuple(sorted(((v, c / sum(page.values())) for v, c in page.items()), key=lambda item: -item[1]))
        for page in chances
    ]
    odds = math.log(9 * 0.99 / 0.01)

    def cost(choice):
        taken = [value for value, _ in choice]
        kept = sum(-math.log(chance) for _, chance in choice)
        return kept + odds * (len(taken) - len(set(taken)))

    found = [page.values[0][0] for page in assign_unique(FIELD, pages)]
    chosen = [(value, dict(page)[value]) for value, page in zip(found, pages, strict=True)]
    # only a page's best value may stand twice
    allowed = (
        choice
        for choice in itertools.product(*pages)
        if all(
            [v for v, _ in choice].count(value) == 1 or value == page[0][0]
            for (value, _), page in zip(choice, pages, strict=True)
        )
    )
    assert cost(chosen) == pytest.approx(min(map(cost, allowed)), abs=1e-6)


def test_a_large_batch_is_quick():
    rng = np.random.default_rng(1)
    pages = [tuple((f"{rng.integers(10**6)}", chance) for chance in (0.9, 0.05)) for _ in range(20_000)]
    began = time.perf_counter()
    assert len(assign_unique(FIELD, pages)) == 20_000
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize(
    ("values", "holds", "said"),
    [
        (["10", "005", "85"], True, "amount adds up to 100 as stated"),
        (["10", "5"], False, "amount adds up to 15, stated are 100"),
        (["50", "50", ""], False, "amount adds up to 100, stated are 100, 1 pages have no value"),
        ([], False, "amount adds up to 0, stated are 100"),
    ],
)
def test_a_control_total(values, holds, said):
    check = check_total(BatchTotal("amount", 100), values)
    assert (check.holds, str(check)) == (holds, said)
