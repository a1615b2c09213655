"""Trains the string reader and makes its bundle. Importing this module loads Keras and TensorFlow: import it late."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from scipy.special import softmax

from mnist_model.bundle import ModelError, hash_file, replace_folder
from mnist_model.datasets import Dataset
from mnist_model.evaluation import wilson_interval
from mnist_model.litert_file import write_litert
from mnist_model.strings.bundle import (
    CARD_FILE,
    CARD_FORMAT,
    MODEL_FILES,
    StringBundle,
    StringCard,
    read_string_bundle,
)
from mnist_model.strings.composer import Composer, Strip
from mnist_model.strings.net import string_net
from mnist_model.strings.reader import BLANK, HEIGHT_PX, WIDTH_STEP_PX
from mnist_model.strings.recipe import Composing, StringRecipe

_AVERAGED = 0.99  # of the average is kept whenever the weights of now are added to it, every ``_FOLLOWED`` steps
_FOLLOWED = 5
_LARGEST_MEAN = 0.01  # of the differences of chances, between the trained net and the file that reads
_TEMPERATURES = np.linspace(0.7, 2.0, 27)
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")
_SOFTWARE = ("keras", "tensorflow", "numpy", "ai-edge-litert")
_COMPOSED = "strips composed of digits, of this project's own pen strokes, of separators, fillers, print and noise"


@dataclass(frozen=True, slots=True)
class RoundReport:
    """How training goes, after one round; ``round`` counts from 1, ``loss`` is in nats a strip."""

    round: int
    rounds: int
    loss: float


Progress = Callable[[RoundReport], None]


def train_strings(
    dataset: Dataset,
    out: Path,
    *,
    seed: int | None = None,
    rounds: int | None = None,
    progress: Progress | None = None,
) -> StringBundle:
    """Trains, calibrates, measures on composed strips, saves, and shows that what was saved gives the same answers.

    The bundle is made in a folder beside ``out`` and put in its place when it is whole. The usual rounds take
    about an hour on two cores.

    Args:
        dataset: digits; strips are composed of the training half, and of the test half to measure on.
        out: folder of the bundle; a string reader that is there is replaced. Its last part is the model's name.
        seed: in place of the recipe's.
        rounds: in place of the recipe's.
        progress: called after each round.

    Raises:
        ModelError: ``out`` is no place for a bundle, or a saved form gives other answers.
    """
    usual = StringRecipe()
    recipe = dataclasses.replace(usual, seed=usual.seed if seed is None else seed, rounds=rounds or usual.rounds)
    _check_place(out)
    trainer = StringTrainer(recipe)
    for number, chunk in enumerate(Composing(dataset.x_train, dataset.y_train, recipe).chunks(), 1):
        loss = trainer.train_round(chunk)
        if progress is not None:
            progress(RoundReport(number, recipe.rounds, loss))
    return write_string_bundle(trainer.averaged(), recipe, dataset, out)


def _precision() -> str:
    """Keras' name for the arithmetic: half as long numbers where the processor multiplies these faster."""
    processor = Path("/proc/cpuinfo")
    told = processor.read_text(encoding="utf-8") if processor.is_file() else ""
    return "mixed_bfloat16" if any(flag in told for flag in _BFLOAT16_FLAGS) else "float32"


class StringTrainer:
    """The net, its optimizer and the running average of its weights, which is what is kept (Polyak 1992)."""

    def __init__(self, recipe: StringRecipe, weights: Sequence[np.ndarray] | None = None):
        """A new net, or one that goes on from ``weights``."""
        keras.utils.set_random_seed(recipe.seed)
        self._recipe = recipe
        self.model = string_net(_precision())
        if weights is not None:
            self.model.set_weights(weights)
        self._optimizer = keras.optimizers.Adam(recipe.learning_rate, global_clipnorm=4.0)
        self._optimizer.build(self.model.trainable_variables)
        self._chunks: list[list[Strip]] = []
        self._rng = np.random.default_rng([recipe.seed, 2])
        self._rounds, self._steps = 0, 0
        self._average = self.model.get_weights()
        self._step = tf.function(
            self._descend,
            input_signature=[tf.TensorSpec((None, HEIGHT_PX, None)), tf.SparseTensorSpec((None, None), tf.int32)],
        )

    def train_round(self, chunk: list[Strip]) -> float:
        """One pass over a new chunk and the last ones; returns the mean loss."""
        kept = self._chunks[-self._recipe.kept :] if self._recipe.kept else []
        self._chunks = [*kept, chunk]
        strips = [strip for known in self._chunks for strip in known]
        batches = list(batches_of(strips, self._recipe.batch_size, self._rng))
        losses = []
        for index, batch in enumerate(batches):
            self._optimizer.learning_rate = self._rate(self._rounds + index / len(batches))
            losses.append(float(self._step(*batch)))
            self._steps += 1
            if self._steps % _FOLLOWED == 0:
                self._follow()
        self._rounds += 1
        return float(np.mean(losses))

    def averaged(self) -> keras.Model:
        """A net with the averaged weights."""
        net = string_net()
        net.set_weights(self._average)
        return net

    def _rate(self, at: float) -> float:
        recipe = self._recipe
        share = 0.5 * (1 + math.cos(math.pi * min(1.0, at / recipe.rounds)))
        rate = recipe.final_learning_rate + share * (recipe.learning_rate - recipe.final_learning_rate)
        return rate * min(1.0, (self._steps + 1) / recipe.warm_up)

    def _follow(self) -> None:
        keep = min(_AVERAGED, self._steps / (self._steps + 10 * _FOLLOWED))
        for mean, now in zip(self._average, self.model.get_weights(), strict=True):
            mean *= keep
            mean += (1 - keep) * now

    def _descend(self, strips: tf.Tensor, labels: tf.SparseTensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = _loss(self.model(strips, training=True), labels)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self._optimizer.apply(gradients, self.model.trainable_variables)
        return loss


def _loss(logits: tf.Tensor, labels: tf.SparseTensor) -> tf.Tensor:
    """Graves et al. 2006: minus the logarithm of the label's probability, summed over all ways to spell it.

    There is one way to spell nothing, blanks alone. TensorFlow's loss takes no empty label: it is given a stand-in.
    """
    lengths = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    filled, empty = tf.sparse.fill_empty_rows(labels, 0)
    spelled = tf.nn.ctc_loss(filled, logits, None, lengths, logits_time_major=False, blank_index=BLANK)
    silent = -tf.reduce_sum(tf.nn.log_softmax(logits)[:, :, BLANK], axis=1)
    return tf.reduce_mean(tf.where(empty, silent, spelled))


def batches_of(
    strips: Sequence[Strip], size: int, rng: np.random.Generator
) -> Iterator[tuple[tf.Tensor, tf.SparseTensor]]:
    """Strips of about one width together, black to the right of the shorter ones; in any order."""
    widths = np.array([strip.pixels.shape[1] for strip in strips])
    order = np.argsort(widths + rng.uniform(0, 24, len(widths)))
    for start in rng.permutation(np.arange(0, len(order), size)):
        chosen = [strips[index] for index in order[start : start + size]]
        yield tf.constant(stacked(chosen)), _sparse(chosen)


def stacked(strips: Sequence[Strip]) -> np.ndarray:
    """(N, 32, W) float32 in [0, 1], W a multiple of 32, black to the right of the shorter ones."""
    width = -(-max(strip.pixels.shape[1] for strip in strips) // WIDTH_STEP_PX) * WIDTH_STEP_PX
    pixels = np.zeros((len(strips), HEIGHT_PX, width), dtype=np.float32)
    for row, strip in zip(pixels, strips, strict=True):
        row[:, : strip.pixels.shape[1]] = strip.pixels
    return pixels / np.float32(255)


def _sparse(strips: Sequence[Strip]) -> tf.SparseTensor:
    places = np.array(
        [(row, at) for row, strip in enumerate(strips) for at in range(len(strip.digits))], dtype=np.int64
    )
    digits = np.array([int(digit) for strip in strips for digit in strip.digits], dtype=np.int32)
    return tf.SparseTensor(
        places.reshape(-1, 2), digits, (len(strips), max(1, *(len(strip.digits) for strip in strips)))
    )


def write_string_bundle(
    net: keras.Model, recipe: StringRecipe, dataset: Dataset, out: Path, command: str | None = None
) -> StringBundle:
    """Calibrates and measures a trained net on strips of digits that it has not seen, and makes its bundle at ``out``.

    Args:
        net: the trained net.
        recipe: how it was trained.
        dataset: what it was trained on, with the digits that test strips are composed of.
        out: folder of the bundle.
        command: what makes such a net again; None for the command that trains one from scratch.

    Raises:
        ModelError: ``out`` is no place for a bundle, or the file that reads gives other answers than the net.
    """
    _check_place(out)
    composer = Composer(dataset.x_test, dataset.y_test, np.random.default_rng([recipe.seed, 3]))
    test = composer.compose(recipe.test_strips, np.random.default_rng([recipe.seed, 4]))
    out.parent.mkdir(parents=True, exist_ok=True)
    said = command or _command(recipe, dataset)
    replace_folder(out, lambda made: _fill(made, out.resolve().name, net, recipe, dataset, test, said))
    return read_string_bundle(out)


def _check_place(out: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / CARD_FILE).is_file()):
        raise ModelError(f"{out} holds something other than a string reader", "name a new folder, or empty this one")


def _fill(
    folder: Path,
    name: str,
    net: keras.Model,
    recipe: StringRecipe,
    dataset: Dataset,
    test: Sequence[Strip],
    command: str,
) -> None:
    net.save(folder / "model.keras")
    write_litert(net, folder / "model.tflite")
    difference = _litert_difference(folder / "model.tflite", net, test[:64])
    temperature, exact = _measured(net, test)
    created = dt.datetime.now(tz=dt.UTC).date()
    files = {file: hash_file(folder / file) for file in MODEL_FILES}
    card = StringCard(
        format=CARD_FORMAT,
        name=name,
        version=f"{created:%Y.%m.%d}-{files['model.tflite'][:8]}",
        title="convolutional net with connectionist temporal classification",
        parameters=net.count_params(),
        created=created.isoformat(),
        command=command,
        data_source=dataset.source,
        data_sha256=dataset.sha256,
        data_licence=dataset.licence,
        composed_data=_COMPOSED,
        seed=recipe.seed,
        rounds=recipe.rounds,
        chunk=recipe.chunk,
        train_strips=recipe.rounds * recipe.chunk,
        test_strips=len(test),
        test_exact=exact / len(test),
        test_exact_interval=wilson_interval(exact, len(test)),
        temperature=temperature,
        tflite_max_difference=difference,
        versions={package: importlib.metadata.version(package) for package in _SOFTWARE},
        files=files,
    )
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")


def _measured(net: keras.Model, test: Sequence[Strip]) -> tuple[float, int]:
    """The temperature that makes the truth most probable, and how many strips are read right (best path)."""
    losses, right = np.zeros(len(_TEMPERATURES)), 0
    for start in range(0, len(test), 50):
        strips = sorted(test, key=lambda strip: strip.pixels.shape[1])[start : start + 50]
        logits = net(stacked(strips), training=False)
        labels = _sparse(strips)
        losses += [float(_loss(logits / temperature, labels)) for temperature in _TEMPERATURES.astype(np.float32)]
        read = keras.ops.convert_to_numpy(logits).argmax(axis=-1)
        right += sum(_spelled(answers) == strip.digits for answers, strip in zip(read, strips, strict=True))
    return float(_TEMPERATURES[losses.argmin()]), right


def _spelled(answers: np.ndarray) -> str:
    """Repeats merged, blanks dropped."""
    changed = np.append(True, answers[1:] != answers[:-1])
    return "".join(str(answer) for answer in answers[changed & (answers != BLANK)])


def _litert_difference(file: Path, net: keras.Model, strips: Sequence[Strip]) -> float:
    """The largest difference of a logit between the net and the file, on strips of several widths.

    Raises:
        ModelError: the file gives other answers.
    """
    interpreter = Interpreter(model_path=str(file), num_threads=1)
    place = interpreter.get_input_details()[0]["index"]
    differences, apart = [], []
    for strip in strips:
        pixels = stacked([strip])
        interpreter.resize_tensor_input(place, list(pixels.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, pixels)
        interpreter.invoke()
        answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        expected = keras.ops.convert_to_numpy(net(pixels, training=False))
        differences.append(np.abs(answer - expected).max())
        apart.append(np.abs(softmax(answer, axis=-1) - softmax(expected, axis=-1)).mean())
    worst, mean = float(np.max(differences)), float(np.mean(apart))
    if not mean <= _LARGEST_MEAN:  # NaN is no agreement either
        raise ModelError(
            f"the string reader saved for LiteRT differs from the trained one by {mean:.2g} on average",
            "train again; if it stays so, these versions of Keras and LiteRT do not fit together",
        )
    return worst


def _command(recipe: StringRecipe, dataset: Dataset) -> str:
    """The command that makes the model again: with the options that differ from the usual ones."""
    usual = StringRecipe()
    seed = "" if recipe.seed == usual.seed else f" --seed {recipe.seed}"
    rounds = "" if recipe.rounds == usual.rounds else f" --epochs {recipe.rounds}"
    data = "".join(f" --data {source}" for source in dataset.extra)
    return f"formdigits train --architecture strings{data}{seed}{rounds}"
