"""A cross is one by its shape and by what the classifier makes of it."""

import numpy as np
import pytest

from reading.strikes import struck_out_posteriors

CROSS, PERHAPS, DIGIT, LED_THROUGH = 0.97, 0.5, 0.0, 1.0


def rejecting(*chances: float) -> np.ndarray:
    told = np.zeros((len(chances), 11), np.float32)
    told[:, 10] = chances
    told[:, 3] = 1 - told[:, 10]
    return told


@pytest.mark.parametrize(
    ("prior", "rejected", "least", "most"),
    [
        (CROSS, 0.99, 0.999, 1.0),
        (PERHAPS, 0.99, 0.98, 1.0),
        (PERHAPS, 0.001, 0.0, 0.01),
        (CROSS, 0.03, 0.2, 0.8),
        (DIGIT, 0.999, 0.0, 0.0),
        (LED_THROUGH, 0.0, 1.0, 1.0),
    ],
    ids=["both say so", "perhaps one", "an open 2", "they contradict", "scrawl", "whatever lies below a line"],
)
def test_shape_and_classifier_settle_it_together(prior, rejected, least, most):
    told = rejecting(rejected, 0.5)
    assert least <= struck_out_posteriors([prior, 0.0], told)[0] <= most


def test_a_classifier_without_no_digits_has_no_say():
    assert struck_out_posteriors([CROSS, DIGIT], rejecting(0.0, 0.0)).tolist() == [CROSS, DIGIT]
