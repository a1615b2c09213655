"""Fits what ``reading.calibration`` applies. Not needed for reading.

Logistic regression (Platt 1999; for several signals, Kuleshov and Liang 2015) with weights that may not be negative:
whatever makes a reader surer can only raise the confidence, on writing unlike the calibration's too. ``length`` alone
may weigh either way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from reading.calibration import Calibration, Rescaling
from reading.signals import Signals

SHRINKAGE = 3.0  # the penalty on squared weights, in fields' worth of log likelihood
EITHER_WAY = ("length",)


def fit(signals: Sequence[Signals], right: Sequence[bool]) -> Calibration:
    """The calibration under which what was right is most probable, weights shrunk a little towards 0.

    Args:
        signals: of each field, all with the same names.
        right: whether the field's value was right; both kinds must occur.

    Raises:
        ValueError: all are right, or all wrong.
    """
    names = sorted(signals[0])
    told = np.array([[row[name] for name in names] for row in signals])
    mean, spread = told.mean(axis=0), np.maximum(told.std(axis=0), 1e-6)
    free = [name in EITHER_WAY for name in names]
    intercept, weights = _fitted((told - mean) / spread, np.asarray(right, dtype=bool), free)
    weights = weights / spread
    return Calibration(intercept - float(weights @ mean), dict(zip(names, weights.tolist(), strict=True)))


def fit_rescaling(confidences: Sequence[float], right: Sequence[bool]) -> Rescaling:
    """A site's scale from its own fields: Platt scaling of confidences that were given.

    Raises:
        ValueError: all are right, or all wrong.
    """
    given = np.asarray(confidences, dtype=float)
    log_odds = np.log(given / (1 - given))
    intercept, slope = _fitted(log_odds[:, None], np.asarray(right, dtype=bool), [False])
    return Rescaling(intercept, max(float(slope[0]), 1e-3))


def _fitted(told: np.ndarray, right: np.ndarray, free: Sequence[bool]) -> tuple[float, np.ndarray]:
    """Intercept and weights for signals (N, K) by L-BFGS-B, which bounds weights."""
    if right.all() or not right.any():
        raise ValueError("fields that are right and fields that are wrong are needed")
    signs = np.where(right, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (parameters[0] + told @ parameters[1:])
        pull = -signs * expit(-margins)
        penalty = SHRINKAGE / 2 * float(parameters[1:] @ parameters[1:])
        slope = np.concatenate([[pull.sum()], told.T @ pull + SHRINKAGE * parameters[1:]])
        return penalty - float(log_expit(margins).sum()), slope

    start = np.zeros(1 + told.shape[1])
    bounds = [(None, None), *((None, None) if either else (0.0, None) for either in free)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return float(found[0]), found[1:]
