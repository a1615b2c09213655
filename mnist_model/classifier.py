"""The classifier: 28x28 images in, probabilities of ten digits and *not a digit* out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

NOT_A_DIGIT = 10


class Classifier(Protocol):
    """What the read path needs of a model."""

    @property
    def name(self) -> str:
        """Name and version of the model, as written beside every reading."""

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, 28, 28) uint8, white on black -> (N, 11) float32, rows sum to 1; column 10 is *not a digit*."""
