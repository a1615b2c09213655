"""What a net sees while it learns: labelled images, batch by batch. Importing this module loads Keras."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from mnist_model.augmentation import augment, normalize, warp
from mnist_model.classifier import NOT_A_DIGIT
from mnist_model.composition import compose
from mnist_model.handwriting import write_digits
from mnist_model.recipes import Recipe

_PLAIN_SHARE = 0.4
_WARP_STRENGTH = 0.7  # a net of a hundred thousand weights has no room for the extremes
_SIZE_SPREAD = 0.02
_CHUNK = 512
_WRITTEN, _WRITTEN_HELD_OUT, _WARPED = 1, 2, 3  # after the seed: hands to learn from and to calibrate on, shapes


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Images ``x`` (N, 28, 28) uint8, white on black, and their classes ``y`` (N,) int64, 10 for *not a digit*."""

    x: np.ndarray
    y: np.ndarray

    def __getitem__(self, chosen: np.ndarray | slice) -> Labelled:
        return Labelled(self.x[chosen], self.y[chosen])

    def arrays(self, classes: int) -> tuple[np.ndarray, np.ndarray]:
        """For Keras: (N, 28, 28) float32 in [0, 1] and one-hot (N, classes) float32."""
        return self.x / np.float32(255), keras.utils.to_categorical(self.y, classes).astype(np.float32)


def split(digits: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Training and validation digits: a random ``share`` of them is held out."""
    order = np.random.default_rng(seed).permutation(len(digits.y))
    held_out = round(share * len(order))
    return digits[order[held_out:]], digits[order[:held_out]]


class PlainBatches(keras.utils.PyDataset):
    """The digits as they are, in a new order in each epoch."""

    def __init__(self, digits: Labelled, recipe: Recipe, workers: int = 1):
        super().__init__(workers=workers)
        self._digits = digits
        self._recipe = recipe
        self._epoch = -1
        self._digits_in_batch = recipe.batch_size - recipe.composed_in_batch - recipe.written_in_batch
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._digits.y) // self._digits_in_batch)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._batch(index).arrays(self._recipe.classes)

    def on_epoch_end(self) -> None:
        """Shuffles for the next epoch."""
        self._epoch += 1
        self._order = np.random.default_rng([self._recipe.seed, self._epoch]).permutation(len(self._digits.y))

    def _batch(self, index: int) -> Labelled:
        start = index * self._digits_in_batch
        return self._digits[self._order[start : start + self._digits_in_batch]]


class WarpedBatches(PlainBatches):
    """The digits as they are in the first epoch, in a new shape in each of the next; then all over again."""

    def __init__(self, digits: Labelled, recipe: Recipe):
        rng = np.random.default_rng([recipe.seed, _WARPED])
        self._copies = [digits, *(warped(digits, rng) for _ in range(recipe.warped_copies))]
        super().__init__(digits, recipe)

    def on_epoch_end(self) -> None:
        """Shuffles the next copy for the next epoch."""
        super().on_epoch_end()
        self._digits = self._copies[self._epoch % len(self._copies)]


class AugmentedBatches(PlainBatches):
    """Each digit in a new form in each epoch, some as they are, and the recipe's shares of drawn and composed images.

    Batches are made on a second thread while the net learns; each depends on the seed, the epoch and its index alone.
    """

    def __init__(self, digits: Labelled, recipe: Recipe):
        super().__init__(digits, recipe, workers=2)
        count = min(recipe.written_digits, len(digits.y))
        self._written = written(count, np.random.default_rng([recipe.seed, _WRITTEN]))
        self._all = joined(digits, self._written)

    def _batch(self, index: int) -> Labelled:
        rng = np.random.default_rng([self._recipe.seed, self._epoch, index])
        digits = super()._batch(index)
        plain = rng.random(len(digits.y)) < _PLAIN_SHARE
        digits.x[~plain] = augment(digits.x[~plain], digits.y[~plain], rng)
        drawn = self._written[rng.integers(len(self._written.y), size=self._recipe.written_in_batch)]
        drawn.x[:] = augment(drawn.x, drawn.y, rng)
        return joined(digits, drawn, composed(self._all, self._recipe.composed_in_batch, rng))


def batches_of(digits: Labelled, recipe: Recipe) -> keras.utils.PyDataset:
    """The batches of one epoch, made anew for each."""
    if recipe.composed_share:
        return AugmentedBatches(digits, recipe)
    return WarpedBatches(digits, recipe) if recipe.warped_copies else PlainBatches(digits, recipe)


def calibration_set(held_out: Labelled, recipe: Recipe) -> Labelled:
    """What the temperature is fitted on: half of the digits plain and augmented, half in styles of other hands."""
    if not recipe.composed_share:
        return held_out
    rng = np.random.default_rng(recipe.seed)
    half = Labelled(augment(held_out.x[::2], held_out.y[::2], rng), held_out.y[::2])
    drawn = written(len(held_out.y), np.random.default_rng([recipe.seed, _WRITTEN_HELD_OUT]))
    drawn.x[:] = augment(drawn.x, drawn.y, rng)
    digits = joined(held_out[1::2], half, drawn)
    return joined(digits, composed(digits, round(len(digits.y) * recipe.composed_share), rng))


def warped(digits: Labelled, rng: np.random.Generator) -> Labelled:
    """Each digit in a new shape, undamaged, normalized as MNIST is."""
    images = np.empty_like(digits.x)
    for start in range(0, len(images), _CHUNK):
        shapes = warp(digits.x[start : start + _CHUNK], rng, _WARP_STRENGTH)
        images[start : start + _CHUNK] = np.rint(255 * normalize(shapes, rng.normal(1, _SIZE_SPREAD, len(shapes))))
    return Labelled(images, digits.y)


def written(count: int, rng: np.random.Generator) -> Labelled:
    """``count`` digits of many hands."""
    return Labelled(*write_digits(count, rng))


def composed(digits: Labelled, count: int, rng: np.random.Generator) -> Labelled:
    """``count`` images that are not a digit, made of these digits and of pen strokes."""
    return Labelled(compose(digits.x, digits.y, count, rng), np.full(count, NOT_A_DIGIT))


def joined(*parts: Labelled) -> Labelled:
    """All parts, one after the other."""
    return Labelled(np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts]))
