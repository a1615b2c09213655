"""Makes the bundle of a trained string reader: calibrated, measured, and shown to answer as the net did."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from scipy.special import softmax

from mnist_model.bundle import ModelError, hash_file, replace_folder
from mnist_model.datasets import Dataset
from mnist_model.evaluation import wilson_interval
from mnist_model.litert_file import write_litert
from mnist_model.strings.batches import ctc_loss, sparse_labels, stacked
from mnist_model.strings.bundle import (
    CARD_FILE,
    CARD_FORMAT,
    MODEL_FILES,
    StringBundle,
    StringCard,
    read_string_bundle,
)
from mnist_model.strings.composer import Composer, Strip
from mnist_model.strings.reader import BLANK
from mnist_model.strings.recipe import StringRecipe

_LARGEST_MEAN = 0.01  # of the differences of chances, between the trained net and the file that reads
_TEMPERATURES = np.linspace(0.7, 2.0, 27)
_SOFTWARE = ("keras", "tensorflow", "numpy", "ai-edge-litert")
_COMPOSED = "strips composed of digits, of this project's own pen strokes, of separators, fillers, print and noise"


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
    check_place(out)
    composer = Composer(dataset.x_test, dataset.y_test, np.random.default_rng([recipe.seed, 3]))
    test = composer.compose(recipe.test_strips, np.random.default_rng([recipe.seed, 4]))
    out.parent.mkdir(parents=True, exist_ok=True)
    said = command or _command(recipe, dataset)
    replace_folder(out, lambda made: _fill(made, out.resolve().name, net, recipe, dataset, test, said))
    return read_string_bundle(out)


def check_place(out: Path) -> None:
    """Raises ``ModelError`` where ``out`` holds something other than a string reader."""
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
        labels = sparse_labels(strips)
        losses += [float(ctc_loss(logits / temperature, labels)) for temperature in _TEMPERATURES.astype(np.float32)]
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
