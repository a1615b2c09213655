import numpy as np
import pytest

from mnist_model.calibration import apply_temperature, fit_temperature
from mnist_model.evaluation import (
    area_under_risk_coverage,
    evaluate,
    evaluate_probabilities,
    risk_by_coverage,
    wilson_interval,
)


def rows(*pairs):
    """One row of probabilities for each (class, confidence); the rest goes evenly to the other classes."""
    table = np.array([[(1 - sure) / 10] * 11 for _, sure in pairs], dtype=np.float32)
    for row, (digit, sure) in zip(table, pairs, strict=True):
        row[digit] = sure
    return table


def test_figures_of_four_digits():
    probabilities = rows((3, 0.9), (5, 0.8), (10, 0.7), (1, 0.6))
    found = evaluate_probabilities(probabilities, np.array([3, 5, 0, 2]))
    assert found.count == 4
    assert found.accuracy == 0.5
    assert found.digit_accuracy == 0.75  # without "not a digit" the third is a 0: the first of equals
    assert found.confusion[0, 10] == found.confusion[2, 1] == found.confusion[3, 3] == 1
    assert found.confusion.sum() == 4
    assert found.nll == pytest.approx(-np.log([0.9, 0.8, 0.03, 0.04]).mean(), rel=1e-4)
    assert found.ece == pytest.approx((0.1 + 0.2 + 0.7 + 0.6) / 4, abs=1e-5)


def test_rejecting_lowers_read_rate_and_error():
    found = evaluate_probabilities(rows((3, 0.96), (5, 0.85), (1, 0.6)), np.array([3, 5, 2]))
    curve = {point.threshold: (point.read_rate, point.error) for point in found.reject_curve}
    assert curve[0.0] == pytest.approx((1, 1 / 3))
    assert curve[0.8] == pytest.approx((2 / 3, 0))
    assert curve[0.999] == (0, 0)


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)]
)
def test_wilson_interval(successes, count, low, high):
    assert wilson_interval(successes, count) == pytest.approx((low, high), abs=1e-4)


def test_evaluate_asks_the_classifier():
    class Always:
        name = "always seven"

        def probabilities(self, images):
            return rows(*[(7, 1.0)] * len(images))

    assert evaluate(Always(), np.zeros((3, 28, 28), np.uint8), np.array([7, 7, 1])).accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_found_again(temperature):
    rng = np.random.default_rng(1)
    honest = apply_temperature(rng.dirichlet(np.ones(10), 20_000).astype(np.float32), 1.0)
    y = (honest.cumsum(axis=1) > rng.random((len(honest), 1))).argmax(axis=1)
    distorted = apply_temperature(honest, 1 / temperature)
    assert fit_temperature(distorted, y) == pytest.approx(temperature, rel=0.05)


def test_a_temperature_keeps_the_order_and_the_sum():
    probabilities = np.array([[0.7, 0.3, 0.0], [1.0, 0.0, 0.0]], dtype=np.float32)
    cooled = apply_temperature(probabilities, 2.5)
    assert cooled.dtype == np.float32
    assert cooled.sum(axis=1) == pytest.approx(1)
    assert (cooled.argsort(axis=1) == probabilities.argsort(axis=1)).all()
    assert cooled[0, 0] < 0.7
    assert apply_temperature(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-6)


def test_the_area_under_the_risk_coverage_curve() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True])
    assert area_under_risk_coverage(confidence, right) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert area_under_risk_coverage(-confidence, right) > area_under_risk_coverage(confidence, right)


def test_equally_sure_ones_are_accepted_together() -> None:
    risk = risk_by_coverage(np.array([0.5, 0.9, 0.5]), np.array([False, True, True]))
    assert risk.tolist() == [0, pytest.approx(1 / 3), pytest.approx(1 / 3)]
