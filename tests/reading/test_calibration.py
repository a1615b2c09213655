"""Confidences from signals: honest, monotone, and in bounds."""

import numpy as np
import pytest
from scipy.special import expit

from reading.calibration import MAX_CONFIDENCE, Calibration, Rescaling, presented, with_confidence
from reading.decoding import Decoded, Step
from reading.fitting import fit, fit_rescaling
from reading.signals import StripReading, column_doubt, signals_of


def drawn(count, rng):
    told = rng.normal(0, 2, (count, 2))
    right = rng.random(count) < expit(1.0 + 1.5 * told[:, 0])
    return [{"margin": a, "length": b} for a, b in told.tolist()], right


def test_the_confidence_is_the_share_that_is_right():
    signals, right = drawn(20_000, np.random.default_rng(1))
    calibration = fit(signals[:4000], right[:4000])
    assert calibration.weights["margin"] == pytest.approx(1.5, rel=0.1)
    assert calibration.weights["length"] == pytest.approx(0, abs=0.1)
    sure = np.array([calibration.confidence(row) for row in signals[4000:]])
    for low in np.arange(0, 1, 0.1):
        chosen = (sure >= low) & (sure < low + 0.1)
        assert right[4000:][chosen].mean() == pytest.approx(sure[chosen].mean(), abs=0.05)


def test_a_surer_reader_is_never_held_against_a_value():
    signals, right = drawn(2000, np.random.default_rng(2))
    contrary = fit(signals, ~right)
    assert contrary.weights["margin"] == 0.0


@pytest.mark.parametrize("right", [[True] * 9, [False] * 9])
def test_fields_of_one_fate_tell_nothing(right):
    with pytest.raises(ValueError, match="right"):
        fit([{"margin": 1.0}] * 9, right)


def test_nothing_is_certain():
    sure = Calibration(100.0, {}).confidence({})
    assert sure == MAX_CONFIDENCE < 1
    assert Calibration(-100.0, {}).confidence({}) == pytest.approx(1 - MAX_CONFIDENCE)
    assert presented(0.123456) == 0.1235


def test_a_sites_scale_is_found_and_scales_follow_each_other():
    rng = np.random.default_rng(3)
    given = np.clip(np.round(rng.beta(3, 1, 20_000), 4), 1e-4, 1 - 1e-4)
    truth = expit(-1 + 0.5 * np.log(given / (1 - given)))
    scale = fit_rescaling(given, rng.random(20_000) < truth)
    assert (scale.intercept, scale.slope) == (pytest.approx(-1, abs=0.1), pytest.approx(0.5, abs=0.05))
    twice = scale.after(Rescaling(0.3, 2.0))
    assert twice.apply(0.8) == pytest.approx(scale.apply(Rescaling(0.3, 2.0).apply(0.8)), abs=2e-4)


def test_what_the_best_value_gains_the_others_lose():
    values = with_confidence((("12", 0.5), ("17", 0.3), ("72", 0.1)), 0.9)
    assert values[0] == ("12", 0.9)
    assert [chance for _, chance in values[1:]] == [pytest.approx(0.06), pytest.approx(0.02)]
    assert with_confidence((("12", 1.0),), 0.9) == (("12", 0.9),)


LATTICE = Decoded((("12", 0.7), ("17", 0.2)), ((Step(0, "1", 0.9), Step(1, "2", 0.8)), ()))


def test_signals_of_a_comb_field():
    signals = signals_of(LATTICE.values, LATTICE, None)
    assert signals["weakest_digit"] == pytest.approx(np.log(0.8 / 0.2))
    assert signals["margin"] == pytest.approx(np.log(0.7 / 0.2))
    assert signals["length"] == 2


def test_signals_of_two_readers():
    looks = ((("12", 0.9),), (("17", 0.6), ("12", 0.3)), (("12", 0.99),))
    signals = signals_of((("12", 0.8),), LATTICE, StripReading(looks, looks[0], 0.5))
    assert signals["look_least"] == pytest.approx(np.log(0.3 / 0.7))
    assert signals["lattice_agrees"] == 1
    other = signals_of((("17", 0.8),), LATTICE, StripReading(looks, looks[1], 2.0))
    assert other["lattice_agrees"] == 0
    assert other["decided"] < signals["decided"]
    assert all(other[name] < signals[name] for name in ("look_mean", "look_least", "look_most", "lattice"))


def test_doubt_counts_the_columns_that_are_undecided():
    sure, open_ = np.log([0.98] + [0.002] * 10), np.log([0.5, 0.5] + [1e-9] * 9)
    assert column_doubt([np.stack([sure, open_]), np.stack([sure, sure])]) == pytest.approx((0.52 + 0.04) / 2)
