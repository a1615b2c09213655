"""The net that reads a strip. Importing this module loads Keras and TensorFlow: nothing that reads pages does."""

from __future__ import annotations

import keras
from keras import layers

from mnist_model.strings.reader import CLASSES, HEIGHT_PX


def string_net(precision: str = "float32") -> keras.Model:
    """(N, 32, W) float32 in [0, 1], W a multiple of 4 -> (N, W / 2, 11) float32 logits: ten digits, then the blank.

    Convolutions alone, so that a strip of any width is read at one go; the columns are 4 px wide inside and give two
    answers each, for narrow writing needs a blank between two equal digits.

    Args:
        precision: Keras' name for what the layers calculate in; weights and answers are float32 in any case.
    """
    layer = _Layers(precision)
    strip = keras.Input((HEIGHT_PX, None))
    x = layers.Reshape((HEIGHT_PX, -1, 1))(strip)
    x = layer.convolution(x, 24, (5, 5), strides=2)
    x = layer.convolution(x, 32, (3, 3))
    x = layers.MaxPooling2D(2, dtype=precision)(x)
    x = layer.convolution(x, 64, (3, 3))
    x = layer.convolution(x, 80, (3, 3))
    x = layers.MaxPooling2D((2, 1), dtype=precision)(x)
    x = layer.convolution(x, 112, (3, 3))
    x = layers.ZeroPadding2D((0, 1), dtype=precision)(x)
    x = layer.convolution(x, 160, (4, 3), padding="valid")
    x = layers.Dropout(0.1, dtype=precision)(x)
    x = layer.widened(x, 160)
    x = layer.widened(x, 160)
    x = layer.widened(x, 160)
    x = layers.Dropout(0.1, dtype=precision)(x)
    x = layers.Conv2D(2 * CLASSES, 1, dtype="float32")(x)
    return keras.Model(strip, layers.Reshape((-1, CLASSES))(x), name="strings")


class _Layers:
    """The blocks of the net, in one precision."""

    def __init__(self, precision: str):
        self._precision = precision

    def convolution(
        self, x: keras.KerasTensor, filters: int, size: tuple[int, int], strides: int = 1, padding: str = "same"
    ) -> keras.KerasTensor:
        kind = self._precision
        x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False, dtype=kind)(x)
        return layers.ReLU(dtype=kind)(layers.BatchNormalization(momentum=0.98, dtype=kind)(x))

    def widened(self, x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
        """The columns with what their neighbours add (He et al. 2016)."""
        return layers.Add(dtype=self._precision)([x, self.convolution(x, filters, (1, 5))])
