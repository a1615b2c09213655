"""Temperature scaling (Guo et al. 2017, section 4.2): one number that makes a net's probabilities honest."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

_LARGEST_LOG_TEMPERATURE = np.log(10.0)
_SMALLEST_PROBABILITY = np.float32(1e-30)


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divides the logits behind ``probabilities`` (N, K) by ``temperature``; rows of the result sum to 1.

    A softmax gives its logits back by the logarithm, up to a constant that cancels: p ** (1 / T), normalized.
    """
    logits = np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY)) / np.float32(temperature)
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: np.ndarray, y: np.ndarray) -> float:
    """The temperature in [0.1, 10] under which the labels ``y`` (N,) are the most likely."""

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(scaled[np.arange(len(y)), y]).mean())

    bounds = (-_LARGEST_LOG_TEMPERATURE, _LARGEST_LOG_TEMPERATURE)
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
