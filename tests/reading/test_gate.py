import math

import pytest
from scipy.stats import binom

from reading.gate import Honesty, Paired, Tally, judge, largest_loss, mcnemar
from reading.realised_error import RealisedError

HONEST = (Honesty(0.01, RealisedError(0, 100)),)
SAME = (0.995, 0.995)


def fields(both=0, gained=0, lost=0, neither=0, group="comb"):
    ways = {(True, True): both, (False, True): gained, (True, False): lost, (False, False): neither}
    return [Paired(group, *way) for way, count in ways.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("counts", "promoted", "word"),
    [
        ({"both": 80, "gained": 12, "lost": 2, "neither": 6}, True, "better"),
        ({"both": 280, "gained": 6, "lost": 5, "neither": 9}, True, "not surely better"),
        ({"both": 80, "gained": 6, "lost": 5, "neither": 9}, False, "may be lost"),
        ({"both": 80, "gained": 2, "lost": 12, "neither": 6}, False, "fewer than before"),
        ({"both": 980, "gained": 3, "lost": 4, "neither": 6}, False, "fewer than before"),
        ({"both": 15}, False, "may be lost"),
        ({"both": 400}, True, "not surely better"),
        ({"both": 0, "gained": 5, "lost": 0, "neither": 20}, True, "better"),
    ],
)
def test_in_all_the_candidate_is_surely_better_or_surely_no_worse(counts, promoted, word):
    verdict = judge(fields(**counts), SAME, HONEST)
    assert verdict.promote is promoted
    assert word in verdict.checks[0].sentence
    assert verdict.checks[0].name == "in all"


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (5, 0), (9, 2), (3, 3), (2, 9)])
def test_mcnemar_is_the_binomial_tail(gained, lost):
    expected = sum(math.comb(gained + lost, k) for k in range(gained, gained + lost + 1)) / 2 ** (gained + lost)
    assert mcnemar(gained, lost) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("both", "lost", "gained", "neither", "upper"),
    # Newcombe 1998, Statistics in Medicine 17, 2635, table II, method 10, two-sided at 95 %.
    [(36, 12, 2, 0, 0.3404)],
)
def test_the_largest_loss_is_newcombes(both, lost, gained, neither, upper, monkeypatch):
    monkeypatch.setattr("reading.gate._Z", 1.959964)
    assert largest_loss(Tally(both, gained, lost, neither)) == pytest.approx(upper, abs=2e-4)


def test_a_loss_within_what_is_tolerated_is_seldom_ruled_out_where_it_is_there():
    count, lost, gained = 300, 0.03, 0.005  # truly 2.5 % worse: more than what is tolerated
    passed = sum(
        binom.pmf(losses, count, lost) * binom.pmf(gains, count, gained)
        for losses in range(40)
        for gains in range(12)
        if largest_loss(Tally(count - losses - gains - 20, gains, losses, 20)) <= 0.02
    )
    assert passed < 0.05


def test_one_kind_that_is_clearly_worse_refuses_what_is_better_in_all():
    mixed = [*fields(both=200, gained=40, group="comb"), *fields(both=20, lost=6, group="free-hand")]
    verdict = judge(mixed, SAME, HONEST)
    assert [check.name for check in verdict.checks if not check.passed] == ["free-hand"]
    assert "clearly worse" in verdict.reasons[0]
    assert judge([*mixed, *fields(gained=3, group="free-hand")], SAME, HONEST).promote


@pytest.mark.parametrize(("after", "promoted"), [(0.9950, True), (0.9945, True), (0.9944, False), (0.9999, True)])
def test_mnist_may_fall_by_five_digits_in_ten_thousand(after, promoted):
    assert judge(fields(both=20, gained=20), (0.995, after), HONEST).promote is promoted


@pytest.mark.parametrize(
    ("rate", "wrong", "answered", "kept"),
    [(0.01, 0, 0, True), (0.01, 1, 40, True), (0.01, 5, 100, False), (0.05, 5, 100, True), (0.05, 12, 100, False)],
)
def test_a_calibration_that_surely_breaks_its_rate_is_refused(rate, wrong, answered, kept):
    verdict = judge(fields(both=20, gained=20), SAME, [Honesty(rate, RealisedError(wrong, answered))])
    assert verdict.promote is kept
    assert verdict.checks[-1].name == f"error of {100 * rate:g} %"


def test_nothing_to_judge_by_is_no_promotion():
    assert not judge([], SAME, ()).promote
