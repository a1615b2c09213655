import numpy as np
import pytest
from scipy.stats import ks_2samp

from reading.drift import KEPT, LEAST, Level, drift, reference_of

NAMES = ("confidence", "not_a_digit", "ink_share", "stroke_share", "contrast")


def samples(seed: int, count: int, shift: float = 0.0) -> dict[str, list[float]]:
    random = np.random.default_rng(seed)
    return {name: (random.normal(shift, 1, count)).tolist() for name in NAMES}


def level(seed: int, count: int, shift: float = 0.0, before: int = 1000) -> Level:
    found = drift(reference_of(samples(1_000_000 + seed, before)), samples(seed, count, shift))
    return found.level


@pytest.mark.parametrize(("count", "most"), [(LEAST, 5), (300, 2), (3000, 0)])
def test_the_same_writing_is_not_reported(count: int, most: int) -> None:
    assert sum(level(seed, count) > Level.NONE for seed in range(200)) <= most


def test_a_certain_difference_that_is_small_is_not_reported() -> None:
    found = drift(reference_of(samples(1, 1000)), samples(2, 100_000, 0.2))
    assert max(one.p_value for one in found.statistics) < 0.001
    assert found.level is Level.NONE


@pytest.mark.parametrize(("shift", "expected"), [(0.38, Level.MARKED), (0.8, Level.STRONG), (-0.8, Level.STRONG)])
def test_another_writing_is_reported(shift: float, expected: Level) -> None:
    levels = [level(seed, 1000, shift) for seed in range(20)]
    assert sum(each is expected for each in levels) >= 18


def test_what_moved_most_is_named_first() -> None:
    now = samples(2, 1000) | {
        "contrast": samples(3, 1000, 2.0)["contrast"],
        "ink_share": samples(4, 1000, 1.0)["ink_share"],
    }
    found = drift(reference_of(samples(1, 1000)), now)
    assert [one.name for one in found.moved] == ["contrast", "ink_share"]
    assert found.moved[0].now - found.moved[0].before == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(("old", "new", "shift"), [(1000, 1000, 0.1), (700, 150, 0.3), (900, 900, 0.0)])
def test_the_test_is_kolmogorovs_and_smirnovs(old: int, new: int, shift: float) -> None:
    before, now = samples(5, old), samples(6, new, shift)
    (found, *_) = drift(reference_of(before), now).statistics
    expected = ks_2samp(before["confidence"], now["confidence"], method="asymp")
    assert found.distance == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.3, abs=1e-9)


def test_equal_values_are_one_value() -> None:
    certain = {"confidence": [0.9999] * 900 + [0.5] * 100}
    assert drift(reference_of(certain), {"confidence": [0.9999] * 450 + [0.5] * 50}).level is Level.NONE
    assert drift(reference_of(certain), {"confidence": [0.9999] * 250 + [0.5] * 250}).level is Level.STRONG


def test_too_few_fields_say_nothing() -> None:
    few, many = samples(1, LEAST - 1), samples(2, 1000)
    assert drift(reference_of(few), many) is None
    assert drift(reference_of(many), few) is None
    assert drift(reference_of({}), {}) is None


def test_a_long_reference_is_thinned_and_stays_the_same() -> None:
    everything = samples(1, 20_000)
    kept = reference_of(everything)
    assert kept.fields == 20_000
    assert {len(sample) for sample in kept.samples.values()} == {KEPT}
    assert max(one.distance for one in drift(kept, everything).statistics) < 0.002
