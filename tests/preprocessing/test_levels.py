import numpy as np
import pytest

from preprocessing.levels import MANY, level_quantile, level_quantiles, masked_quantile


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (400,), (20, 13), (MANY, 2)])
def test_quantiles_are_numpys(shape, share):
    levels = np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)
    assert level_quantile(levels, share) == pytest.approx(np.quantile(levels, share), abs=1e-9)


def test_several_at_once_are_as_one_by_one():
    levels = np.random.default_rng(1).integers(0, 256, (90, 110), np.uint8)
    assert level_quantiles(levels, (0.5, 0.001)) == [level_quantile(levels, 0.5), level_quantile(levels, 0.001)]


@pytest.mark.parametrize("chosen", [1, 2, 37, 4000])
def test_only_what_is_chosen_counts(chosen):
    rng = np.random.default_rng(chosen)
    levels = rng.integers(0, 256, (60, 200), np.uint8)[:, 30:170]
    mask = np.zeros(levels.size, bool)
    mask[rng.permutation(levels.size)[:chosen]] = True
    mask = mask.reshape(levels.shape)
    assert masked_quantile(levels, mask, 0.4) == pytest.approx(np.quantile(levels[mask], 0.4), abs=1e-9)
