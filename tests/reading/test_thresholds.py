"""Thresholds that keep an error rate, on populations whose error rate above any threshold is known."""

import numpy as np
import pytest
from scipy.stats import binom

from reading.thresholds import error_bound, fields_needed, find_threshold


def drawn(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and whether each is right: overconfident ones, with a floor of errors among the surest."""
    confidences = np.round(rng.beta(4, 0.6, count), 4)
    return confidences, rng.random(count) < chance(confidences)


def chance(confidences: np.ndarray) -> np.ndarray:
    return 1 - 0.7 * (1 - confidences) ** 2 - 0.004


def test_no_errors_support_a_rate_only_from_enough_fields():
    assert (fields_needed(0.001), fields_needed(0.01), fields_needed(0.005)) == (2995, 299, 598)
    assert (1 - 0.001) ** 2995 <= 0.05 < (1 - 0.001) ** 2994


@pytest.mark.parametrize(("wrong", "accepted"), [(0, 1), (0, 299), (3, 400), (40, 1000), (9, 10)])
def test_the_bound_is_the_exact_one(wrong, accepted):
    bound = float(error_bound(np.array([wrong]), np.array([accepted]))[0])
    assert binom.cdf(wrong, accepted, bound) == pytest.approx(0.05)


def test_all_wrong_bounds_nothing():
    assert error_bound(np.array([5]), np.array([5])).tolist() == [1.0]


@pytest.mark.parametrize("max_error", [0.02, 0.05])
def test_the_rate_is_kept_by_nineteen_of_twenty_calibrations(max_error):
    rng = np.random.default_rng(1)
    sure, _ = drawn(200_000, rng)
    population = np.sort(sure)[::-1]
    error_above = np.cumsum(1 - chance(population)) / np.arange(1, len(population) + 1)
    broken, found = 0, 0
    for _ in range(300):
        threshold = find_threshold(*drawn(1200, rng), max_error)
        if threshold is not None:
            found += 1
            broken += error_above[np.searchsorted(-population, -threshold.confidence, side="right") - 1] > max_error
    assert found > 250
    assert broken <= binom.ppf(0.999, 300, 0.05)


def test_the_surest_are_accepted_and_nothing_more_than_the_rate_allows():
    confidences, right = drawn(4000, np.random.default_rng(2))
    threshold = find_threshold(confidences, right, 0.02)
    accepted = confidences >= threshold.confidence
    assert (accepted.sum(), (~right[accepted]).sum()) == (threshold.accepted, threshold.wrong)
    assert threshold.wrong / threshold.accepted < 0.02
    assert threshold.accepted > 0.5 * 4000


def test_accepted_sets_nest():
    confidences, right = drawn(3000, np.random.default_rng(3))
    rates = np.geomspace(0.002, 0.4, 60)
    found = [find_threshold(confidences, right, rate) for rate in rates]
    levels = [2.0 if threshold is None else threshold.confidence for threshold in found]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > levels[-1]


def test_equal_confidences_are_accepted_together_or_not_at_all():
    right = np.arange(1000) % 100 != 0  # 1 % wrong, and nothing tells which
    assert find_threshold(np.full(1000, 0.9), right, 0.01) is None
    threshold = find_threshold(np.full(1000, 0.9), right, 0.05)
    assert (threshold.confidence, threshold.accepted, threshold.wrong) == (0.9, 1000, 10)


@pytest.mark.parametrize("count", [0, 1, 100])
def test_too_few_fields_support_nothing(count):
    assert find_threshold(np.ones(count), np.ones(count, bool), 0.01) is None
