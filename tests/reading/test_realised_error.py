import math

import numpy as np
import pytest
from scipy.stats import binomtest

from reading.realised_error import RealisedError


@pytest.mark.parametrize(("wrong", "answered"), [(0, 1), (0, 300), (1, 300), (7, 50), (50, 50)])
def test_the_interval_is_the_exact_one(wrong: int, answered: int) -> None:
    expected = binomtest(wrong, answered).proportion_ci(method="exact")
    assert RealisedError(wrong, answered).interval == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_without_answers_nothing_is_known() -> None:
    none = RealisedError(0, 0)
    assert math.isnan(none.rate)
    assert none.interval == (0.0, 1.0)
    assert none.at_least == 0
    assert not none.exceeds(0.001)


@pytest.mark.parametrize(("wrong", "answered"), [(1, 5), (5, 100), (20, 1000), (400, 9000), (30, 30)])
def test_the_bound_lies_below_the_one_of_a_single_look_and_is_where_it_is_exceeded(wrong: int, answered: int) -> None:
    error = RealisedError(wrong, answered)
    assert 0 < error.at_least < error.interval[0]
    assert error.exceeds(error.at_least * 0.999)
    assert not error.exceeds(error.at_least * 1.001)


def test_more_answers_at_the_same_rate_bring_the_bound_nearer() -> None:
    bounds = [RealisedError(3 * size, 100 * size).at_least for size in (1, 10, 100, 1000)]
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(0.03, rel=0.1)


def stopped(true_rate: float, max_error: float, sites: int, answers: int, seed: int) -> float:
    """The share of sites that are ever stopped, where each looks after every answer that brings an error."""
    wrong = np.random.default_rng(seed).random((sites, answers)) < true_rate
    looks = [[RealisedError(k + 1, int(at) + 1) for k, at in enumerate(np.flatnonzero(site))] for site in wrong]
    return sum(any(error.exceeds(max_error) for error in site) for site in looks) / sites


@pytest.mark.parametrize("max_error", [0.005, 0.01, 0.05])
def test_a_site_that_keeps_the_rate_is_stopped_once_in_twenty_at_most(max_error: float) -> None:
    assert stopped(max_error, max_error, sites=600, answers=2000, seed=1) <= 0.05
    assert stopped(0.5 * max_error, max_error, sites=300, answers=2000, seed=2) <= 0.01


@pytest.mark.parametrize(("true_rate", "answers"), [(0.05, 500), (0.03, 1000), (0.02, 3000)])
def test_a_site_that_breaks_the_rate_is_stopped(true_rate: float, answers: int) -> None:
    assert stopped(true_rate, 0.01, sites=200, answers=answers, seed=3) >= 0.9
