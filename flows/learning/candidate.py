"""Makes a candidate of the nets in use and of lessons: what ``flows.learning.lessons`` needs of Keras, step by step."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from forms.template import FieldKind
from mnist_model.bundle import Bundle, read_bundle
from mnist_model.classifier import Classifier, LiteRTClassifier
from mnist_model.datasets import Dataset
from mnist_model.strings.bundle import StringBundle, read_string_bundle
from mnist_model.strings.composer import Strip
from mnist_model.strings.reader import LiteRTStringReader, StringReader
from mnist_model.strings.variation import Example, example
from reading.alignment import align, is_plausible
from reading.lessons import Lesson

if TYPE_CHECKING:
    from mnist_model.strings.fine_tuning import StringTuning

_OWN_SHARE = 0.7  # of what the string reader sees are the site's strips
_SEEN_A_ROUND = 4000
_LEAST_DIGITS = 20  # fewer of the site's digits teach the digit net nothing


class Current(NamedTuple):
    """The nets in use: the folders of their bundles. ``strings`` holds their calibration, if there is one."""

    cnn: Path
    strings: Path


class Nets(NamedTuple):
    """Nets that read."""

    classifier: LiteRTClassifier
    strings: LiteRTStringReader


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """One round of training: which net, on how many of what, and the mean loss in nats."""

    net: str
    round: int
    rounds: int
    loss: float


Told = Callable[[RoundFigures], None]


def load_nets(folders: Current) -> Nets:
    """The nets of these folders.

    Raises:
        ModelError: one of them cannot be used.
    """
    return Nets(LiteRTClassifier(read_bundle(folders.cnn)), LiteRTStringReader(read_string_bundle(folders.strings)))


def examples_of(lessons: Sequence[Lesson], strings: StringReader) -> list[Example]:
    """The strips of free-hand lessons, with the gaps at which they may be cut."""
    shown = [(lesson.prepared.strip, lesson.value) for lesson in lessons if lesson.prepared.strip is not None]
    columns = strings.log_probabilities([pixels for pixels, _ in shown])
    return [example(Strip(*one), said) for one, said in zip(shown, columns, strict=True)]


def digits_of(lessons: Sequence[Lesson], classifier: Classifier) -> tuple[np.ndarray, np.ndarray]:
    """The digits of lessons, cut out by forced alignment.

    Returns:
        images (N, 28, 28) uint8 and labels (N,) int64 in 0..9. Lessons that no path spells, or only one on which the
        net holds a digit for impossible, give none.
    """
    images, labels = [np.zeros((0, 28, 28), np.uint8)], [np.zeros(0, np.int64)]
    for lesson in lessons:
        prepared = lesson.prepared
        path = align(prepared.cuts, prepared.pieces, classifier.probabilities(prepared.images), lesson.value)
        if path is not None and is_plausible(path):
            digits = [step for step in path if step.label < 10]
            images.append(prepared.images[[step.piece for step in digits]])
            labels.append(np.array([step.label for step in digits]))
    return np.concatenate(images), np.concatenate(labels)


class Learner:
    """Tunes nets, with strips and digits of the first training replayed."""

    def __init__(self, nets: Nets, dataset: Dataset, composed: int, seed: int, told: Told):
        """Composes ``composed`` strips to replay, some 100 a second."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what goes wrong is raised; the rest is chatter
        from mnist_model.strings.fine_tuning import compose_replay  # 3 to 6 s, for TensorFlow

        self._nets, self._dataset, self._seed, self._told = nets, dataset, seed, told
        self._replay = compose_replay(dataset, composed, seed)

    def reader_after(self, start: LiteRTStringReader, lessons: Sequence[Lesson], rounds: int) -> StringReader:
        """``start`` after it has learned from ``lessons``, to read others with: not kept."""
        from mnist_model.strings.fine_tuning import TunedReader, tune_strings

        tuning = self._string_tuning(rounds)
        examples = examples_of(lessons, start)
        net = tune_strings(start.bundle, examples, self._replay, tuning, self._teller("half", rounds))
        return TunedReader(net)

    def tune_strings(self, lessons: Sequence[Lesson], rounds: int, trained_on: Dataset, out: Path) -> StringBundle:
        """The string reader after the free-hand lessons, as a bundle at ``out``."""
        from mnist_model.strings.fine_tuning import tune_strings, write_tuned

        tuning = self._string_tuning(rounds)
        examples = examples_of(lessons, self._nets.strings)
        net = tune_strings(self._nets.strings.bundle, examples, self._replay, tuning, self._teller("strings", rounds))
        return write_tuned(net, tuning, trained_on, out)

    def tune_digits(self, lessons: Sequence[Lesson], epochs: int, trained_on: Dataset, out: Path) -> Bundle | None:
        """The digit net after the lessons' digits, as a bundle at ``out``; None where they have too few."""
        from mnist_model.fine_tuning import DigitTuning, tune_digits, write_tuned
        from mnist_model.sampling import Labelled

        own = Labelled(*digits_of(lessons, self._nets.classifier))
        if len(own.y) < _LEAST_DIGITS:
            return None
        tuning = DigitTuning(epochs=epochs, seed=self._seed)
        bundle = self._nets.classifier.bundle
        trained = tune_digits(bundle, own, self._dataset, tuning, self._teller("cnn", epochs))
        return write_tuned(trained, trained_on, out)

    def _string_tuning(self, rounds: int) -> StringTuning:
        from mnist_model.strings.fine_tuning import StringTuning

        own = round(_OWN_SHARE * _SEEN_A_ROUND)
        return StringTuning(rounds=rounds, own=own, composed=_SEEN_A_ROUND - own, seed=self._seed)

    def _teller(self, net: str, rounds: int) -> Callable[[int, float], None]:
        return lambda number, loss: self._told(RoundFigures(net, number, rounds, loss))


def free_hand(lessons: Sequence[Lesson]) -> list[Lesson]:
    """The lessons of which the string reader learns."""
    return [one for one in lessons if one.kind is FieldKind.FREEHAND and one.prepared.strip is not None]
