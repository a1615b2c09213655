"""``report.html`` of a training: what was learned, whether it is better, and why it is in use or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.learning.gathering import Gathered
from flows.learning.learned import Learned
from flows.reports.report import page_template
from mnist_model.versions import Version
from reading.compared import NO_DIGIT
from reading.suspicion import Suspect

REPORT_FILE = "report.html"
SHOWN = 40  # fields of each sort: a report is to be looked through
_NETS = {"cnn": "Digit reader", "strings": "String reader", "half": "String reader of half the answers"}


@dataclass(frozen=True, slots=True)
class Curve:
    """The loss of one net over its rounds: points (x, y) of a drawing of 600 by 160, ``losses`` in nats."""

    name: str
    points: tuple[tuple[float, float], ...]
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Confusions:
    """What was read in place of what stands there: (truth, read, how often before, how often after)."""

    rows: tuple[tuple[str, str, int, int], ...]
    wrong_before: int
    wrong_after: int


def write_training_report(parent: Version, gathered: Gathered, learned: Learned, file: Path) -> None:
    """Write the report of a training that went on from ``parent``."""
    file.write_text(training_report(parent, gathered, learned), encoding="utf-8", errors="backslashreplace")


def training_report(parent: Version, gathered: Gathered, learned: Learned) -> str:
    """The report as HTML."""
    changed = [one for one in learned.compared if one.before.value != one.after.value]
    return page_template("training_report.html.jinja").render(
        parent=parent,
        gathered=gathered,
        learned=learned,
        gained=[one for one in changed if one.right_after][:SHOWN],
        lost=[one for one in changed if one.right_before][:SHOWN],
        confusions=confusions(learned.confusion_before, learned.confusion_after),
        matrices=(("before", learned.confusion_before), ("after", learned.confusion_after)),
        curves=curves(learned),
        suspects=_surest(learned.suspects.corrections),
        names=[*"0123456789", "none"],
    )


def confusions(before: np.ndarray, after: np.ndarray) -> Confusions:
    """The errors of both matrices, (11, 11) with rows the truth, those first that were the most frequent before."""
    errors = [
        (_name(truth), _name(read), int(before[truth, read]), int(after[truth, read]))
        for truth in range(NO_DIGIT + 1)
        for read in range(NO_DIGIT + 1)
        if truth != read and before[truth, read] + after[truth, read]
    ]
    wrong = [int(counts.sum() - np.trace(counts)) for counts in (before, after)]
    return Confusions(tuple(sorted(errors, key=lambda error: (-error[2], -error[3]))), *wrong)


def curves(learned: Learned) -> list[Curve]:
    """The history of each net that was trained; a net that was trained twice has two."""
    trained: list[tuple[str, list[float]]] = []
    for figures in learned.history:
        if figures.round == 1:
            trained.append((figures.net, []))
        trained[-1][1].append(figures.loss)
    return [_curve(_NETS[net], losses) for net, losses in trained]


def _curve(name: str, losses: Sequence[float]) -> Curve:
    top, steps = max(losses) or 1.0, max(1, len(losses) - 1)
    points = tuple((round(600 * at / steps, 1), round(160 - 150 * loss / top, 1)) for at, loss in enumerate(losses))
    return Curve(name, points, tuple(losses))


def _surest(suspects: Sequence[Suspect]) -> list[Suspect]:
    return sorted(suspects, key=lambda one: -one.confidence)[:SHOWN]


def _name(digit: int) -> str:
    return "none" if digit == NO_DIGIT else str(digit)
