import numpy as np
import pytest
import tensorflow as tf

from mnist_model.bundle import ModelError
from mnist_model.datasets import Dataset
from mnist_model.strings.batches import batches_of, stacked
from mnist_model.strings.bundle_writing import write_string_bundle
from mnist_model.strings.composer import Composer, Strip
from mnist_model.strings.glyphs import draw_glyphs
from mnist_model.strings.reader import BLANK, load_string_reader
from mnist_model.strings.recipe import StringRecipe
from mnist_model.strings.training import StringTrainer, train_strings

RECIPE = StringRecipe(rounds=4, chunk=64, kept=0, batch_size=16, warm_up=4, test_strips=60)


@pytest.fixture(scope="module")
def dataset():
    images, labels = draw_glyphs(200, np.random.default_rng(1))
    return Dataset(images, labels, images, labels, "0" * 64, "drawn")


@pytest.fixture(scope="module")
def strips(dataset):
    composer = Composer(dataset.x_train, dataset.y_train, np.random.default_rng(2))
    return composer.compose(RECIPE.chunk, np.random.default_rng(3))


def test_learning_lowers_the_loss_and_the_same_seed_learns_the_same(strips):
    trainer, again = StringTrainer(RECIPE), StringTrainer(RECIPE)
    losses = [trainer.train_round(strips) for _ in range(3)]
    assert losses[2] < 0.5 * losses[0]
    assert again.train_round(strips) == pytest.approx(losses[0], rel=0.05)
    assert all(np.isfinite(weights).all() for weights in trainer.averaged().get_weights())


def test_strips_without_digits_are_learned_as_blanks(strips):
    silent = [Strip(strip.pixels, "") for strip in strips]
    trainer = StringTrainer(RECIPE)
    losses = [trainer.train_round(silent) for _ in range(3)]
    assert losses[2] < 0.2 * losses[0]
    answers = trainer.model(stacked(silent[:4]), training=False).numpy().argmax(axis=-1)
    assert (answers == BLANK).mean() > 0.9


def test_every_strip_is_in_one_batch_with_its_own_digits(strips):
    found = []
    for pixels, labels in batches_of(strips, 10, np.random.default_rng(1)):
        assert pixels.shape[2] % 32 == 0
        digits = tf.sparse.to_dense(labels, -1).numpy()
        found += [
            ("".join(str(digit) for digit in row if digit >= 0), round(float(image.sum()), 1))
            for row, image in zip(digits, pixels.numpy(), strict=True)
        ]
    assert sorted(found) == sorted((strip.digits, round(float((strip.pixels / 255).sum()), 1)) for strip in strips)


def test_a_trained_net_becomes_a_bundle_that_reads(tmp_path, dataset, strips):
    trainer = StringTrainer(RECIPE)
    trainer.train_round(strips)
    net = trainer.averaged()
    bundle = write_string_bundle(net, RECIPE, dataset, tmp_path / "mine")
    assert bundle.card.data_source == "drawn"
    assert bundle.card.test_strips == 60
    assert bundle.card.command == "formdigits train --architecture strings --epochs 4"
    assert bundle.card.tflite_max_difference < 0.1
    pixels = stacked(strips[:1])
    read = load_string_reader(str(tmp_path / "mine")).log_probabilities([np.rint(pixels[0] * 255).astype(np.uint8)])[0]
    logits = net(pixels, training=False).numpy()[0] / bundle.card.temperature
    expected = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert read == pytest.approx(expected, abs=0.1)


def test_what_is_no_string_reader_is_not_overwritten(tmp_path, dataset):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match="holds something other than a string reader"):
        train_strings(dataset, tmp_path, rounds=1)
    assert (tmp_path / "notes.txt").read_text() == "mine"
