"""What can be trained, and every number that decides how: one recipe a network. Loads no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_model.bundle import ModelError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one architecture is trained.

    ``composed_share`` is the share of composed images (not a digit) in a batch; at 0 the net knows ten classes and sees
    the plain images, above 0 it knows eleven and sees digits augmented afresh in each epoch. Of the plain digits of a
    net of ten classes, ``warped_copies`` in new shapes are drawn once, and each epoch shows the next copy. The learning
    rate falls from the first to the final one along a half cosine (Loshchilov and Hutter 2017).
    ``written_share`` is the share of a batch's digits that come from ``written_digits`` pen-stroke digits, drawn once;
    they are never more than the data set's own.
    """

    architecture: str
    title: str
    epochs: int
    batch_size: int
    learning_rate: float
    final_learning_rate: float
    seed: int
    composed_share: float = 0.0
    written_share: float = 0.0
    written_digits: int = 0
    warped_copies: int = 0
    validation_share: float = 0.1

    @property
    def classes(self) -> int:
        """10, or 11 where the net also knows *not a digit*."""
        return 11 if self.composed_share else 10

    @property
    def composed_in_batch(self) -> int:
        """How many images of a batch are not a digit."""
        return round(self.composed_share * self.batch_size)

    @property
    def written_in_batch(self) -> int:
        """How many images of a batch are digits drawn with pen strokes."""
        return round(self.written_share * (self.batch_size - self.composed_in_batch))

    @property
    def composed_data(self) -> str:
        """What the net saw besides the data set, for its card."""
        if not self.composed_share:
            return "digits warped" if self.warped_copies else "none"
        return (
            "digits augmented; digits drawn with pen strokes; images that are not a digit composed of digits, "
            "pieces of digits and pen strokes"
        )

    @property
    def calibrated_on(self) -> str:
        """What the temperature was fitted on, for the card."""
        if not self.composed_share:
            return "held-out digits"
        return "held-out digits, drawn digits of hands not trained on, both augmented, and composed images"


RECIPES = {
    recipe.architecture: recipe
    for recipe in (
        Recipe(
            "seed-ann",
            "784-128-64-10 dense net",
            epochs=10,
            batch_size=128,
            learning_rate=2e-3,
            final_learning_rate=2e-5,
            seed=1,
        ),
        Recipe(
            "seed-ann-plus",
            "784-128-64-10 dense net, trained longer and on shapes that vary",
            epochs=66,
            batch_size=128,
            learning_rate=2e-3,
            final_learning_rate=1e-5,
            seed=1,
            warped_copies=10,
        ),
        Recipe(
            "cnn",
            "small convolutional net that also knows what is not a digit",
            epochs=12,
            batch_size=128,
            learning_rate=2e-3,
            final_learning_rate=1e-5,
            seed=1,
            composed_share=0.2,
            written_share=0.3,
            written_digits=30_000,
        ),
    )
}


def recipe_of(architecture: str) -> Recipe:
    """The recipe of that name; ``ModelError`` where there is none."""
    if architecture not in RECIPES:
        raise ModelError(f"there is no architecture {architecture!r}", f"name one of {', '.join(RECIPES)}")
    return RECIPES[architecture]
