"""A model's folder that came from somewhere: a Keras file can carry code."""

import shutil

import keras
import pytest

from mnist_model.bundle import SHIPPED, ModelError, read_bundle
from mnist_model.fine_tuning import DigitTuning, tune_digits
from mnist_model.strings.bundle import read_string_bundle
from mnist_model.strings.fine_tuning import StringTuning, tune_strings


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Puts a net whose lambda writes a file in place of a bundle's own; says where the file would be."""
    made = tmp_path / "made"

    def put(name):
        folder = shutil.copytree(SHIPPED / name, tmp_path / name)
        inputs = keras.Input((28, 28))
        harm = eval(f"lambda x: (open({str(made)!r}, 'w').close(), x)[1]")  # the path must be a part of its code
        code = keras.layers.Lambda(harm, output_shape=(28, 28))
        keras.Model(inputs, code(inputs)).save(folder / "model.keras")
        made.unlink(missing_ok=True)  # by building it
        return folder

    yield put
    assert not made.exists()


def test_code_in_a_digit_net_does_not_run(hostile):
    with pytest.raises(ModelError, match="unsafe"):
        tune_digits(read_bundle(hostile("cnn")), None, None, DigitTuning(), print)


def test_code_in_a_string_net_does_not_run(hostile):
    with pytest.raises(ModelError, match="unsafe"):
        tune_strings(read_string_bundle(hostile("strings")), [], [], StringTuning(), print)
