"""Trains the string reader and makes its bundle. Importing this module loads Keras and TensorFlow: import it late."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mnist_model.datasets import Dataset
from mnist_model.strings.batches import batches_of, ctc_loss
from mnist_model.strings.bundle import StringBundle
from mnist_model.strings.bundle_writing import check_place, write_string_bundle
from mnist_model.strings.composer import Strip
from mnist_model.strings.net import string_net
from mnist_model.strings.paper import HEIGHT_PX
from mnist_model.strings.recipe import Composing, StringRecipe

_AVERAGED = 0.99  # of the average is kept whenever the weights of now are added to it, every ``_FOLLOWED`` steps
_FOLLOWED = 5
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


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
    check_place(out)
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
            loss = ctc_loss(self.model(strips, training=True), labels)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self._optimizer.apply(gradients, self.model.trainable_variables)
        return loss
