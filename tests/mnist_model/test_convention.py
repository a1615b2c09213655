import cv2
import numpy as np
import pytest

from mnist_model.convention import bring_to_convention
from mnist_model.digit_files import LabelledImages
from mnist_model.handwriting import write_digits

DIGITS, LABELS = write_digits(60, np.random.default_rng(3))


def treated(images):
    return bring_to_convention(LabelledImages(images, LABELS))


def cropped(image: np.ndarray) -> np.ndarray:
    x, y, width, height = cv2.boundingRect((image > 38).astype(np.uint8))
    return image[y : y + height, x : x + width]


def aspects(images) -> np.ndarray:
    shapes = np.array([cropped(image).shape for image in images])
    return shapes[:, 1] / shapes[:, 0]


def distance(images: np.ndarray) -> float:
    return float(np.abs(images.astype(float) - DIGITS).mean())


def test_digits_in_the_convention_are_left_as_they_are():
    images, layout = treated(DIGITS)
    assert np.array_equal(images, DIGITS)
    assert layout.treatment == "size and place as they are"


def test_size_place_and_polarity_of_pictures_make_no_difference():
    rng = np.random.default_rng(4)
    pictures = []
    for digit in DIGITS:
        large = cv2.resize(digit, None, fx=(scale := rng.uniform(1.5, 6)), fy=scale, interpolation=cv2.INTER_CUBIC)
        margins = [(int(before), int(after)) for before, after in rng.integers(0, 40, (2, 2))]
        pictures.append((230 - 0.8 * np.pad(large, margins)).astype(np.uint8))
    images, layout = treated(pictures)
    assert layout.dark_on_light
    assert not layout.transposed
    assert not layout.stretched
    assert distance(images) < 9 < distance(np.roll(images, 1, axis=2))


def test_exchanged_rows_and_columns_are_told_by_ones_that_lie():
    lying, layout = treated(DIGITS.swapaxes(1, 2))
    assert layout.transposed
    assert np.array_equal(lying, DIGITS)


def test_stretched_digits_get_widths_that_vary_and_are_usual():
    stretched = np.stack([cv2.resize(cropped(digit), (16, 16)) for digit in DIGITS])
    images, layout = treated(stretched)
    assert layout.stretched
    assert not layout.transposed
    found = aspects(images)
    assert np.median(found[LABELS == 1]) < 0.6 < 0.75 < np.median(found[LABELS == 0])
    assert found[LABELS == 2].std() > 0.08
    sizes = np.array([max(cropped(image).shape) for image in images])
    assert np.all(abs(sizes - 20) <= 2)


@pytest.mark.parametrize("value", [0, 255])
def test_an_empty_image_stays_black(value):
    images, _ = treated([np.full((30, 20), value, np.uint8)] * len(LABELS))
    assert not images.any()
