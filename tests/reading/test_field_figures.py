import numpy as np
import pytest

from mnist_model.evaluation import area_under_risk_coverage, calibration_bins, expected_calibration_error
from reading.field_figures import JudgedField, field_figures


def drawn(count: int, seed: int = 0) -> list[JudgedField]:
    random = np.random.default_rng(seed)
    sure = random.choice([0.1, 0.35, 0.6, 0.8, 0.9, 0.97, 0.9999], count)
    return [JudgedField(float(one), bool(random.random() < one)) for one in sure]


def test_fields_that_count_alike_have_the_figures_of_digits() -> None:
    fields = drawn(700)
    sure, right = np.array([f.confidence for f in fields]), np.array([f.right for f in fields])
    found = field_figures(fields)
    assert found.exact == pytest.approx(right.mean())
    assert found.aurc == pytest.approx(area_under_risk_coverage(sure, right))
    assert found.ece == pytest.approx(expected_calibration_error(calibration_bins(sure, right)))
    assert sum(one.weight for one in found.reliability) == len(fields)


def test_a_field_that_stands_for_three_is_three_fields() -> None:
    fields = drawn(200)
    heavy = [JudgedField(f.confidence, f.right, 3.0) for f in fields[:80]] + fields[80:]
    one, other = field_figures(heavy), field_figures(fields[:80] * 3 + fields[80:])
    assert (one.exact, one.ece, one.aurc) == pytest.approx((other.exact, other.ece, other.aurc))
    assert [point.risk for point in one.curve] == pytest.approx([point.risk for point in other.curve])


def test_thresholds() -> None:
    fields = [JudgedField(0.9, True), JudgedField(0.9, True), JudgedField(0.8, False), JudgedField(0.0, False)]
    found = field_figures(fields)
    assert [(point.coverage, point.confidence) for point in found.curve] == [(0.5, 0.9), (0.75, 0.8), (1.0, 0.0)]
    assert found.within(0.0) == found.covering(0.5) == found.curve[0]
    assert found.within(0.4) == found.covering(0.6) == found.curve[1]
    assert field_figures([JudgedField(0.9, False)]).within(0.5) is None
