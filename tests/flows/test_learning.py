"""The whole of learning on drawn digits, with nets and budgets as small as they can be."""

from dataclasses import replace

import numpy as np
import pytest

import flows.learning.candidate
import flows.learning.composed_fields
from flows.learning.candidate import Current, digits_of, load_nets
from flows.learning.learned import LearnSettings
from flows.learning.lessons import learn
from forms.form_file import load_forms
from mnist_model import fine_tuning
from mnist_model.bundle import find_bundle, hash_file
from mnist_model.digit_files import DatasetError
from mnist_model.strings import fine_tuning as string_tuning
from mnist_model.strings.bundle import find_string_bundle
from mnist_model.strings.composer import Composer
from mnist_model.strings.glyphs import draw_glyphs
from preprocessing.page import Page
from reading.lessons import LearningError, Lesson, Shortage
from reading.pipeline import prepare_page

SETTINGS = LearnSettings(rounds=2, epochs=1, composed=60, calibrated=160)
IN_USE = Current(find_bundle("cnn"), find_string_bundle("strings"))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    images, labels = draw_glyphs(400, np.random.default_rng(1))
    file = tmp_path_factory.mktemp("digits") / "drawn.npz"
    np.savez(file, x_train=images, y_train=labels, x_test=images[:100], y_test=labels[:100])
    return images, labels, str(file)


@pytest.fixture(scope="module")
def lessons(digits):
    images, labels, _ = digits
    forms = load_forms("digits")
    found = []
    for number, strip in enumerate(
        Composer(images, labels, np.random.default_rng(2)).compose(90, np.random.default_rng(3))
    ):
        page = prepare_page(Page(255 - np.repeat(np.repeat(strip.pixels, 2, 0), 2, 1), None, "", 1, f"{number}"), forms)
        found.append(Lesson(f"{number}", forms[0], page.fields[0], strip.digits, "", page.sha256, "ann"))
    return found


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(flows.learning.candidate, "_SEEN_A_ROUND", 60)
    monkeypatch.setattr(string_tuning, "_TEST_STRIPS", 30)
    monkeypatch.setattr(flows.learning.composed_fields, "_DAMAGED_SHARE", 1.0)  # so that some of few are read wrong
    usual = fine_tuning.DigitTuning
    monkeypatch.setattr(
        fine_tuning, "DigitTuning", lambda **said: replace(usual(**said), own=60, replayed=120, written=60)
    )


def test_a_candidate_is_made_beside_the_nets_in_use_and_judged(small, digits, lessons, tmp_path):
    steps, files = [], [IN_USE.cnn / "model.tflite", IN_USE.strings / "model.tflite", IN_USE.strings / "trust.json"]
    before = [hash_file(file) for file in files]
    learned = learn(lessons, IN_USE, tmp_path, replace(SETTINGS, data=(digits[2],)), steps.append)
    assert [hash_file(file) for file in files] == before
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert steps[-1].done == steps[-1].total
    candidate = load_nets(Current(tmp_path / "cnn", tmp_path / "strings"))
    assert candidate.strings.name.startswith("strings ")
    assert candidate.strings.name != load_nets(IN_USE).strings.name
    assert learned.trust.readers == f"{candidate.classifier.name} + {candidate.strings.name}"
    assert learned.strings.card.data_sha256.endswith(learned.trained_on)
    assert learned.strings.card.command == learned.cnn.card.command == "formdigits retrain"
    assert (
        learned.trained + learned.held_out + len(learned.suspects.keys) + sum(map(len, learned.left_out.values())) == 90
    )
    assert learned.kinds[0].count == learned.held_out == len(learned.compared)
    assert {round_.net for round_ in learned.history} == {"half", "cnn", "strings"}
    assert {check.name for check in learned.verdict.checks} >= {"in all", "MNIST", "error of 1 %"}
    assert learned.verdict.promote == (not learned.verdict.reasons)


def test_digits_are_cut_out_of_corrected_strings(lessons):
    images, labels = digits_of(lessons[:30], load_nets(IN_USE).classifier)
    assert len(images) == len(labels) > 30
    read = load_nets(IN_USE).classifier.probabilities(images).argmax(axis=1)
    assert (read == labels).mean() > 0.8


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lessons: [], Shortage.NO_CORRECTIONS),
        (lambda lessons: lessons[:10], Shortage.TOO_FEW),
        (lambda lessons: [replace(one, value="4444") for one in lessons], Shortage.ONE_DIGIT),
    ],
)
def test_corrections_that_teach_nothing_change_nothing(change, reason, digits, lessons, tmp_path):
    with pytest.raises(LearningError) as caught:
        learn(change(lessons), IN_USE, tmp_path, replace(SETTINGS, data=(digits[2],)))
    assert caught.value.reason is reason
    assert not list(tmp_path.iterdir())


def test_without_digits_to_replay_nothing_is_learned(lessons, tmp_path):
    with pytest.raises(DatasetError):
        learn(lessons, IN_USE, tmp_path, replace(SETTINGS, data=("/nowhere.npz",)))
    assert not list(tmp_path.iterdir())
