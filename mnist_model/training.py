"""Trains a net and makes its bundle. Importing this module loads Keras and TensorFlow (3 to 6 s): import it late."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.metrics import classification_report

from mnist_model.architectures import ARCHITECTURES
from mnist_model.bundle import CARD_FILE, CARD_FORMAT, MODEL_FILES, Bundle, Card, check_place, hash_file, write_bundle
from mnist_model.calibration import apply_temperature, fit_temperature
from mnist_model.classifier import NOT_A_DIGIT
from mnist_model.datasets import Dataset
from mnist_model.evaluation import Evaluation, evaluate_probabilities
from mnist_model.export import save_all
from mnist_model.plots import plot_confusion_matrix, plot_reliability_diagram, plot_training_history
from mnist_model.recipes import Recipe, recipe_of
from mnist_model.sampling import Labelled, batches_of, calibration_set, joined, split

_SOFTWARE = ("keras", "tensorflow", "numpy", "ai-edge-litert")


@dataclass(frozen=True, slots=True)
class EpochReport:
    """How training goes, after one epoch; ``epoch`` counts from 1."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


Progress = Callable[[EpochReport], None]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained net, how it got there, and the held-out images it is calibrated on."""

    recipe: Recipe
    model: keras.Sequential
    history: Mapping[str, Sequence[float]]
    train_images: int
    calibration: Labelled


def train(
    architecture: str,
    dataset: Dataset,
    out: Path,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Trains, calibrates, measures on the test images, saves, and shows that what was saved gives the same answers.

    The bundle is made in a folder beside ``out`` and put in its place when it is whole.

    Args:
        architecture: a name of ``recipes.RECIPES``.
        dataset: digits; a share of the training images is held out for validation and calibration.
        out: folder of the bundle; a bundle that is there is replaced. Its last part is the model's name.
        seed: in place of the recipe's.
        epochs: in place of the recipe's.
        progress: called after each epoch.

    Raises:
        ModelError: no such architecture, ``out`` is no place for a bundle, or a saved form gives other answers.
    """
    usual = recipe_of(architecture)
    recipe = dataclasses.replace(usual, seed=usual.seed if seed is None else seed, epochs=epochs or usual.epochs)
    check_place(out)
    trained = _fit(recipe, dataset, progress)
    return write_bundle(out, lambda folder: fill_bundle(folder, out.resolve().name, trained, dataset))


def _fit(recipe: Recipe, dataset: Dataset, progress: Progress | None) -> Trained:
    keras.utils.set_random_seed(recipe.seed)
    training, validation = _split(dataset, recipe)
    batches = batches_of(training, recipe)
    model = ARCHITECTURES[recipe.architecture]()
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                recipe.learning_rate,
                decay_steps=recipe.epochs * len(batches),
                alpha=recipe.final_learning_rate / recipe.learning_rate,
            )
        ),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        batches,
        validation_data=validation.arrays(recipe.classes),
        epochs=recipe.epochs,
        verbose=0,
        callbacks=_callbacks(recipe, progress),
    )
    bare = ARCHITECTURES[recipe.architecture]()  # without the optimizer, which makes the files three times as large
    bare.set_weights(model.get_weights())
    return Trained(recipe, bare, history.history, len(training.y), calibration_set(validation, recipe))


def _split(dataset: Dataset, recipe: Recipe) -> tuple[Labelled, Labelled]:
    """Training and validation digits. Digits that were mixed in, some more than once, are all for training."""
    digits, own = Labelled(dataset.x_train, dataset.y_train), len(dataset.y_train) - dataset.extra_images
    training, validation = split(digits[:own], recipe.validation_share, recipe.seed)
    return joined(training, digits[own:]), validation


def _callbacks(recipe: Recipe, progress: Progress | None) -> list[keras.callbacks.Callback]:
    if progress is None:
        return []

    def report(epoch: int, logs: Mapping[str, float]) -> None:
        progress(EpochReport(epoch=epoch + 1, epochs=recipe.epochs, **{name: float(logs[name]) for name in measures}))

    measures = ("loss", "accuracy", "val_loss", "val_accuracy")
    return [keras.callbacks.LambdaCallback(on_epoch_end=report)]


def fill_bundle(folder: Path, name: str, trained: Trained, dataset: Dataset, command: str | None = None) -> None:
    """Writes every file of a bundle into ``folder``; ``command`` is what makes it again, None for ``train``."""
    test = Labelled(dataset.x_test, dataset.y_test)
    agreement = save_all(trained.model, test.x / np.float32(255), folder)
    held_out = _predict(trained.model, trained.calibration.x)
    temperature = fit_temperature(held_out, trained.calibration.y)
    probabilities = _eleven_columns(apply_temperature(_predict(trained.model, test.x), temperature))
    evaluation = evaluate_probabilities(probabilities, test.y)
    _draw(folder, f"{name} on {dataset.source} test", trained.history, evaluation)
    report = classification_report(test.y, probabilities[:, :NOT_A_DIGIT].argmax(axis=1), digits=4, zero_division=0)
    (folder / "classification_report.txt").write_text(report, encoding="utf-8")
    card = Card(
        **_identity(folder, name, trained),
        **_origin(trained, dataset, command or _command(trained.recipe, dataset)),
        **_figures(evaluation),
        validation_accuracy=float(trained.history["val_accuracy"][-1]),
        not_a_digit_recall=_recall(held_out, trained.calibration.y),
        temperature=temperature,
        calibrated_on=trained.recipe.calibrated_on,
        agreement=agreement,
    )
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")


def _predict(model: keras.Sequential, x: np.ndarray) -> np.ndarray:
    return model.predict(x / np.float32(255), batch_size=256, verbose=0)


def _eleven_columns(probabilities: np.ndarray) -> np.ndarray:
    return np.pad(probabilities, ((0, 0), (0, NOT_A_DIGIT + 1 - probabilities.shape[1])))


def _draw(folder: Path, title: str, history: Mapping[str, Sequence[float]], evaluation: Evaluation) -> None:
    plot_confusion_matrix(evaluation, title, folder / "confusion_matrix.png")
    plot_training_history(history, title.split(" on ")[0], folder / "training_history.png")
    plot_reliability_diagram(evaluation, title, folder / "reliability_diagram.png")


def _identity(folder: Path, name: str, trained: Trained) -> dict[str, Any]:
    """The part of the card that tells this model from others; the version holds a hash, so no two share one."""
    files = {file: hash_file(folder / file) for file in MODEL_FILES}
    created = dt.datetime.now(tz=dt.UTC).date()
    return {
        "format": CARD_FORMAT,
        "name": name,
        "version": f"{created:%Y.%m.%d}-{files['model.tflite'][:8]}",
        "architecture": trained.recipe.architecture,
        "title": trained.recipe.title,
        "classes": trained.recipe.classes,
        "parameters": trained.model.count_params(),
        "created": created.isoformat(),
        "files": files,
    }


def _origin(trained: Trained, dataset: Dataset, command: str) -> dict[str, Any]:
    """The part of the card that says how to make the model again."""
    recipe = trained.recipe
    return {
        "command": command,
        "data_source": dataset.source,
        "data_sha256": dataset.sha256,
        "data_licence": dataset.licence,
        "composed_data": recipe.composed_data,
        "seed": recipe.seed,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "train_images": trained.train_images,
        "validation_images": len(dataset.y_train) - trained.train_images,
        "versions": {package: importlib.metadata.version(package) for package in _SOFTWARE},
    }


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    """The part of the card that was measured on the test images."""
    return {
        "test_images": evaluation.count,
        "test_accuracy": evaluation.accuracy,
        "test_accuracy_interval": evaluation.interval,
        "test_digit_accuracy": evaluation.digit_accuracy,
        "test_nll": evaluation.nll,
        "test_ece": evaluation.ece,
    }


def _recall(probabilities: np.ndarray, y: np.ndarray) -> float | None:
    """The share of composed images that the net calls *not a digit*; None where there are none."""
    composed = y == NOT_A_DIGIT
    return float((probabilities[composed].argmax(axis=1) == NOT_A_DIGIT).mean()) if composed.any() else None


def _command(recipe: Recipe, dataset: Dataset) -> str:
    """The command that makes the model again: with what was mixed in, and the options that differ from the recipe's."""
    usual = recipe_of(recipe.architecture)
    data = "".join(f" --data {source}" for source in dataset.extra)
    seed = "" if recipe.seed == usual.seed else f" --seed {recipe.seed}"
    epochs = "" if recipe.epochs == usual.epochs else f" --epochs {recipe.epochs}"
    return f"formdigits train --architecture {recipe.architecture}{data}{seed}{epochs}"
