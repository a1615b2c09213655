"""How the string reader is trained, and the strips for it, composed ahead. Loads no TensorFlow."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from mnist_model.strings.composer import Composer, Strip


@dataclass(frozen=True, slots=True)
class StringRecipe:
    """In each of ``rounds`` the net sees ``chunk`` new strips, and once more those of the ``kept`` rounds before.

    The learning rate rises during the first ``warm_up`` steps and falls to the final one along a half cosine
    (Loshchilov and Hutter 2017).
    """

    rounds: int = 100
    chunk: int = 6400
    kept: int = 1
    batch_size: int = 64
    learning_rate: float = 2e-3
    final_learning_rate: float = 2e-5
    warm_up: int = 200
    seed: int = 1
    test_strips: int = 4000


class Composing:
    """Composes the chunks of a recipe, the next one in another process while this one is learned."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, recipe: StringRecipe):
        """``images`` (N, 28, 28) uint8 white on black and ``labels`` (N,): what the strips are composed of."""
        self._recipe = recipe
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, _prepare_composer, (images, labels, recipe.seed))

    def chunks(self, first: int = 0) -> Iterator[list[Strip]]:
        """The chunks of the rounds from ``first`` on. A chunk depends on the recipe's seed and its own number alone."""
        recipe = self._recipe
        with self._pool as pool:
            coming = pool.submit(_compose_chunk, recipe.chunk, (recipe.seed, first))
            for number in range(first + 1, recipe.rounds + 1):
                chunk = coming.result()
                if number < recipe.rounds:
                    coming = pool.submit(_compose_chunk, recipe.chunk, (recipe.seed, number))
                yield chunk


_composers: dict[int, Composer] = {}  # of the composing process: the one composer it was started for


def _prepare_composer(images: np.ndarray, labels: np.ndarray, seed: int) -> None:
    _composers[seed] = Composer(images, labels, np.random.default_rng([seed, 0]))


def _compose_chunk(count: int, seed: tuple[int, int]) -> list[Strip]:
    return _composers[seed[0]].compose(count, np.random.default_rng([*seed, 1]))
