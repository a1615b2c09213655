"""Goes on training the string reader with a site's own strips. Importing this module loads Keras and TensorFlow.

Half of what the net sees is composed as before (rehearsal, Robins 1995), so that it forgets nothing; the other half is
the site's strips, varied and joined anew in every round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from mnist_model.bundle import ModelError
from mnist_model.datasets import Dataset
from mnist_model.strings.bundle import StringBundle
from mnist_model.strings.bundle_writing import write_string_bundle
from mnist_model.strings.composer import Composer, Strip
from mnist_model.strings.recipe import StringRecipe
from mnist_model.strings.training import StringTrainer
from mnist_model.strings.variation import Example, join, vary

_JOINED = 0.4  # the share of the site's strips that is joined of two
_PLAIN = 0.15  # the share that is shown as it is
_READ_AT_ONCE = 64
_TEST_STRIPS = 1500


@dataclass(frozen=True, slots=True)
class StringTuning:
    """In each of ``rounds`` the net sees ``own`` of the site's strips, and ``composed`` ones."""

    rounds: int = 20
    own: int = 2400
    composed: int = 1600
    learning_rate: float = 1.2e-3
    final_learning_rate: float = 1e-5
    warm_up: int = 50
    seed: int = 1

    @property
    def recipe(self) -> StringRecipe:
        """What the trainer and the composer need of it."""
        return StringRecipe(
            rounds=self.rounds,
            chunk=self.own + self.composed,
            kept=0,
            test_strips=_TEST_STRIPS,
            learning_rate=self.learning_rate,
            final_learning_rate=self.final_learning_rate,
            warm_up=self.warm_up,
            seed=self.seed,
        )


Progress = Callable[[int, float], None]


def tune_strings(
    bundle: StringBundle,
    examples: Sequence[Example],
    composed: Sequence[Strip],
    tuning: StringTuning,
    progress: Progress,
) -> keras.Model:
    """The net of ``bundle`` after the site's strips.

    Args:
        bundle: the string reader to go on from; it stays as it is.
        examples: the site's strips with their digits; at least one.
        composed: strips of the kind that the net was first trained on; as many as can be had.
        tuning: how.
        progress: called after each round with its number, from 1, and the mean loss in nats a strip.

    Raises:
        ModelError: the bundle's ``model.keras`` cannot be read.
    """
    trainer = StringTrainer(tuning.recipe, _weights(bundle))
    for number in range(1, tuning.rounds + 1):
        rng = np.random.default_rng([tuning.seed, 5, number])
        replayed = [composed[index] for index in rng.choice(len(composed), tuning.composed)]
        progress(number, trainer.train_round([*replayed, *own_strips(examples, tuning.own, rng)]))
    return trainer.averaged()


def own_strips(examples: Sequence[Example], count: int, rng: np.random.Generator) -> list[Strip]:
    """``count`` strips of the site: each example about as often as the others, some joined of two, most varied."""
    order = np.concatenate([rng.permutation(len(examples)) for _ in range(-(-count // len(examples)))])[:count]
    return [_shown(examples, int(index), rng) for index in order]


def write_tuned(net: keras.Model, tuning: StringTuning, trained_on: Dataset, out: Path) -> StringBundle:
    """Makes the bundle of a tuned net at ``out``.

    Raises:
        ModelError: as ``write_string_bundle``.
    """
    return write_string_bundle(net, tuning.recipe, trained_on, out, "formdigits retrain")


def _shown(examples: Sequence[Example], index: int, rng: np.random.Generator) -> Strip:
    kind = rng.random()
    if kind < _PLAIN:
        return examples[index].strip
    return vary(join(examples, rng) if kind < _PLAIN + _JOINED else examples[index].strip, rng)


def compose_replay(dataset: Dataset, count: int, seed: int) -> list[Strip]:
    """Strips of the kind that the net was first trained on, composed of the training digits; some 100 a second."""
    composer = Composer(dataset.x_train, dataset.y_train, np.random.default_rng([seed, 0]))
    return composer.compose(count, np.random.default_rng([seed, 1]))


def _weights(bundle: StringBundle) -> list[np.ndarray]:
    file = bundle.file("model.keras")
    try:
        return keras.saving.load_model(file, compile=False).get_weights()
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read ({error})", "copy the model's folder whole, or train again") from error


class TunedReader:
    """A net read by Keras, to judge it by before it is worth a bundle."""

    def __init__(self, net: keras.Model):
        self._net = net

    @property
    def name(self) -> str:
        return "strings being tuned"

    def log_probabilities(self, strips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """As ``mnist_model.strings.reader.StringReader``; strips of one width are read together."""
        read: dict[int, np.ndarray] = {}
        for width in {strip.shape[1] for strip in strips}:
            chosen = [index for index, strip in enumerate(strips) if strip.shape[1] == width]
            for start in range(0, len(chosen), _READ_AT_ONCE):
                part = chosen[start : start + _READ_AT_ONCE]
                pixels = np.stack([strips[index] for index in part]) / np.float32(255)
                columns = keras.ops.log_softmax(self._net(pixels, training=False))
                read |= dict(zip(part, keras.ops.convert_to_numpy(columns), strict=True))
        return [read[index] for index in range(len(strips))]
