"""From corrections to a candidate and the gate's verdict on it: one plain function, ``learn``.

    corrections -> usable ones, split by page or writer -> readers that learned half of them -> suspects set aside
    -> both nets tuned -> calibration on what those readers had not seen -> the gate, on what was held out

It writes the candidate into a folder of its own and changes nothing that is in use.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from flows.learning.candidate import Current, Learner, Nets, RoundFigures, free_hand, load_nets
from flows.learning.composed_fields import composed_fields
from flows.learning.learned import Learned, LearningStep, LearnSettings
from mnist_model.bundle import find_bundle
from mnist_model.classifier import Classifier
from mnist_model.datasets import Dataset, load_training_digits, with_own
from mnist_model.strings.bundle import find_string_bundle
from mnist_model.strings.reader import StringReader
from reading.checked import checked
from reading.compared import Compared, confusion, figures_by_kind, honesty_of
from reading.gate import RATES, judge
from reading.lessons import (
    LEAST_HELD_OUT,
    LEAST_LESSONS,
    LearningError,
    Lesson,
    Shortage,
    Split,
    choose_lessons,
    digest_of,
    folds,
    read_lessons,
    split_lessons,
)
from reading.pipeline import readers_of
from reading.readings import FieldReading
from reading.site_trust import fit_site_trust
from reading.suspicion import Suspects, find_suspects
from reading.trust import TRUST_FILE, Trust, read_trust

_SHORTER = 3  # than the string reader that is kept, the two are trained that learn half of the lessons
_NET_NAMES = {"half": "String reader of half the corrections", "strings": "String reader", "cnn": "Digit net"}


class _Calibrated(NamedTuple):
    """Nets and what their confidences are worth."""

    nets: Nets
    trust: Trust | None


def learn(
    lessons: Sequence[Lesson],
    current: Current,
    out: Path,
    settings: LearnSettings | None = None,
    progress: Callable[[LearningStep], None] = lambda step: None,
    origin: Current | None = None,
) -> Learned:
    """Make a candidate of the nets in use and judge it.

    Args:
        lessons: every field that people looked at.
        current: the bundle folders of the nets in use.
        out: an empty folder; the candidate goes into ``out/cnn`` and ``out/strings``, whatever the verdict.
        settings: how.
        progress: called after each step.
        origin: nets that have learned from none of the corrections, to doubt them and to calibrate by; None for those
            that ship. What is in use may have learned some of them in an earlier training.

    Raises:
        LearningError: the corrections cannot be learned from.
        DatasetError: MNIST, or what else is to be replayed, can't be had.
        ModelError: the nets in use cannot be read, or the candidate cannot be written.
    """
    known = origin or Current(find_bundle("cnn"), find_string_bundle("strings"))
    return _Learning(current, known, out, settings or LearnSettings(), progress).run(lessons)


class _Learning:
    """One run of ``learn``."""

    def __init__(
        self,
        current: Current,
        origin: Current,
        out: Path,
        settings: LearnSettings,
        progress: Callable[[LearningStep], None],
    ):
        self._began = time.monotonic()
        self._current, self._origin, self._out = current, origin, out
        self._settings, self._progress = settings, progress
        self._half_rounds = max(1, settings.rounds // _SHORTER)
        self._done, self._total = 0, 2 * self._half_rounds + settings.rounds + settings.epochs + 4
        self._history: list[RoundFigures] = []

    def run(self, lessons: Sequence[Lesson]) -> Learned:
        chosen = choose_lessons(lessons)
        split = split_lessons(chosen.usable, self._settings.held_out)
        nets = load_nets(self._current)
        dataset = load_training_digits(self._settings.data)
        learner = Learner(nets, dataset, self._settings.composed, self._settings.seed, self._trained_a_round)
        self._tell("preparing", f"{len(split.training)} corrections to learn from, {len(split.held_out)} to judge by")
        unseen, suspects = self._cross_read(split, load_nets(self._origin), learner)
        kept = _without(split, suspects)
        self._tell("checking", f"{len(suspects.keys)} corrections are set aside: all nets contradict them")
        self._tune(learner, kept.training, with_own(dataset, len(kept.training), digest_of(kept.training)))
        before = _Calibrated(nets, self._trust_in_use(nets))
        candidate = load_nets(Current(self._out / "cnn", self._out / "strings"))
        trust = self._calibrate(candidate, dataset, kept.training, unseen, before.trust)
        self._tell("calibrating", trust.name)
        compared = self._compared(kept.held_out, before, _Calibrated(candidate, trust))
        mnist = _right(nets.classifier, dataset), _right(candidate.classifier, dataset)
        honesty = honesty_of(compared, trust, RATES)
        verdict = judge([one.paired for one in compared], mnist, honesty)
        self._tell("judging", "; ".join(verdict.reasons) or "promoted")
        truths = [one.lesson.value for one in compared]
        return Learned(
            cnn=candidate.classifier.bundle,
            strings=candidate.strings.bundle,
            trust=trust,
            verdict=verdict,
            compared=compared,
            kinds=figures_by_kind(compared),
            confusion_before=confusion(truths, [one.before.value for one in compared]),
            confusion_after=confusion(truths, [one.after.value for one in compared]),
            suspects=suspects,
            left_out=chosen.left_out,
            history=tuple(self._history),
            honesty=honesty,
            mnist_before=mnist[0],
            mnist_after=mnist[1],
            trained_on=digest_of(kept.training),
            trained=len(kept.training),
            held_out=len(kept.held_out),
            seconds=time.monotonic() - self._began,
        )

    def _cross_read(self, split: Split, nets: Nets, learner: Learner) -> tuple[dict[str, FieldReading], Suspects]:
        """Each training lesson as a half-trained reader sees it that learned from the others; and the suspects.

        Half of the lessons teach the reader of the other half, so that no reader judges an answer that it was taught.
        """
        lessons = (*split.training, *split.held_out)
        opinions = [read_lessons(lessons, *nets), read_lessons(lessons, nets.classifier, None)]
        doubted = find_suspects(lessons, opinions).keys
        halves = folds(split.training, 2)
        readers = [self._half_reader(_others(halves, half, doubted), nets, learner) for half in range(2)]
        unseen: dict[str, FieldReading] = {}
        for part, reader in [(split.held_out, readers[0]), *zip(halves, readers, strict=True)]:
            read = read_lessons(part, nets.classifier, reader)
            unseen |= {lesson.key: one for lesson, one in zip(part, read, strict=True)}
        return unseen, find_suspects(lessons, [*opinions, [unseen[lesson.key] for lesson in lessons]])

    def _half_reader(self, lessons: Sequence[Lesson], nets: Nets, learner: Learner) -> StringReader:
        if len(free_hand(lessons)) < LEAST_LESSONS // 2:
            self._done += self._half_rounds
            return nets.strings
        return learner.reader_after(nets.strings, free_hand(lessons), self._half_rounds)

    def _tune(self, learner: Learner, lessons: Sequence[Lesson], trained_on: Dataset) -> None:
        """Both nets; one that has too little to learn from is taken over as it is."""
        settings, strips = self._settings, free_hand(lessons)
        digits = learner.tune_digits(lessons, settings.epochs, trained_on, self._out / "cnn")
        if digits is None:
            shutil.copytree(self._current.cnn, self._out / "cnn")
        if len(strips) < LEAST_LESSONS // 2:
            shutil.copytree(self._current.strings, self._out / "strings", ignore=shutil.ignore_patterns(TRUST_FILE))
        else:
            learner.tune_strings(strips, settings.rounds, trained_on, self._out / "strings")

    def _calibrate(
        self,
        nets: Nets,
        dataset: Dataset,
        lessons: Sequence[Lesson],
        unseen: Mapping[str, FieldReading],
        before: Trust | None,
    ) -> Trust:
        composed = composed_fields(dataset, self._settings.calibrated, *nets, self._settings.seed)
        known = [(lesson.form.name, checked(unseen[lesson.key], lesson.value)) for lesson in lessons]
        site = [(form, field) for form, field in known if field is not None]
        today = dt.datetime.now(tz=dt.UTC).date().isoformat()
        return fit_site_trust(self._out / "strings" / TRUST_FILE, today, readers_of(*nets), composed, site, before)

    def _trust_in_use(self, nets: Nets) -> Trust | None:
        """The calibration beside the string reader in use, where it is of these nets."""
        file = self._current.strings / TRUST_FILE
        trust = read_trust(file) if file.is_file() else None
        return trust if trust is not None and trust.readers == readers_of(*nets) else None

    def _compared(self, lessons: Sequence[Lesson], before: _Calibrated, after: _Calibrated) -> tuple[Compared, ...]:
        read = [read_lessons(lessons, *nets, trust) for nets, trust in (before, after)]
        return tuple(Compared(*each) for each in zip(lessons, *read, strict=True))

    def _trained_a_round(self, figures: RoundFigures) -> None:
        self._history.append(figures)
        said = f"{_NET_NAMES[figures.net]}: round {figures.round} of {figures.rounds}, loss {figures.loss:.4f}"
        self._tell("training", said)

    def _tell(self, stage: str, line: str) -> None:
        self._done += 1
        self._progress(LearningStep(stage, self._done, self._total, line))


def _without(split: Split, suspects: Suspects) -> Split:
    """What is believed.

    Raises:
        LearningError: too little is.
    """
    sides = [tuple(one for one in side if one.key not in suspects.keys) for side in (split.training, split.held_out)]
    if len(sides[0]) < LEAST_LESSONS or len(sides[1]) < LEAST_HELD_OUT:
        whom = f", among them all of {', '.join(map(repr, suspects.reviewers))}" if suspects.reviewers else ""
        raise LearningError(
            Shortage.NOT_BELIEVED,
            f"{len(suspects.keys)} of {len(split.training) + len(split.held_out)} corrections are set aside, because "
            f"all nets contradict them{whom}",
            "look at them a second time; what two people answer alike is believed",
        )
    return Split(*sides)


def _others(halves: Sequence[Sequence[Lesson]], half: int, doubted: Collection[str]) -> list[Lesson]:
    return [lesson for lesson in halves[1 - half] if lesson.key not in doubted]


def _right(classifier: Classifier, dataset: Dataset) -> float:
    """The share of the test half's digits that is read right."""
    read = classifier.probabilities(dataset.x_test).argmax(axis=1)
    return float((read == dataset.y_test).mean())
