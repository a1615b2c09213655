import cv2
import numpy as np
import pytest

from preprocessing.pyramid import Pyramid


def spotted(height: int, width: int, spot: tuple[int, int]) -> np.ndarray:
    """White paper with one black disc, 60 px wide, around (x, y)."""
    return cv2.circle(np.full((height, width), 255, np.uint8), spot, 30, 0, -1)


def middle_of(grey: np.ndarray) -> np.ndarray:
    moments = cv2.moments(255 - grey)
    return np.array([moments["m10"], moments["m01"], moments["m00"]]) / moments["m00"]


@pytest.mark.parametrize("scale", [1.3, 1.0, 0.8, 0.5, 0.3, 0.1525])
@pytest.mark.parametrize("size", [(1000, 700), (1003, 701), (1001, 702)])
def test_the_matrix_says_where_on_the_page_a_reduced_pixel_lies(scale: float, size: tuple[int, int]) -> None:
    page = spotted(*size, spot=(612, 901))

    reduced = Pyramid(page).at(scale)

    assert reduced.page_from_reduced @ middle_of(reduced.grey) == pytest.approx([612, 901, 1], abs=0.3)
    assert reduced.grey.shape[1] == pytest.approx(min(1.0, scale) * size[1], abs=2)


def test_a_thin_line_stays_wherever_it_lies() -> None:
    for row in range(200, 208):
        page = np.full((400, 400), 255, np.uint8)
        page[row : row + 2] = 0

        assert int((255 - Pyramid(page).at(0.3).grey.astype(int)).sum(axis=0).max()) > 0.2 * 255 * 2 * 0.3
