import keras
import numpy as np
import pytest

from mnist_model.fine_tuning import settle
from mnist_model.sampling import Labelled
from mnist_model.strings.composer import Strip
from mnist_model.strings.fine_tuning import TunedReader, own_strips
from mnist_model.strings.reader import load_string_reader
from mnist_model.strings.variation import Example

RNG = np.random.default_rng(1)


def told_by_corner():
    """A net that is right on images whose bright corner pixel says which digit they are, and such images."""
    net = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    )
    weights = np.zeros((784, 10), np.float32)
    weights[range(10), range(10)] = 9
    net.set_weights([weights, np.zeros(10, np.float32)])
    labels = np.arange(10).repeat(4)
    images = np.zeros((40, 28, 28), np.uint8)
    images[range(40), 0, labels] = 255
    return net, Labelled(images, labels)


def test_a_net_that_learned_nonsense_goes_back_to_what_it_was():
    net, held_out = told_by_corner()
    before = net.get_weights()
    nonsense = [-1000 * before[0], before[1]]
    assert settle(net, nonsense, held_out) == 1.0
    assert (net.get_weights()[0] == before[0]).all()


def test_a_net_goes_as_far_as_the_held_out_digits_allow():
    net, held_out = told_by_corner()
    before = net.get_weights()
    half_right = [
        np.roll(before[0], 1, axis=1) * 1.5,
        before[1],
    ]  # on all the way every digit is taken for its neighbour
    assert settle(net, half_right, held_out) == 1.0
    assert net.get_weights()[0] == pytest.approx(0.75 * before[0] + 0.25 * half_right[0])
    better = [2 * before[0], before[1]]
    net.set_weights(before)
    assert settle(net, better, held_out) == 1.0
    assert (net.get_weights()[0] == better[0]).all()


def test_every_strip_of_the_site_is_shown_about_as_often():
    examples = [Example(Strip(np.full((32, 64), 20 * digit, np.uint8), str(digit)), ()) for digit in range(1, 10)]
    shown = own_strips(examples, 90, np.random.default_rng(1))
    counts = np.bincount([int(strip.digits) for strip in shown], minlength=10)[1:]
    assert counts.sum() == 90
    assert counts.min() >= 5
    assert len({strip.pixels.tobytes() for strip in shown}) > 60


def test_a_net_that_is_being_tuned_reads_as_its_bundle_would():
    bundle = load_string_reader().bundle
    strips = [RNG.integers(0, 200, (32, width)).astype(np.uint8) for width in (64, 96, 64)]
    told = TunedReader(keras.saving.load_model(bundle.file("model.keras"), compile=False)).log_probabilities(strips)
    expected = load_string_reader().log_probabilities(strips)
    for one, other in zip(told, expected, strict=True):
        chances = np.exp(other * bundle.card.temperature)
        # The bundle reads with weights in 8 bits.
        assert np.exp(one) == pytest.approx(chances / chances.sum(axis=1, keepdims=True), abs=0.05)
