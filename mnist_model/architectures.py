"""The networks. Importing this module loads Keras and TensorFlow: nothing that reads pages does.

Each takes (N, 28, 28) float32 in [0, 1], white on black, and gives (N, K) probabilities.
"""

from __future__ import annotations

import keras
from keras import layers


def seed_ann(dropout: float = 0.1) -> keras.Sequential:
    """784-128-64-10, ReLU, dropout, softmax: 109,386 parameters."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(64, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(10, activation="softmax"),
        ],
        name="seed_ann",
    )


def seed_ann_plus() -> keras.Sequential:
    """The same layers without dropout: shapes that are new in each epoch leave so small a net nothing to memorize."""
    return seed_ann(dropout=0.0)


def cnn() -> keras.Sequential:
    """Four small convolutions with batch normalization (Ioffe and Szegedy 2015) and one dense layer of 11 outputs.

    Nearly all work is done on 13x13 pixels and smaller, which keeps one digit at some 6 million multiplications.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            *_convolution(32, "valid"),
            layers.MaxPooling2D(),
            *_convolution(48, "same"),
            *_convolution(64, "valid"),
            layers.MaxPooling2D(),
            *_convolution(128, "valid"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(11, activation="softmax"),
        ],
        name="cnn",
    )


def _convolution(filters: int, padding: str) -> list[keras.Layer]:
    return [
        layers.Conv2D(filters, 3, padding=padding, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]


ARCHITECTURES = {"seed-ann": seed_ann, "seed-ann-plus": seed_ann_plus, "cnn": cnn}
