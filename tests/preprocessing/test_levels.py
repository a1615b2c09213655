import numpy as np
import pytest

from preprocessing.levels import level_quantile


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (400,), (20, 13)])
def test_quantiles_are_numpys(shape, share):
    levels = np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)
    assert level_quantile(levels, share) == pytest.approx(np.quantile(levels, share), abs=1e-9)
