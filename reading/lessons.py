"""What people's corrections teach: which of them can be learned from, and which are kept aside to judge by.

A lesson is one field that a person looked at, with its crop and the answer. Answers are split into those to learn from
and those to judge by as a whole page or, where known, a whole writer: a net that saw one digit of a hand has an easy
time with the next.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from forms.errors import MendableError
from forms.template import FieldKind, FormTemplate
from mnist_model.classifier import Classifier
from mnist_model.strings.reader import StringReader
from reading.pipeline import PreparedField, PreparedPage, finish_pages
from reading.policy import Policy
from reading.readings import FieldReading
from reading.trust import Trust

HELD_OUT = 0.25
LEAST_LESSONS = 40  # to learn from; fewer teach little, and a net that learns them by heart reads others worse
LEAST_HELD_OUT = 15  # below that no comparison says anything
_HEX_DIGITS = 8


class Shortage(StrEnum):
    """Why corrections cannot be learned from."""

    NO_CORRECTIONS = "no_corrections"
    TOO_FEW = "too_few"
    ONE_DIGIT = "one_digit"
    ERASED_CROPS = "erased_crops"
    TOO_FEW_HELD_OUT = "too_few_held_out"
    NOT_BELIEVED = "not_believed"


class LearningError(MendableError):
    """Corrections that cannot be learned from: what the problem is, and what a person can do about it."""

    def __init__(self, reason: Shortage, problem: str, mend: str):
        super().__init__(problem, mend)
        self.args = (reason, problem, mend)  # so that the error survives pickling between processes
        self.reason = reason


class Omission(StrEnum):
    """Why one correction is not learned from."""

    NO_VALUE = "it says that the field holds no value"
    NO_CROP = "its crop is gone, or no ink is left on it"
    NOT_DIGITS = "it is not digits alone"


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One field that a person looked at.

    ``key`` names it among others. ``prepared`` is the field's crop, cut into pieces; ``value`` is what people say
    stands there, ``read`` what had been read. ``page`` is the sha256 of the page's file, ``writer`` who filled it in
    ("" where that is not known), ``reviewer`` who answered. ``confirmed``: two people gave this answer, or one was
    asked a second time.
    """

    key: str
    form: FormTemplate
    prepared: PreparedField
    value: str
    read: str
    page: str
    reviewer: str = ""
    writer: str = ""
    confirmed: bool = False

    @property
    def kind(self) -> FieldKind:
        """Comb or free-hand."""
        return self.prepared.field.kind

    @property
    def group(self) -> str:
        """What is never split: the writer where known, else the page."""
        return self.writer or self.page


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Lessons that can be learned from, and those left out, by why."""

    usable: tuple[Lesson, ...]
    left_out: Mapping[Omission, tuple[Lesson, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Lessons to learn from, and lessons to judge by."""

    training: tuple[Lesson, ...]
    held_out: tuple[Lesson, ...]


def choose_lessons(lessons: Sequence[Lesson]) -> Chosen:
    """The lessons that can be learned from.

    Raises:
        LearningError: there are none, too few, all of one digit, or their crops are gone.
    """
    if not lessons:
        raise LearningError(
            Shortage.NO_CORRECTIONS,
            "the ledger holds no corrections",
            "check what was flagged, by the review page or in readings.csv and formdigits import",
        )
    left_out: dict[Omission, tuple[Lesson, ...]] = {}
    for lesson in lessons:
        if (why := _omission(lesson)) is not None:
            left_out[why] = (*left_out.get(why, ()), lesson)
    usable = tuple(lesson for lesson in lessons if _omission(lesson) is None)
    _check(usable, len(lessons), len(left_out.get(Omission.NO_CROP, ())))
    return Chosen(usable, left_out)


def split_lessons(lessons: Sequence[Lesson], held_out: float = HELD_OUT) -> Split:
    """By a hash of the writer or page: a lesson stays on its side whatever others come.

    Raises:
        LearningError: one side has too few.
    """
    sides = [_place(lesson.group) < held_out for lesson in lessons]
    kept = tuple(lesson for lesson, side in zip(lessons, sides, strict=True) if not side)
    aside = tuple(lesson for lesson, side in zip(lessons, sides, strict=True) if side)
    if len(aside) < LEAST_HELD_OUT or len(kept) < LEAST_LESSONS:
        groups = len({lesson.group for lesson in lessons})
        raise LearningError(
            Shortage.TOO_FEW_HELD_OUT,
            f"the corrections are of {groups} pages or writers, which leaves {len(kept)} to learn from and "
            f"{len(aside)} to judge by ({LEAST_LESSONS} and {LEAST_HELD_OUT} are needed)",
            "correct fields on more pages",
        )
    return Split(kept, aside)


def folds(lessons: Sequence[Lesson], count: int) -> tuple[tuple[Lesson, ...], ...]:
    """``lessons`` in ``count`` parts by their pages or writers."""
    places = [int(_place(f"fold {lesson.group}") * count) for lesson in lessons]
    return tuple(
        tuple(lesson for lesson, place in zip(lessons, places, strict=True) if place == fold) for fold in range(count)
    )


def read_lessons(
    lessons: Sequence[Lesson], classifier: Classifier, strings: StringReader | None, trust: Trust | None = None
) -> list[FieldReading]:
    """What these readers say of each lesson's field, by itself: rules across fields are left aside.

    ``confidence`` is the trust's, or what the readers say of themselves where there is none.
    """
    pages = [_page_of(lesson) for lesson in lessons]
    return [page.fields[0] for page in finish_pages(pages, classifier, Policy(trust=trust), strings)]


def digest_of(lessons: Sequence[Lesson]) -> str:
    """The sha256 of what these lessons show and say, in whatever order they come."""
    told = sorted(
        f"{hashlib.sha256(lesson.prepared.crop_png).hexdigest()} {lesson.form.name} {lesson.value}"
        for lesson in lessons
    )
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _page_of(lesson: Lesson) -> PreparedPage:
    form = replace(lesson.form, fields=(lesson.prepared.field,), sums=(), batch_totals=())
    return PreparedPage(lesson.key, 1, lesson.page, form, 0.0, (lesson.prepared,))


def _omission(lesson: Lesson) -> Omission | None:
    if not lesson.prepared.pieces:
        return Omission.NO_CROP
    if not lesson.value:
        return Omission.NO_VALUE
    return None if lesson.value.isascii() and lesson.value.isdigit() else Omission.NOT_DIGITS


def _check(usable: Sequence[Lesson], known: int, erased: int) -> None:
    if erased and len(usable) < LEAST_LESSONS:
        raise LearningError(
            Shortage.ERASED_CROPS,
            f"the crops of {erased} corrections are gone, and {len(usable)} are left to learn from",
            "keep crops in the ledger for longer, or correct more fields",
        )
    fewest = LEAST_LESSONS + LEAST_HELD_OUT
    if len(usable) < fewest:
        raise LearningError(
            Shortage.TOO_FEW,
            f"{len(usable)} of {known} corrections can be learned from, and {fewest} are the fewest",
            "correct more fields, some hundred if you can",
        )
    digits = Counter("".join(lesson.value for lesson in usable))
    if len(digits) < 2:
        raise LearningError(
            Shortage.ONE_DIGIT,
            f"all corrections are of the digit {next(iter(digits))}: a net would learn to read nothing else",
            "correct fields with other digits too",
        )


def _place(group: str) -> float:
    """In [0, 1), the same for ever."""
    return int(hashlib.sha256(group.encode()).hexdigest()[:_HEX_DIGITS], 16) / 16**_HEX_DIGITS
