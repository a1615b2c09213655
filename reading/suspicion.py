"""Corrections that are more probably wrong than the nets: set aside for a second look, never learned from.

Confident learning (Northcutt, Jiang and Chuang 2021, section 3): a label is doubted where nets that have not seen it
are sure of another. Here every net must contradict, and none may find the answer at least possible, for the rare
writing that nets misread with confidence is what corrections are for. A reviewer whom the nets contradict again and
again has misunderstood the task: nothing of what he said is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reading.lessons import Lesson
from reading.readings import FieldReading
from reading.realised_error import RealisedError

SURE = 0.8  # of the surest net
POSSIBLE = 0.02  # a net that gives the answer this much does not contradict it
DOUBTED_SHARE = 0.25  # a reviewer who is contradicted more often than this, with 97.5 % certainty, is not believed


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """A correction that was set aside: what the nets say in its place, and how sure the surest of them is."""

    lesson: Lesson
    instead: str
    confidence: float

    @property
    def why(self) -> str:
        """In words."""
        return f"{self.lesson.value} was answered, and all nets contradict; the surest reads {self.instead}"


@dataclass(frozen=True, slots=True, eq=False)
class Suspects:
    """What was set aside: corrections one by one, and ``reviewers`` of whom nothing is used.

    ``silenced`` are the other answers of these.
    """

    corrections: tuple[Suspect, ...]
    reviewers: tuple[str, ...]
    silenced: tuple[Lesson, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all lessons that are not to be learned from."""
        return frozenset([*(one.lesson.key for one in self.corrections), *(lesson.key for lesson in self.silenced)])


def find_suspects(lessons: Sequence[Lesson], opinions: Sequence[Sequence[FieldReading]]) -> Suspects:
    """The corrections that every net contradicts with confidence, and the reviewers who are not believed.

    Args:
        lessons: what people said.
        opinions: for each net, or set of nets, what it reads of each lesson; none of them may have seen the answers.
    """
    doubted = [_doubted(lesson, heard) for lesson, *heard in zip(lessons, *opinions, strict=True)]
    corrections = tuple(suspect for suspect in doubted if suspect is not None)
    reviewers = _unbelieved(lessons, doubted)
    silenced = tuple(
        lesson
        for lesson, suspect in zip(lessons, doubted, strict=True)
        if lesson.reviewer in reviewers and suspect is None and not lesson.confirmed
    )
    return Suspects(corrections, reviewers, silenced)


def _doubted(lesson: Lesson, heard: Sequence[FieldReading]) -> Suspect | None:
    if lesson.confirmed or any(_allows(reading, lesson.value) for reading in heard):
        return None
    surest = max(heard, key=lambda reading: reading.confidence if reading.value else 0.0)
    if not surest.value or surest.confidence < SURE:
        return None
    return Suspect(lesson, surest.value, surest.confidence)


def _allows(reading: FieldReading, value: str) -> bool:
    return reading.value == value or dict(reading.alternatives).get(value, 0.0) > POSSIBLE


def _unbelieved(lessons: Sequence[Lesson], doubted: Sequence[Suspect | None]) -> tuple[str, ...]:
    """The reviewers whose share of contradicted answers is surely above ``DOUBTED_SHARE``."""
    said: dict[str, list[bool]] = defaultdict(list)
    for lesson, suspect in zip(lessons, doubted, strict=True):
        if not lesson.confirmed:
            said[lesson.reviewer].append(suspect is not None)
    rates = {reviewer: RealisedError(sum(wrong), len(wrong)) for reviewer, wrong in said.items()}
    return tuple(sorted(reviewer for reviewer, rate in rates.items() if rate.interval[0] > DOUBTED_SHARE))
