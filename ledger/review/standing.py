"""What the answers to a field amount to: which holds, and whose key is wanted next. Pure rules, without a database.

One key: the newest answer holds. Two keys: the first and the second must be of two people who did not see each
other's; where they differ a third decides. An answer is never lost: one that comes when its key is no longer wanted is
kept with the stage ``SETTLED`` and counts for nothing. But if it comes to a field with a single key that its reviewer
had not seen, the two are treated as two keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.review.types import Stage, Verdict
from ledger.rows import storable

_MAX_PERSON = 200  # characters; indexes bound them


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer, or an undo, as the ledger holds it."""

    id: int
    reviewer: str
    verdict: Verdict
    value: str
    stage: Stage
    retracts: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The key that a field waits for, the answer that holds (None: none), and who gave the first two keys."""

    stage: Stage
    answer_id: int | None
    first_by: str
    second_by: str


def person(name: str) -> str:
    """A reviewer's name as it is compared: two keys must be of two people."""
    return storable(name).strip().casefold()[:_MAX_PERSON]


def effective(history: Sequence[Recorded]) -> list[Recorded]:
    """The answers that were not taken back, oldest first."""
    retracted = {row.retracts for row in history if row.verdict is Verdict.RETRACTED}
    return [row for row in history if row.verdict is not Verdict.RETRACTED and row.id not in retracted]


def standing_of(history: Sequence[Recorded], keys: int, flagged: bool) -> Standing:
    """Where a field stands after ``history`` (oldest first), if ``keys`` people have to answer it.

    ``flagged``: it waits for people even before anyone answered.
    """
    answers = effective(history)
    first, second, third = (_newest(answers, stage) for stage in (Stage.FIRST, Stage.SECOND, Stage.THIRD))
    stage, holds = _settled_by(first, second, third, keys)
    if not (first or second or third or flagged):
        stage = Stage.SETTLED
    return Standing(stage, holds.id if holds else None, _by(first), _by(second))


def counting(history: Sequence[Recorded]) -> set[int]:
    """Ids of the rows that have a part in what holds: of each key, the newest that was not taken back."""
    answers = effective(history)
    newest = (_newest(answers, stage) for stage in (Stage.FIRST, Stage.SECOND, Stage.THIRD))
    return {row.id for row in newest if row}


def _settled_by(
    first: Recorded | None, second: Recorded | None, third: Recorded | None, keys: int
) -> tuple[Stage, Recorded | None]:
    if third:
        return Stage.SETTLED, third
    if first and second:
        return (Stage.SETTLED, max(first, second, key=_id)) if _agree(first, second) else (Stage.THIRD, None)
    single = first or second
    if keys == 1 and single:
        return Stage.SETTLED, single
    return (Stage.SECOND if first else Stage.FIRST), None


def stage_of(
    history: Sequence[Recorded], keys: int, flagged: bool, reviewer: str, adjudicates: bool, seen: int | None
) -> Stage:
    """Which key an answer is that ``reviewer`` gives now, having ``seen`` the answer of that id (None: none)."""
    answers = effective(history)
    if not any(row.stage for row in answers):
        return Stage.FIRST
    standing = standing_of(history, keys, flagged)
    if standing.stage is Stage.SETTLED:
        return _stage_after(answers, standing, keys, reviewer, seen)
    own = [row.stage for row in answers if person(row.reviewer) == person(reviewer) and row.stage]
    if own:
        return own[-1]  # people may change their own key as long as it is not settled
    if standing.stage is Stage.THIRD and not adjudicates:
        return Stage.SETTLED
    return standing.stage


def _stage_after(answers: Sequence[Recorded], standing: Standing, keys: int, reviewer: str, seen: int | None) -> Stage:
    """The stage of an answer to a settled field: a change of what was seen, or one that comes late."""
    several = keys == 2 or any(row.stage > Stage.FIRST for row in answers)
    if seen == standing.answer_id:
        return Stage.THIRD if several else Stage.FIRST
    if several:
        return Stage.SETTLED
    return Stage.FIRST if person(reviewer) in (standing.first_by, standing.second_by) else Stage.SECOND


def _newest(answers: Sequence[Recorded], stage: Stage) -> Recorded | None:
    return next((row for row in reversed(answers) if row.stage is stage), None)


def _agree(one: Recorded, other: Recorded) -> bool:
    return (one.verdict, one.value) == (other.verdict, other.value)


def _id(row: Recorded) -> int:
    return row.id


def _by(row: Recorded | None) -> str:
    return person(row.reviewer) if row else ""
