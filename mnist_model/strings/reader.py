"""The string reader: strips of digits in, the chances of each digit in each column out.

Loads LiteRT and never TensorFlow: a process that reads pages starts in a fraction of a second.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mnist_model.bundle import ModelError
from mnist_model.classifier import without_notice
from mnist_model.strings.bundle import StringBundle, find_string_bundle, read_string_bundle

CLASSES = 11
BLANK = 10
HEIGHT_PX = 32
WIDTH_STEP_PX = 32
# Widths for which the net stays prepared, at 7 MB each; to prepare it for another takes a third of the time of reading.
PREPARED = 4


class StringReader(Protocol):
    """What the read path needs of a string reader."""

    @property
    def name(self) -> str:
        """Name and version of the model, as written beside every reading."""

    def log_probabilities(self, strips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """For each strip (32, W) uint8, (W / 2, 11) float32: natural logarithms, column 10 is *no digit here*."""


class LiteRTStringReader:
    """A bundle's ``model.tflite``, run on one thread, with the bundle's temperature applied.

    One instance may serve several threads: they take turns.
    """

    def __init__(self, bundle: StringBundle):
        """Loads the model; ``ModelError`` where LiteRT cannot read it or it does not take strips."""
        self._bundle = bundle
        self._turn = threading.Lock()
        net = _interpreter(bundle)
        self._nets = {WIDTH_STEP_PX: net}  # by width, the one that was used last at the end
        self._input = net.get_input_details()[0]["index"]
        self._output = net.get_output_details()[0]["index"]

    @property
    def name(self) -> str:
        return self._bundle.name

    @property
    def bundle(self) -> StringBundle:
        return self._bundle

    def log_probabilities(self, strips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """For each strip (32, W) uint8, W a multiple of 32, (W / 2, 11) float32: natural logarithms of chances.

        Strips of one width are read one after the other, which saves preparing the net anew; larger batches are no
        faster on one thread.

        Raises:
            ValueError: a strip is not of that shape and dtype.
        """
        for strip in strips:
            _check(strip)
        if not strips:
            return []
        answers: dict[int, np.ndarray] = {}
        with self._turn:
            for index in sorted(range(len(strips)), key=lambda index: strips[index].shape[1]):
                answers[index] = self._run(strips[index])
        columns = np.concatenate([answers[index] for index in range(len(strips))])
        ends = np.cumsum([len(answers[index]) for index in range(len(strips))])
        return np.split(_log_softmax(columns / self._bundle.card.temperature), ends[:-1])

    def _run(self, strip: np.ndarray) -> np.ndarray:
        net = self._net(strip.shape[1])
        net.set_tensor(self._input, strip[None] / np.float32(255))
        net.invoke()
        logits: np.ndarray = net.get_tensor(self._output)[0]
        return logits

    def _net(self, width: int) -> Interpreter:
        """The net prepared for strips of this width, in place of the one that was not used for longest."""
        net = self._nets.pop(width, None)
        if net is None:
            full = len(self._nets) == PREPARED
            net = self._nets.pop(next(iter(self._nets))) if full else _interpreter(self._bundle)
            net.resize_tensor_input(self._input, [1, HEIGHT_PX, width])
            net.allocate_tensors()
        self._nets[width] = net
        return net


def load_string_reader(model: str = "strings") -> LiteRTStringReader:
    """The string reader that is shipped, or that of a bundle's folder.

    Raises:
        ModelError: there is no such bundle, or it is not whole.
    """
    return LiteRTStringReader(read_string_bundle(find_string_bundle(model)))


def _check(strip: np.ndarray) -> None:
    if strip.ndim != 2 or strip.shape[0] != HEIGHT_PX or strip.shape[1] % WIDTH_STEP_PX or strip.dtype != np.uint8:
        raise ValueError(f"a strip is {strip.shape} {strip.dtype}, not (32, a multiple of 32) uint8")
    if not strip.shape[1]:
        raise ValueError("a strip is 0 px wide")


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    lowered = logits - logits.max(axis=1, keepdims=True)
    return (lowered - np.log(np.exp(lowered).sum(axis=1, keepdims=True))).astype(np.float32)


def _interpreter(bundle: StringBundle) -> Interpreter:
    file = bundle.file("model.tflite")
    try:
        with without_notice():
            interpreter = Interpreter(model_path=str(file), num_threads=1)
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [1, HEIGHT_PX, WIDTH_STEP_PX])
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"LiteRT cannot read {file} ({error})", "train the string reader again") from error
    classes = int(interpreter.get_output_details()[0]["shape"][-1])
    if classes != CLASSES:
        raise ModelError(f"{file} has {classes} classes, not {CLASSES}", "train the string reader again")
    return interpreter
