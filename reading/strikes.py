"""Whether a comb cell is struck out: its shape says how likely that is, a classifier that knows no-digits the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_REJECTED = 1e-6


def struck_out_posteriors(priors: Sequence[float], probabilities: np.ndarray) -> np.ndarray:
    """How likely each piece is a cross, by Bayes' rule from its shape and what the classifier takes it for.

    An open 2 may have the shape of a cross, and a thin cross may pass for a 4: neither alone should drop a digit or
    add one. A classifier that never says *not a digit* has no say.

    Args:
        priors: (N,) by shape alone; 1 is certain.
        probabilities: (N, 11) float, column 10 *not a digit*.

    Returns:
        (N,) float.
    """
    by_shape = np.array(priors, float)
    rejected = probabilities[:, 10].astype(float)
    if not rejected.any():
        return by_shape
    rejected = rejected.clip(LEAST_REJECTED, 1 - LEAST_REJECTED)
    cross, digit = by_shape * rejected, (1 - by_shape) * (1 - rejected)
    return cross / (cross + digit)
