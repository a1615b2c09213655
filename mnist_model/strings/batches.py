"""Strips as the net takes them, and the loss of its answers. Importing this module loads Keras and TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from mnist_model.strings.composer import Strip
from mnist_model.strings.reader import BLANK, HEIGHT_PX, WIDTH_STEP_PX


def ctc_loss(logits: tf.Tensor, labels: tf.SparseTensor) -> tf.Tensor:
    """Graves et al. 2006: minus the logarithm of the label's probability, summed over all ways to spell it.

    There is one way to spell nothing, blanks alone. TensorFlow's loss takes no empty label: it is given a stand-in.
    """
    lengths = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    filled, empty = tf.sparse.fill_empty_rows(labels, 0)
    spelled = tf.nn.ctc_loss(filled, logits, None, lengths, logits_time_major=False, blank_index=BLANK)
    silent = -tf.reduce_sum(tf.nn.log_softmax(logits)[:, :, BLANK], axis=1)
    return tf.reduce_mean(tf.where(empty, silent, spelled))


def batches_of(
    strips: Sequence[Strip], size: int, rng: np.random.Generator
) -> Iterator[tuple[tf.Tensor, tf.SparseTensor]]:
    """Strips of about one width together, black to the right of the shorter ones; in any order."""
    widths = np.array([strip.pixels.shape[1] for strip in strips])
    order = np.argsort(widths + rng.uniform(0, 24, len(widths)))
    for start in rng.permutation(np.arange(0, len(order), size)):
        chosen = [strips[index] for index in order[start : start + size]]
        yield tf.constant(stacked(chosen)), sparse_labels(chosen)


def stacked(strips: Sequence[Strip]) -> np.ndarray:
    """(N, 32, W) float32 in [0, 1], W a multiple of 32, black to the right of the shorter ones."""
    width = -(-max(strip.pixels.shape[1] for strip in strips) // WIDTH_STEP_PX) * WIDTH_STEP_PX
    pixels = np.zeros((len(strips), HEIGHT_PX, width), dtype=np.float32)
    for row, strip in zip(pixels, strips, strict=True):
        row[:, : strip.pixels.shape[1]] = strip.pixels
    return pixels / np.float32(255)


def sparse_labels(strips: Sequence[Strip]) -> tf.SparseTensor:
    """(N, longest) int32: the digits of each strip."""
    places = np.array(
        [(row, at) for row, strip in enumerate(strips) for at in range(len(strip.digits))], dtype=np.int64
    )
    digits = np.array([int(digit) for strip in strips for digit in strip.digits], dtype=np.int32)
    return tf.SparseTensor(
        places.reshape(-1, 2), digits, (len(strips), max(1, *(len(strip.digits) for strip in strips)))
    )
