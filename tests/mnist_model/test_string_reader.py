import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mnist_model.bundle import SHIPPED, ModelError, hash_file
from mnist_model.strings.bundle import CARD_FILE, MODEL_FILES
from mnist_model.strings.composer import Composer
from mnist_model.strings.glyphs import draw_glyphs
from mnist_model.strings.reader import BLANK, PREPARED, load_string_reader

FOLDER = SHIPPED / "strings"


@pytest.fixture(scope="module")
def reader():
    return load_string_reader()


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "mine")


def padded(pixels: np.ndarray) -> np.ndarray:
    return np.pad(pixels, ((0, 0), (0, -pixels.shape[1] % 32)))


def best_path(columns: np.ndarray) -> str:
    answers = columns.argmax(axis=1)
    changed = np.append(True, answers[1:] != answers[:-1])
    return "".join(str(answer) for answer in answers[changed & (answers != BLANK)])


def test_composed_strips_are_read(reader):
    composer = Composer(*draw_glyphs(500, np.random.default_rng(1)), np.random.default_rng(2))
    strips = composer.compose(200, np.random.default_rng(3))
    read = reader.log_probabilities([padded(strip.pixels) for strip in strips])
    assert np.mean([best_path(columns) == strip.digits for columns, strip in zip(read, strips, strict=True)]) > 0.7


def test_any_widths_in_any_order_give_each_strip_its_own_answer(reader):
    rng = np.random.default_rng(1)
    strips = [rng.integers(0, 256, (32, width), np.uint8) for width in (64, 512, 32, 64, 96)]
    together = reader.log_probabilities(strips)
    for strip, columns in zip(strips, together, strict=True):
        assert columns.shape == (strip.shape[1] // 2, 11)
        assert columns.dtype == np.float32
        assert np.exp(columns).sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert columns == pytest.approx(reader.log_probabilities([strip])[0], abs=1e-4)
    assert reader.log_probabilities([]) == []


def test_only_a_few_widths_stay_prepared():
    reader = load_string_reader()
    rng = np.random.default_rng(2)
    strips = [rng.integers(0, 256, (32, width), np.uint8) for width in range(32, 289, 32)]
    first = [reader.log_probabilities([strip])[0] for strip in strips]
    again = [reader.log_probabilities([strip])[0] for strip in strips]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert len(reader._nets) == PREPARED


@pytest.mark.parametrize(
    "strip",
    [
        *(np.zeros((32, 64), np.float32), np.zeros((28, 64), np.uint8), np.zeros((32, 50), np.uint8)),
        *(np.zeros((32, 0), np.uint8), np.zeros((1, 32, 64), np.uint8)),
    ],
)
def test_other_arrays_are_refused(reader, strip):
    with pytest.raises(ValueError, match="a strip is"):
        reader.log_probabilities([strip])


def test_threads_may_share_one_reader(reader):
    rng = np.random.default_rng(2)
    strips = [rng.integers(0, 256, (32, width), np.uint8) for width in (64, 96, 32, 128) * 4]
    expected = reader.log_probabilities(strips)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda strip: reader.log_probabilities([strip])[0], strips))
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_the_shipped_bundle_is_whole_and_says_what_it_is(reader):
    card = reader.bundle.card
    assert {name: hash_file(FOLDER / name) for name in MODEL_FILES} == card.files
    assert card.parameters <= 1_000_000
    assert (FOLDER / "model.tflite").stat().st_size <= 4_000_000
    assert card.command == "formdigits train --architecture strings --data semeion.npz:6"
    assert card.test_exact > 0.7
    assert reader.name == f"strings {card.version}"


def spoil(folder, name, old, new):
    file = folder / name
    file.write_bytes(file.read_bytes().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("model.tflite", b"TFL3", b"TFL4", "is not the file that its card speaks of"),
        (CARD_FILE, b'"format": 1', b'"format": 99', "is of format 99"),
        (CARD_FILE, b'"seed"', b'"need"', "lacks, or should not have"),
        (CARD_FILE, b"{", b"(", "is not a string reader's card"),
    ],
)
def test_a_spoilt_bundle_is_refused_with_the_reason(copied, name, old, new, problem):
    spoil(copied, name, old, new)
    with pytest.raises(ModelError, match=problem):
        load_string_reader(str(copied))


def test_a_model_without_its_file_or_of_no_such_name_is_refused(copied):
    (copied / "model.tflite").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        load_string_reader(str(copied))
    with pytest.raises(ModelError, match="there is no string reader 'nowhere'"):
        load_string_reader("nowhere")


def test_reading_loads_no_tensorflow():
    code = "import sys, mnist_model.strings.reader as r; r.load_string_reader(); print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
