import pytest

from bench.figures import read_rate


@pytest.mark.parametrize(
    ("confidences", "right", "error", "rate"),
    [
        ([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1], 0.01, 0.5),
        ([0.6, 0.7, 0.8, 0.9], [1, 0, 1, 1], 0.25, 1.0),  # after the wrong one the rest makes up for it
        ([0.9, 0.9, 0.8, 0.7], [0, 1, 1, 1], 0.01, 0.0),  # the surest are as sure as the wrong one
        ([0.5, 0.5], [1, 1], 0.0, 1.0),
        ([], [], 0.01, 0.0),
    ],
)
def test_the_read_rate_is_the_largest_with_that_error(confidences, right, error, rate):
    assert read_rate(confidences, [bool(each) for each in right], error) == rate
