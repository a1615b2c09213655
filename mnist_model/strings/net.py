"""The net that reads a strip. Importing this module loads Keras and TensorFlow: nothing that reads pages does."""

from __future__ import annotations

import keras
from keras import layers

from mnist_model.strings.reader import CLASSES, HEIGHT_PX


def string_net() -> keras.Model:
    """(N, 32, W) float32 in [0, 1], W a multiple of 4 -> (N, W / 2, 11) logits: ten digits, then the blank.

    Convolutions alone, so that a strip of any width is read at one go; the columns are 4 px wide inside and give two
    answers each, for narrow writing needs a blank between two equal digits.
    """
    strip = keras.Input((HEIGHT_PX, None))
    x = layers.Reshape((HEIGHT_PX, -1, 1))(strip)
    x = _convolution(x, 24, (5, 5), strides=2)
    x = _convolution(x, 32, (3, 3))
    x = layers.MaxPooling2D(2)(x)
    x = _convolution(x, 48, (3, 3))
    x = _convolution(x, 64, (3, 3))
    x = layers.MaxPooling2D((2, 1))(x)
    x = _convolution(x, 80, (3, 3))
    x = layers.ZeroPadding2D((0, 1))(x)
    x = _convolution(x, 128, (4, 3), padding="valid")
    x = layers.Dropout(0.1)(x)
    x = layers.Add()([x, _convolution(x, 128, (1, 5))])
    x = layers.Add()([x, _convolution(x, 128, (1, 5))])
    x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(2 * CLASSES, 1)(x)
    return keras.Model(strip, layers.Reshape((-1, CLASSES))(x), name="strings")


def _convolution(
    x: keras.KerasTensor, filters: int, size: tuple[int, int], strides: int = 1, padding: str = "same"
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.98)(x))
