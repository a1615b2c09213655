"""Saves a trained net as .keras, HDF5 and LiteRT, and shows that all three give the answers of the trained net.

Importing this module loads Keras and TensorFlow.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mnist_model.bundle import ModelError
from mnist_model.litert_file import has_convolutions, write_litert

# A net that is loaded again computes the same numbers; LiteRT folds batch normalization into the convolutions.
_LARGEST_DIFFERENCE = {"keras": 1e-6, "h5": 1e-6, "tflite": 1e-3}
_LARGEST_IN_8_BITS = 0.5  # of an image that is nearly as much the one digit as the other
_MEAN_IN_8_BITS = 0.01  # over all images: what rounding of the weights does not explain is another net


def save_all(model: keras.Sequential, x: np.ndarray, folder: Path) -> dict[str, float]:
    """Writes ``model.keras``, ``model.h5`` and ``model.tflite`` and compares each, loaded again, with ``model``.

    Args:
        model: the trained net.
        x: (N, 28, 28) float32 in [0, 1], the images to compare on.
        folder: an existing folder.

    Returns:
        For each form, the largest absolute difference of a probability and the number of images classed otherwise.

    Raises:
        ModelError: a form gives other answers than the trained net.
    """
    model.save(folder / "model.keras")
    with _without_advice():
        model.save(folder / "model.h5")
    write_litert(model, folder / "model.tflite")
    expected = model.predict(x, batch_size=256, verbose=0)
    answers = {
        "keras": keras.saving.load_model(folder / "model.keras").predict(x, batch_size=256, verbose=0),
        "h5": keras.saving.load_model(folder / "model.h5", compile=False).predict(x, batch_size=256, verbose=0),
        "tflite": _run_litert(folder / "model.tflite", x),
    }
    largest = _LARGEST_DIFFERENCE | ({"tflite": _LARGEST_IN_8_BITS} if has_convolutions(model) else {})
    agreement: dict[str, float] = {}
    for form, answer in answers.items():
        agreement |= _compare(form, expected, answer, largest[form])
    return agreement


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keras advises against HDF5 whenever it writes it; it is written for those who ask for it."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _run_litert(file: Path, x: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_path=str(file), num_threads=1)
    place = interpreter.get_input_details()[0]["index"]
    answers = []
    for start in range(0, len(x), 500):
        batch = x[start : start + 500]
        interpreter.resize_tensor_input(place, list(batch.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, batch)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.concatenate(answers)


def _compare(form: str, expected: np.ndarray, answer: np.ndarray, largest: float) -> dict[str, float]:
    difference = float(np.abs(expected - answer).max())
    changed = int((expected.argmax(axis=1) != answer.argmax(axis=1)).sum())
    alike = difference <= largest and np.abs(expected - answer).mean() <= _MEAN_IN_8_BITS
    if not alike:  # NaN is no agreement either
        raise ModelError(
            f"the model saved as {form} differs from the trained one by {difference:.2g}",
            "train again; if it stays so, these versions of Keras and LiteRT do not fit together",
        )
    return {f"{form}_max_difference": difference, f"{form}_changed_answers": changed}
