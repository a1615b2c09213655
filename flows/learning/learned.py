"""What ``flows.learning.lessons`` is asked for, tells on its way, and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flows.learning.candidate import RoundFigures
from mnist_model.bundle import Bundle
from mnist_model.strings.bundle import StringBundle
from reading.compared import Compared, KindFigures
from reading.gate import Honesty, Verdict
from reading.lessons import HELD_OUT, Lesson, Omission
from reading.suspicion import Suspects
from reading.trust import Trust


@dataclass(frozen=True, slots=True)
class LearnSettings:
    """How is learned.

    ``data`` names what is replayed beside MNIST, as for ``train``. ``rounds`` and ``epochs`` are of the string reader
    and of the digit net; ``composed`` strips are made to be replayed, and ``calibrated`` fields of each kind to
    calibrate on. ``held_out`` is the share of pages or writers to judge by.
    """

    data: tuple[str, ...] = ()
    rounds: int = 24
    epochs: int = 4
    composed: int = 3000
    calibrated: int = 2400
    held_out: float = HELD_OUT
    seed: int = 1


@dataclass(frozen=True, slots=True)
class LearningStep:
    """How far it is: ``done`` of ``total`` steps, what it is at, and a line on the last one."""

    stage: str
    done: int
    total: int
    line: str


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """The candidate, what it was made of, and the gate's verdict.

    ``compared`` are the held-out fields that the verdict stands on. Confusions are (11, 11): rows the truth, columns
    what was read, 10 for no digit. ``trained_on`` is the sha256 of the lessons that it was trained on.
    """

    cnn: Bundle
    strings: StringBundle
    trust: Trust
    verdict: Verdict
    compared: tuple[Compared, ...]
    kinds: tuple[KindFigures, ...]
    confusion_before: np.ndarray
    confusion_after: np.ndarray
    suspects: Suspects
    left_out: Mapping[Omission, tuple[Lesson, ...]]
    history: tuple[RoundFigures, ...]
    honesty: tuple[Honesty, ...]
    mnist_before: float
    mnist_after: float
    trained_on: str
    trained: int
    held_out: int
    seconds: float
