"""From a field's signals to the probability that its whole value is right: ``reading.fitting`` finds the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from reading.combination import Values
from reading.signals import Signals

PLACES = 4  # decimals of a confidence: as many as the CSV shows, so that a threshold can be set from a CSV
MAX_CONFIDENCE = 0.9999  # nothing is certain; and a threshold of 1 accepts nothing


@dataclass(frozen=True, slots=True)
class Calibration:
    """``confidence = 1 / (1 + exp(-(intercept + sum of weight * signal)))``, weights by the signals' names."""

    intercept: float
    weights: Mapping[str, float]

    def confidence(self, signals: Signals) -> float:
        """The probability that the value is right, to ``PLACES`` decimals, at most ``MAX_CONFIDENCE``."""
        score = self.intercept + sum(weight * signals[name] for name, weight in self.weights.items())
        return presented(float(expit(score)))


@dataclass(frozen=True, slots=True)
class Rescaling:
    """A site's own scale: its log odds are ``intercept + slope`` times those given; the order of fields stays."""

    intercept: float
    slope: float

    def apply(self, confidence: float) -> float:
        """The confidence on this scale."""
        return presented(float(expit(self.intercept + self.slope * np.log(confidence / (1 - confidence)))))

    def after(self, before: Rescaling) -> Rescaling:
        """One scale for both: ``before``, then this."""
        return Rescaling(self.intercept + self.slope * before.intercept, self.slope * before.slope)


def presented(confidence: float) -> float:
    """A confidence as it is reported: rounded, and neither 0 nor 1."""
    return round(min(max(confidence, 1 - MAX_CONFIDENCE), MAX_CONFIDENCE), PLACES)


def with_confidence(values: Values, confidence: float) -> Values:
    """Values with ``confidence`` for the best; the others share what it leaves as they shared before."""
    left = max(1 - values[0][1], 1e-9)
    others = [(value, min(1.0, posterior / left) * (1 - confidence)) for value, posterior in values[1:]]
    return ((values[0][0], confidence), *others)
