"""What tells a right value from a wrong one: the numbers that a field's confidence is computed from.

All but ``length`` are larger the surer a reader is. They were chosen by how well they rank right values
before wrong ones; what an image is like (contrast, background, stroke width) added nothing once these were known.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reading.combination import Values
from reading.decoding import Decoded

CLIP = 1e-4  # posteriors closer to 0 or 1 than this tell nothing more
UNREAD = -4.0  # log odds of the weakest digit where no way to cut reads the value
Signals = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StripReading:
    """What the string reader says of a field: the values of each look, of all looks, and how much is undecided.

    ``doubt`` is the probability that columns leave to other answers than their best, summed over a look's columns and
    averaged over the looks: about the number of digits that might be others.
    """

    looks: tuple[Values, ...]
    values: Values
    doubt: float


def column_doubt(log_probabilities: Sequence[np.ndarray]) -> float:
    """``StripReading.doubt`` of the looks' columns, (T, 11) float natural logarithms each."""
    return statistics.fmean(float((1 - np.exp(look.max(axis=1))).sum()) for look in log_probabilities)


def signals_of(values: Values, lattice: Decoded, strip: StripReading | None) -> Signals:
    """The signals of ``values[0]``, the value that is reported.

    Args:
        values: what both readers say together, best first; at least one.
        lattice: what cutting says.
        strip: what the string reader says; None where it did not read the field.

    Returns:
        Signals by name: posteriors as log odds, their ratios as logarithms; the same names for each of the two kinds
        of fields, those with a strip and those without.
    """
    value = values[0][0]
    path = lattice.path_of(value)
    told = {
        "posterior": _log_odds(values[0][1]),
        "margin": _margin(values),
        "weakest_digit": min((_log_odds(step.probability) for step in path if step.digit is not None), default=UNREAD),
        "length": float(len(value)),
    }
    return told if strip is None else told | _strip_signals(value, lattice.values, strip)


def _strip_signals(value: str, lattice: Values, strip: StripReading) -> dict[str, float]:
    looks = [_log_odds(dict(look).get(value, 0.0)) for look in strip.looks]
    return {
        "look_mean": statistics.fmean(looks),
        "look_least": min(looks),
        "look_most": max(looks),
        "lattice": math.log(dict(lattice).get(value, 0.0) + CLIP),
        "lattice_agrees": float(bool(lattice) and lattice[0][0] == value),
        "decided": -math.log(strip.doubt + 1e-3),
    }


def _margin(values: Values) -> float:
    second = values[1][1] if len(values) > 1 else 0.0
    return math.log(max(values[0][1], CLIP) / max(second, CLIP))


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, CLIP), 1 - CLIP)
    return math.log(clipped / (1 - clipped))
