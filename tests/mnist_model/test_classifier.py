import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mnist_model.bundle import SHIPPED, ModelError, hash_file
from mnist_model.classifier import NOT_A_DIGIT, load_classifier
from tests.mnist_model.cards import change_card


@pytest.fixture(scope="module", params=["seed-ann", "cnn"])
def classifier(request):
    return load_classifier(request.param)


def printed(text: str) -> np.ndarray:
    """(28, 28) uint8: the text in Pillow's own font, 20 px high or wide, centred by its mass."""
    picture = Image.new("L", (120, 120))
    ImageDraw.Draw(picture).text((30, 30), text, fill=255, font=ImageFont.load_default(size=48))
    picture = picture.crop(picture.getbbox())
    scale = 20 / max(picture.size)
    small = np.array(picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.BOX))
    rows, columns = (
        round(14 - small.sum(axis=1 - axis) @ np.arange(small.shape[axis]) / small.sum()) for axis in (0, 1)
    )
    image = np.zeros((28, 28), np.uint8)
    image[rows : rows + small.shape[0], columns : columns + small.shape[1]] = small
    return image


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 100])
def test_any_number_of_images(classifier, count):
    images = np.random.default_rng(1).integers(0, 256, (count, 28, 28), np.uint8)
    probabilities = classifier.probabilities(images)
    assert probabilities.shape == (count, 11)
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    one_by_one = [classifier.probabilities(image[None])[0] for image in images[-2:]]
    assert probabilities[-2:] == pytest.approx(np.reshape(one_by_one, (-1, 11)), abs=1e-5)


@pytest.mark.parametrize(
    "images", [np.zeros((2, 28, 28), np.float32), np.zeros((28, 28), np.uint8), np.zeros((2, 28, 20), np.uint8)]
)
def test_other_arrays_are_refused(classifier, images):
    with pytest.raises(ValueError, match=r"\(N, 28, 28\) uint8"):
        classifier.probabilities(images)


def test_threads_may_share_one_classifier(classifier):
    images = np.random.default_rng(2).integers(0, 256, (8, 40, 28, 28), np.uint8)
    expected = [classifier.probabilities(batch) for batch in images]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(classifier.probabilities, images), expected, strict=True):
            assert (found == wanted).all()


def test_printed_digits_are_read():
    """Neither net has seen print; the better one reads most of it."""
    images = np.stack([printed(digit) for digit in "0123456789"])
    read = load_classifier("cnn").probabilities(images).argmax(axis=1)
    assert (read == np.arange(10)).sum() >= 8


def test_what_is_not_a_digit_is_said_to_be_none():
    images = np.stack([printed(text) for text in ("38", "W", "#", "E", "56", "K", "-", "420")])
    assert (load_classifier("cnn").probabilities(images).argmax(axis=1) == NOT_A_DIGIT).sum() >= 7
    assert (load_classifier("seed-ann").probabilities(images)[:, NOT_A_DIGIT] == 0).all()


def test_the_name_holds_the_version(classifier):
    assert classifier.name == f"{classifier.bundle.card.name} {classifier.bundle.card.version}"


def test_the_temperature_is_applied(tmp_path):
    folder = shutil.copytree(SHIPPED / "seed-ann", tmp_path / "warm")
    change_card(folder, temperature=8.0)
    image = printed("4")[None]
    sure, unsure = (load_classifier(model).probabilities(image).max() for model in ("seed-ann", str(folder)))
    assert unsure < sure - 0.1


def test_a_file_that_litert_cannot_read(tmp_path):
    folder = shutil.copytree(SHIPPED / "seed-ann", tmp_path / "broken")
    (folder / "model.tflite").write_bytes(b"no model")
    change_card(folder, files={"model.tflite": hash_file(folder / "model.tflite")})
    with pytest.raises(ModelError, match="LiteRT cannot read"):
        load_classifier(str(folder))


def test_a_card_of_another_net_is_refused(tmp_path):
    folder = shutil.copytree(SHIPPED / "seed-ann", tmp_path / "mixed")
    change_card(folder, classes=11)
    with pytest.raises(ModelError, match="has 10 classes"):
        load_classifier(str(folder))


def test_reading_loads_no_tensorflow_and_says_nothing():
    code = (
        "import sys, numpy\n"
        "from mnist_model.classifier import load_classifier\n"
        "import mnist_model.evaluation, mnist_model.datasets, mnist_model.recipes\n"
        "load_classifier('seed-ann').probabilities(numpy.zeros((1, 28, 28), numpy.uint8))\n"
        "print({'tensorflow', 'keras', 'matplotlib', 'sklearn'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"
    assert done.stderr == ""
