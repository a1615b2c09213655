"""A ledger with people's answers, and a stand-in for the hours of learning; the real gate judges what it gives."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
from sqlalchemy import func, select

from flows.learning.candidate import Current, RoundFigures
from flows.learning.learned import Learned, LearningStep, LearnSettings
from flows.learning.settings import RetrainJob
from forms.form_file import load_forms
from ledger.ledger import Ledger
from ledger.review.types import Answer, Scope, Seat, Verdict
from ledger.tables import pages
from mnist_model.bundle import read_bundle
from mnist_model.strings.bundle import read_string_bundle
from preprocessing.pictures import encode_png
from reading.compared import Compared, confusion, figures_by_kind, honesty_of
from reading.gate import RATES, judge
from reading.lessons import Lesson, digest_of
from reading.readings import FieldReading, PageReading, Reason
from reading.suspicion import Suspect, Suspects
from reading.trust import read_trust

(FORM,) = load_forms("digits")
ANN = Seat("ann", "s1")


def picture(text: str) -> bytes:
    image = np.full((40, 22 * len(text)), 235, np.uint8)
    cv2.putText(image, text, (4, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 30, 2, cv2.LINE_AA)
    return encode_png(image)


def reading(text: str, *reasons: Reason, png: bytes | None = None) -> FieldReading:
    crop = picture(text) if png is None else png
    field = FORM.fields[0]
    return FieldReading(field.name, text, 0.5, bool(reasons), reasons, (), (), field.box, crop, threshold=0.95)


def teach(url: str, values: Sequence[str], png: bytes | None = None) -> None:
    """Record a flagged field for each of ``values``, and ann's answer to it."""
    with Ledger.open(url) as ledger:
        batch = ledger.open_batch("scans", "digits", FORM.digest)
        # Which pages a training learns from hangs on their digests, which must be the same in each run.
        read = [reading(value, Reason.LOW_CONFIDENCE, png=png) for value in values]
        ledger.record_chunk(batch, [_page(number, one) for number, one in enumerate(read, _recorded(ledger))])
        items = ledger.review().next_items(ANN, Scope(batch), len(values))
        said = [Answer(item.place, uuid4().hex, Verdict.VALUE, item.guess or values[0]) for item in items]
        ledger.review().save_all(ANN, said)


def _recorded(ledger: Ledger) -> int:
    with ledger._database.read() as connection:
        return connection.execute(select(func.count()).select_from(pages)).scalar_one()


def _page(number: int, field: FieldReading) -> PageReading:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return PageReading(f"{number}.png", 1, digest, "digits", "1", 0.0, "cnn 1", 0.95, (field,))


def job(folder: Path, **changes: object) -> RetrainJob:
    return RetrainJob(**{"ledger": f"sqlite:///{folder}/l.sqlite", "form": ("digits",), **changes})


def learning(*, gained: int = 8, lost: int = 0) -> Callable[..., Learned]:
    """A stand-in for ``learn`` whose candidate reads so many held-out fields right that were wrong, and conversely."""

    def learn(
        lessons: Sequence[Lesson],
        current: Current,
        out: Path,
        settings: LearnSettings,
        progress: Callable[[LearningStep], None],
    ) -> Learned:
        progress(LearningStep("training", 1, 2, "String reader: round 1 of 2, loss 0.8"))
        shutil.copytree(current.cnn, out / "cnn")
        shutil.copytree(current.strings, out / "strings")
        compared = tuple(
            Compared(lesson, _read(lesson, wrong=n < gained), _read(lesson, wrong=gained <= n < gained + lost))
            for n, lesson in enumerate(lessons[:20])
        )
        progress(LearningStep("judging", 2, 2, "judged"))
        return _learned(lessons, compared, out)

    return learn


def _read(lesson: Lesson, *, wrong: bool) -> FieldReading:
    return replace(reading(lesson.value), value=f"{lesson.value}9" if wrong else lesson.value)


def _learned(lessons: Sequence[Lesson], compared: tuple[Compared, ...], out: Path) -> Learned:
    trust = read_trust(out / "strings" / "trust.json")
    honesty = honesty_of(compared, trust, RATES)
    truths = [one.lesson.value for one in compared]
    return Learned(
        cnn=read_bundle(out / "cnn"),
        strings=read_string_bundle(out / "strings"),
        trust=trust,
        verdict=judge([one.paired for one in compared], (0.995, 0.995), honesty),
        compared=compared,
        kinds=figures_by_kind(compared),
        confusion_before=confusion(truths, [one.before.value for one in compared]),
        confusion_after=confusion(truths, [one.after.value for one in compared]),
        suspects=Suspects((Suspect(lessons[0], "77", 0.99),), ("eve <b>",), (lessons[1],)),
        left_out={},
        history=tuple(RoundFigures(net, n, 2, 1.0 / n) for net in ("half", "half", "cnn", "strings") for n in (1, 2)),
        honesty=honesty,
        mnist_before=0.995,
        mnist_after=0.995,
        trained_on=digest_of(lessons[20:]),
        trained=len(lessons) - 20,
        held_out=20,
        seconds=1.5,
    )
