"""The report of a training: what it says is what was measured, and what is dangerous in it is made harmless."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.learning.candidate import Current
from flows.learning.gathering import Gathered
from flows.learning.learned import Learned, LearnSettings
from flows.reports.training_report import confusions, curves, training_report
from mnist_model.bundle import find_bundle
from mnist_model.model_store import Version
from mnist_model.strings.bundle import find_string_bundle
from preprocessing.pictures import encode_png
from reading.crops import prepare_crop
from reading.lessons import Lesson, Omission
from tests.flows.elements import Elements
from tests.flows.taught import FORM, learning, picture


def lesson(number: int) -> Lesson:
    value = f"{number:02d}"
    prepared = prepare_crop(picture(value), FORM, FORM.fields[0])
    return Lesson(f"{number}", FORM, prepared, value, "", f"page {number}", "ann")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    current = Current(find_bundle("cnn"), find_string_bundle("strings"))
    learn = learning(gained=3, lost=1)
    return learn(
        [lesson(n) for n in range(30)], current, tmp_path_factory.mktemp("made"), LearnSettings(), lambda _: None
    )


def page(learned: Learned, **gathered: int) -> str:
    counts = {"without_crop": 0, "of_other_forms": 0, **gathered}
    return training_report(Version(0), Gathered((), **counts), learned)


def test_it_shows_what_was_measured_and_loads_nothing(learned: Learned) -> None:
    text = page(learned, without_crop=7)
    elements = Elements(text)
    assert not elements.open
    sources = [attributes["src"] or "" for tag, attributes in elements.found if tag == "img"]
    assert len(sources) == 3 + 1 + 1  # gained, lost, doubted
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not [tag for tag, _ in elements.found if tag in ("script", "link", "iframe")]
    for said in ("85.0 %", "95.0 %", "freehand fields of digits", "7: the crop is gone", "MNIST", "not surely better"):
        assert said in text
    assert "of forms that were not named" not in text


def test_names_of_people_are_text(learned: Learned) -> None:
    assert "eve &lt;b&gt;" in page(learned)
    assert "eve <b>" not in page(learned)


def test_a_version_that_passed_says_so(learned: Learned) -> None:
    passed = replace(learned, verdict=replace(learned.verdict, checks=()), left_out={Omission.NO_VALUE: (lesson(1),)})
    assert "<strong>Passed.</strong>" in page(passed)
    assert "<strong>Refused.</strong>" in page(learned)
    assert f"1: {Omission.NO_VALUE}" in page(passed)


def test_confusions_are_the_errors_the_most_frequent_first() -> None:
    before, after = np.eye(11, dtype=int) * 5, np.eye(11, dtype=int) * 5
    before[4, 9], before[1, 10], after[4, 9], after[10, 7] = 2, 3, 1, 1
    found = confusions(before, after)
    assert found.rows == (("1", "none", 3, 0), ("4", "9", 2, 1), ("none", "7", 0, 1))
    assert (found.wrong_before, found.wrong_after) == (5, 2)


def test_each_net_that_was_trained_has_its_curve(learned: Learned) -> None:
    halves = [replace(one, net="half") for one in learned.history[:2]]
    found = curves(replace(learned, history=(*halves, *halves, *learned.history[4:])))
    assert [curve.name for curve in found] == [
        "String reader of half the answers",
        "String reader of half the answers",
        "Digit reader",
        "String reader",
    ]
    assert found[0].points == ((0.0, 10.0), (600.0, 85.0))


def test_a_crop_of_any_size_is_shown(learned: Learned, tmp_path: Path) -> None:
    wide = encode_png(np.full((30, 900), 255, np.uint8))
    first = learned.compared[0]
    prepared = replace(first.lesson.prepared, crop_png=wide)
    odd = replace(learned, compared=(replace(first, lesson=replace(first.lesson, prepared=prepared)),))
    assert "max-width: 20rem" in page(odd)
