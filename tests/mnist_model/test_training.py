"""The only tests that load TensorFlow: tiny data, one or two epochs."""

import dataclasses
import shutil

import numpy as np
import pytest

from mnist_model.bundle import SHIPPED, ModelError, read_bundle, verify_bundle
from mnist_model.classifier import load_classifier
from mnist_model.datasets import Dataset, ExtraDigits, with_extra
from mnist_model.pen import draw
from mnist_model.recipes import RECIPES

keras = pytest.importorskip("keras")
from mnist_model.export import _compare, save_all  # noqa: E402
from mnist_model.litert_file import has_convolutions  # noqa: E402
from mnist_model.sampling import (  # noqa: E402
    AugmentedBatches,
    Labelled,
    PlainBatches,
    WarpedBatches,
    calibration_set,
    split,
)
from mnist_model.training import train  # noqa: E402


@pytest.fixture(scope="module")
def tiny():
    """Ten strokes, each in a direction of its own: (300 + 50) images that a net learns in two epochs or so."""
    rng = np.random.default_rng(1)
    y = np.arange(350) % 10
    angles = y * np.pi / 10 + rng.normal(0, 0.03, 350)
    turns = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    x = np.stack([draw([np.stack([14 - 9 * turn, 14 + 9 * turn])], 3)[:28, :28] for turn in turns])
    x = (255 * x).astype(np.uint8)
    return Dataset(x[:300], y[:300], x[300:], y[300:], "0" * 64, "strokes")


@pytest.fixture(scope="module", params=["seed-ann", "cnn", "seed-ann-plus"])
def trained(request, tiny, tmp_path_factory):
    reports = []
    out = tmp_path_factory.mktemp("models") / request.param
    bundle = train(request.param, tiny, out, seed=3, epochs=2, progress=reports.append)
    return request.param, bundle, reports


def test_a_bundle_holds_every_file_and_a_complete_card(trained):
    architecture, bundle, _ = trained
    verify_bundle(bundle)
    card = bundle.card
    assert {path.name for path in bundle.folder.iterdir()} == {
        *("model.keras", "model.h5", "model.tflite", "card.json", "classification_report.txt"),
        *("confusion_matrix.png", "training_history.png", "reliability_diagram.png"),
    }
    assert (card.name, card.seed, card.epochs, card.classes) == (architecture, 3, 2, RECIPES[architecture].classes)
    assert card.command == f"formdigits train --architecture {architecture} --seed 3 --epochs 2"
    assert (card.train_images, card.validation_images, card.test_images) == (270, 30, 50)
    assert card.data_source == "strokes"
    assert set(card.versions) == {"keras", "tensorflow", "numpy", "ai-edge-litert"}
    assert (card.not_a_digit_recall is None) == (card.classes == 10)
    assert "macro avg" in bundle.file("classification_report.txt").read_text()


def test_progress_is_told_after_each_epoch(trained):
    _, _, reports = trained
    assert [(report.epoch, report.epochs) for report in reports] == [(1, 2), (2, 2)]
    assert reports[1].loss < reports[0].loss


def test_what_reads_gives_the_answers_of_what_was_trained(trained):
    _, bundle, _ = trained
    images = np.random.default_rng(2).integers(0, 256, (40, 28, 28), np.uint8)
    model = keras.saving.load_model(bundle.file("model.keras"), safe_mode=True)
    logits = np.log(model.predict(images / np.float32(255), verbose=0)) / bundle.card.temperature
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = load_classifier(str(bundle.folder)).probabilities(images)
    assert found[:, : expected.shape[1]] == pytest.approx(expected, abs=0.05 if has_convolutions(model) else 1e-4)


@pytest.mark.parametrize("name", ["seed-ann", "cnn"])
def test_the_shipped_nets_agree_in_all_three_forms(name, tmp_path):
    images = np.random.default_rng(2).integers(0, 256, (40, 28, 28), np.uint8)
    model = keras.saving.load_model(SHIPPED / name / "model.h5", compile=False)
    agreement = save_all(model, images / np.float32(255), tmp_path)
    assert agreement["tflite_changed_answers"] == 0
    litert = load_classifier(name).probabilities(images).argmax(axis=1)
    assert (litert == model.predict(images / np.float32(255), verbose=0).argmax(axis=1)).all()


def test_the_seed_net_learns_and_the_seed_decides(tiny, tmp_path):
    first, again = (train("seed-ann", tiny, tmp_path / name, epochs=12) for name in ("first", "again"))
    assert first.card.test_accuracy > 0.9
    answers = [load_classifier(str(bundle.folder)).probabilities(tiny.x_test) for bundle in (first, again)]
    assert (answers[0] == answers[1]).all()


@pytest.mark.parametrize(
    "answer",
    [
        np.full((2, 3), np.nan),
        np.array([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]]),
        np.array([[0.4, 0.3, 0.3], [0.8, 0.2, 0.0]]),  # nowhere by much, but everywhere
    ],
)
def test_a_saved_form_that_answers_otherwise_is_not_shipped(answer):
    with pytest.raises(ModelError, match="differs"):
        _compare("tflite", np.array([[0.5, 0.2, 0.3], [0.9, 0.1, 0.0]]), answer, 0.2)


def test_training_is_refused_before_it_begins(tiny, tmp_path):
    with pytest.raises(ModelError, match="seed-ann, seed-ann-plus, cnn"):
        train("transformer", tiny, tmp_path / "new")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(ModelError, match="something other"):
        train("seed-ann", tiny, tmp_path / "mine")


def test_a_crash_leaves_the_old_bundle(tiny, tmp_path):
    out = shutil.copytree(SHIPPED / "seed-ann", tmp_path / "seed-ann")

    def crash(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("seed-ann", tiny, out, epochs=1, progress=crash)
    assert read_bundle(out).card.data_source == "MNIST"
    assert [path.name for path in tmp_path.iterdir()] == ["seed-ann"]


def test_the_held_out_digits_are_not_trained_on(tiny):
    digits = Labelled(tiny.x_train, np.arange(300))
    training, held_out = split(digits, 0.1, seed=1)
    assert sorted([*training.y, *held_out.y]) == list(range(300))
    assert len(held_out.y) == 30


def test_digits_that_were_mixed_in_are_trained_on_and_not_held_out(tiny, tmp_path):
    extra = ExtraDigits(tiny.x_test, tiny.y_test, "1" * 64, "site.npz", "site.npz (50 digits)", "CC0")
    card = train("seed-ann", with_extra(tiny, [(extra, 2)]), tmp_path / "mixed", epochs=1).card
    assert (card.train_images, card.validation_images) == (370, 30)
    assert card.command == "formdigits train --architecture seed-ann --data site.npz:2 --epochs 1"
    assert (card.data_source, card.data_licence) == ("strokes + 2 x site.npz (50 digits)", "unknown; CC0")


def test_an_epoch_shows_each_digit_once_in_a_new_order(tiny):
    batches = PlainBatches(Labelled(tiny.x_train, tiny.y_train), RECIPES["seed-ann"])
    first = np.concatenate([batches[index][0] for index in range(len(batches))])
    batches.on_epoch_end()
    second = np.concatenate([batches[index][0] for index in range(len(batches))])
    assert len(first) == 300
    assert first.sum() == pytest.approx(second.sum(), rel=1e-5)
    assert (first != second).any()


def test_warped_batches_show_the_digits_and_then_each_copy_in_turn(tiny):
    recipe = dataclasses.replace(RECIPES["seed-ann-plus"], warped_copies=2)
    batches = WarpedBatches(Labelled(tiny.x_train, tiny.y_train), recipe)
    shown = []
    for _ in range(4):
        x, y = (np.concatenate(part) for part in zip(*(batches[index] for index in range(len(batches))), strict=True))
        order = np.lexsort(np.rint(255 * x).reshape(300, -1).T)
        shown.append((x[order], y.argmax(axis=1)[order]))
        batches.on_epoch_end()
    as_they_are = np.sort(tiny.x_train.reshape(300, -1).sum(axis=1, dtype=int))
    sums = [np.sort(np.rint(255 * x).reshape(300, -1).sum(axis=1).astype(int)) for x, _ in shown]
    assert (sums[0] == as_they_are).all()
    assert (shown[3][0] == shown[0][0]).all()
    assert not (shown[1][0] == shown[0][0]).all()
    assert not (shown[1][0] == shown[2][0]).all()
    assert all((np.bincount(y) == np.bincount(tiny.y_train)).all() for _, y in shown)


def test_augmented_batches_hold_the_composed_share(tiny):
    batches = AugmentedBatches(Labelled(tiny.x_train, tiny.y_train), RECIPES["cnn"])
    x, y = batches[0]
    assert x.shape == (128, 28, 28)
    assert 0 <= x.min() < x.max() <= 1
    assert y.shape == (128, 11)
    assert y[:, 10].sum() == 26
    assert (x == batches[0][0]).all()


def test_the_temperature_is_fitted_on_other_styles_too_and_on_what_is_not_a_digit(tiny):
    digits = Labelled(tiny.x_train[:60], tiny.y_train[:60])
    found = calibration_set(digits, RECIPES["cnn"])
    assert (found.y < 10).sum() == 120
    assert (found.y == 10).sum() == 24
    as_they_are = (found.x[:, None] == digits.x).all(axis=(2, 3)).any(axis=1)
    assert as_they_are.sum() == 30
