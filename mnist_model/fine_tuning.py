"""Goes on training the digit net with a site's own digits. Importing this module loads Keras and TensorFlow.

MNIST's digits and what is no digit are shown along with them (rehearsal, Robins 1995), and what comes out is a mean of
the weights before and after, as near to those after as MNIST's held-out digits allow (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models", section 3): nothing that was known is forgotten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from mnist_model.bundle import Bundle, ModelError, write_bundle
from mnist_model.datasets import Dataset
from mnist_model.recipes import Recipe, recipe_of
from mnist_model.sampling import Labelled, batches_of, calibration_set, joined, split
from mnist_model.training import Trained, fill_bundle

_WAY = (1.0, 0.75, 0.5, 0.25)  # from the weights before to those after


@dataclass(frozen=True, slots=True)
class DigitTuning:
    """In each of ``epochs`` the net sees ``replayed`` digits of MNIST and ``own`` of the site, all augmented anew."""

    epochs: int = 4
    own: int = 6000
    replayed: int = 12_000
    written: int = 4000
    learning_rate: float = 3e-4
    final_learning_rate: float = 1e-5
    seed: int = 1


Progress = Callable[[int, float], None]


def tune_digits(bundle: Bundle, own: Labelled, dataset: Dataset, tuning: DigitTuning, progress: Progress) -> Trained:
    """The net of ``bundle`` after the site's digits.

    Args:
        bundle: the net to go on from; it stays as it is.
        own: the site's digits; at least one.
        dataset: MNIST; its training half is shown along, a part of it is held out.
        tuning: how.
        progress: called after each epoch with its number, from 1, and the loss.

    Raises:
        ModelError: the bundle's ``model.keras`` cannot be read, or its recipe is not known.
    """
    recipe, net = _recipe(bundle, tuning), _loaded(bundle)
    keras.utils.set_random_seed(tuning.seed)
    rng = np.random.default_rng([tuning.seed, 6])
    training, held_out = split(Labelled(dataset.x_train, dataset.y_train), recipe.validation_share, recipe.seed)
    replayed = training[rng.permutation(len(training.y))[: tuning.replayed]]
    repeated = own[rng.permutation(np.arange(tuning.own) % len(own.y))]
    history = _fit(net, joined(replayed, repeated), held_out, recipe, progress)
    bare = _loaded(bundle)  # without the optimizer, which makes the files three times as large
    right = settle(bare, net.get_weights(), held_out)
    figures = {**history, "val_accuracy": [*history["val_accuracy"][:-1], right]}
    return Trained(recipe, bare, figures, len(training.y), calibration_set(held_out, recipe))


def write_tuned(trained: Trained, trained_on: Dataset, out: Path) -> Bundle:
    """Makes the bundle of a tuned net at ``out``.

    Raises:
        ModelError: as ``training.train``.
    """
    name = out.resolve().name
    return write_bundle(out, lambda folder: fill_bundle(folder, name, trained, trained_on, "formdigits retrain"))


def _recipe(bundle: Bundle, tuning: DigitTuning) -> Recipe:
    return dataclasses.replace(
        recipe_of(bundle.card.architecture),
        epochs=tuning.epochs,
        learning_rate=tuning.learning_rate,
        final_learning_rate=tuning.final_learning_rate,
        written_digits=tuning.written,
    )


def _loaded(bundle: Bundle) -> keras.Sequential:
    file = bundle.file("model.keras")
    try:
        return keras.saving.load_model(file, compile=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read ({error})", "copy the model's folder whole, or train again") from error


def _fit(
    net: keras.Sequential, digits: Labelled, held_out: Labelled, recipe: Recipe, progress: Progress
) -> Mapping[str, list[float]]:
    batches = batches_of(digits, recipe)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate,
        decay_steps=recipe.epochs * len(batches),
        alpha=recipe.final_learning_rate / recipe.learning_rate,
    )
    net.compile(optimizer=keras.optimizers.Adam(rate), loss="categorical_crossentropy", metrics=["accuracy"])
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: progress(epoch + 1, float(logs["loss"])))
    validation = held_out.arrays(recipe.classes)
    return net.fit(batches, validation_data=validation, epochs=recipe.epochs, verbose=0, callbacks=[told]).history


def settle(net: keras.Sequential, after: list[np.ndarray], held_out: Labelled) -> float:
    """Takes ``net`` as far on the way to ``after`` as it gets no fewer held-out digits right; returns their share."""
    before, known = net.get_weights(), _right(net, held_out)
    for way in _WAY:
        net.set_weights([(1 - way) * old + way * new for old, new in zip(before, after, strict=True)])
        if (right := _right(net, held_out)) >= known:
            return right
    net.set_weights(before)
    return known


def _right(net: keras.Sequential, digits: Labelled) -> float:
    """The share of digits that the net gets right."""
    read = net.predict(digits.x / np.float32(255), batch_size=256, verbose=0).argmax(axis=1)
    return float((read == digits.y).mean())
