"""What a net sees while it learns: labelled images, batch by batch. Importing this module loads Keras."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from mnist_model.recipes import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Images ``x`` (N, 28, 28) uint8, white on black, and their classes ``y`` (N,) int64, 10 for *not a digit*."""

    x: np.ndarray
    y: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> Labelled:
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

    def __init__(self, digits: Labelled, recipe: Recipe):
        super().__init__()
        self._digits = digits
        self._recipe = recipe
        self._epoch = 0

    def __len__(self) -> int:
        return -(-len(self._digits.y) // self._recipe.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng([self._recipe.seed, self._epoch]).permutation(len(self._digits.y))
        start = index * self._recipe.batch_size
        return self._digits[order[start : start + self._recipe.batch_size]].arrays(self._recipe.classes)

    def on_epoch_end(self) -> None:
        self._epoch += 1


def batches_of(digits: Labelled, recipe: Recipe) -> keras.utils.PyDataset:
    """The batches of one epoch, made anew for each."""
    return PlainBatches(digits, recipe)


def calibration_set(held_out: Labelled, recipe: Recipe) -> Labelled:
    """What the temperature is fitted on: held-out digits as the net will meet them."""
    return held_out
