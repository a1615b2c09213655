"""A trained net as the file that LiteRT reads.

Importing this module loads Keras and TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf


def write_litert(model: keras.Model, file: Path) -> None:
    """Writes the net as ``file``, its convolutions in whole numbers of 8 bits, which are read in a third of the time.

    Weights are kept as 8 bits a number with a scale for each channel, and what goes into a layer is brought to 8 bits
    as it comes ("dynamic range"; Jacob et al. 2018, "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference"), so that no images are needed to choose scales by. A net without convolutions is
    quick already and stays as it is.
    """
    weights = [tf.lite.Optimize.DEFAULT] if has_convolutions(model) else []
    model.export(file, format="litert", verbose=False, optimizations=weights)


def has_convolutions(model: keras.Model) -> bool:
    """Whether the file of this net is written in 8 bits."""
    return any(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)
