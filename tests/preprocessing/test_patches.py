"""Patches of print are found where they were moved to, whatever is written within the fields."""

import cv2
import numpy as np
import pytest

from preprocessing.patches import Patches

HALF = 10
CENTRES = np.array([[30, 40], [60, 25], [80, 70]])


@pytest.fixture
def print_() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (25, 30), dtype=np.uint8)
    return cv2.resize(coarse, (120, 100), interpolation=cv2.INTER_CUBIC)


def peaks(scores: np.ndarray, reach: int) -> list[tuple[int, int]]:
    """The best shift of each patch, (x, y)."""
    return [tuple(int(at) - reach for at in np.unravel_index(each.argmax(), each.shape))[::-1] for each in scores]


@pytest.mark.parametrize("reach", [3, 7, 12])
def test_without_masks_it_is_opencvs_normalized_correlation(print_, reach):
    patches = Patches.cut(print_, np.ones_like(print_), CENTRES, HALF)
    padded = cv2.copyMakeBorder(print_[::-1], reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    for (x, y), scores in zip(CENTRES, patches.scores(print_[::-1], reach), strict=True):
        window = padded[y - HALF : y + HALF + 1 + 2 * reach, x - HALF : x + HALF + 1 + 2 * reach]
        patch = print_[y - HALF : y + HALF + 1, x - HALF : x + HALF + 1]
        assert np.allclose(scores, cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED), atol=2e-3)


@pytest.mark.parametrize("shift", [(0, 0), (5, -3), (-7, 7)])
def test_ink_that_is_masked_out_changes_nothing(print_, shift):
    counts = np.ones_like(print_)
    page = np.roll(print_, shift[::-1], (0, 1))
    for x, y in CENTRES:
        counts[y - 4 : y + 8, x - 6 : x + 6] = 0
        page[y - 4 + shift[1] : y + 8 + shift[1], x - 6 + shift[0] : x + 6 + shift[0]] = 0
    scores = Patches.cut(print_, counts, CENTRES, HALF).scores(page, 8)
    assert peaks(scores, 8) == [shift] * len(CENTRES)
    assert scores.max((1, 2)) == pytest.approx(1.0, abs=1e-3)


def test_the_grain_of_empty_paper_is_no_print(print_):
    paper = (250 + (np.indices(print_.shape).sum(0) % 7 == 0)).astype(np.uint8)
    assert Patches.cut(print_, np.ones_like(print_), CENTRES, HALF).scores(paper, 8).max() < 0.4


def test_a_form_without_print_has_no_patches(print_):
    none = Patches.cut(print_, np.ones_like(print_), np.zeros((0, 2), int), HALF)
    assert none.scores(print_, 5).shape == (0, 11, 11)
