"""The classifier: 28x28 images in, probabilities of ten digits and *not a digit* out.

Loads LiteRT and never TensorFlow: a process that reads pages starts in a fraction of a second.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mnist_model.bundle import Bundle, ModelError, find_bundle, read_bundle
from mnist_model.calibration import apply_temperature

NOT_A_DIGIT = 10
# On one thread a digit costs the same alone as among 32, so that filling up a larger batch would only waste time on the
# few pieces of a field; of 1, 2, 4, 8, 16 and 32 the fastest for 1 to 40 pieces.
_BATCH = 2


class Classifier(Protocol):
    """What the read path needs of a model."""

    @property
    def name(self) -> str:
        """Name and version of the model, as written beside every reading."""

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, 28, 28) uint8, white on black -> (N, 11) float32, rows sum to 1; column 10 is *not a digit*."""


class LiteRTClassifier:
    """A bundle's ``model.tflite``, run on one thread, with the bundle's temperature applied.

    One instance may serve several threads: they take turns. A net of ten classes gets an eleventh column of zeros.
    """

    def __init__(self, bundle: Bundle):
        """Loads the model; ``ModelError`` where LiteRT cannot read it or it does not take 28x28 images."""
        self._bundle = bundle
        self._turn = threading.Lock()
        self._interpreter = _interpreter(bundle)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    @property
    def name(self) -> str:
        return self._bundle.name

    @property
    def bundle(self) -> Bundle:
        return self._bundle

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, 28, 28) uint8, white on black -> (N, 11) float32, rows sum to 1; column 10 is *not a digit*.

        Raises:
            ValueError: ``images`` is not of that shape and dtype.
        """
        if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
            raise ValueError(f"images are {images.shape} {images.dtype}, not (N, 28, 28) uint8")
        result = np.zeros((len(images), NOT_A_DIGIT + 1), dtype=np.float32)
        told = result[:, : self._bundle.card.classes]
        with self._turn:
            for start in range(0, len(images), _BATCH):
                told[start : start + _BATCH] = self._run(images[start : start + _BATCH])
        if len(images):
            told[:] = apply_temperature(told, self._bundle.card.temperature)
        return result

    def _run(self, images: np.ndarray) -> np.ndarray:
        """(n <= _BATCH, 28, 28) -> (n, classes). A short chunk is filled up with black: cheaper than a resize."""
        batch = np.zeros((_BATCH, 28, 28), dtype=np.float32)
        np.divide(images, np.float32(255), out=batch[: len(images)])
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        output: np.ndarray = self._interpreter.get_tensor(self._output)[: len(images)]
        return output


def load_classifier(model: str) -> LiteRTClassifier:
    """The classifier of a shipped bundle by its name (``cnn``, ``seed-ann``), or of a bundle's folder.

    Raises:
        ModelError: there is no such bundle, or it is not whole.
    """
    return LiteRTClassifier(read_bundle(find_bundle(model)))


def _interpreter(bundle: Bundle) -> Interpreter:
    file = bundle.file("model.tflite")
    try:
        with without_notice():
            interpreter = Interpreter(model_path=str(file), num_threads=1)
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [_BATCH, 28, 28])
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"LiteRT cannot read {file} ({error})", "train the model again") from error
    classes = int(interpreter.get_output_details()[0]["shape"][-1])
    if classes != bundle.card.classes:
        raise ModelError(f"{file} has {classes} classes, its card says {bundle.card.classes}", "train the model again")
    return interpreter


@contextmanager
def without_notice() -> Iterator[None]:
    """LiteRT tells the terminal of each process that it runs on the CPU, from C++, and has no switch for it."""
    stderr = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
