"""What the review did: how much, how fast, and how well, in all and of each reviewer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, select, true

from ledger.review.items import HOLDING, OF_READING
from ledger.review.known_answers import also_of_scope, of_scope
from ledger.review.standing import person
from ledger.review.types import Scope, Stage, Verdict
from ledger.tables import corrections, known_answers, known_trials, readings, review_items
from reading.readings import Reason
from reading.realised_error import RealisedError

_LAST_ANSWERS = 20_000  # whose seconds count
_OF_FIELD = and_(review_items.c.page_id == corrections.c.page_id, review_items.c.position == corrections.c.position)
_OF_KNOWN = and_(known_trials.c.page_id == known_answers.c.page_id, known_trials.c.position == known_answers.c.position)


@dataclass(frozen=True, slots=True)
class ReviewerStatistics:
    """One reviewer: answers, how many of them agree with the machine, and how many were taken back.

    ``seconds_confirmed`` and ``seconds_corrected`` are medians of answers that agree and of those that do not, None
    without any. ``known``: their error on known answers.
    """

    reviewer: str
    answers: int
    agreed: int
    taken_back: int
    seconds_confirmed: float | None
    seconds_corrected: float | None
    known: RealisedError


@dataclass(frozen=True, slots=True)
class Statistics:
    """``reviewed`` fields are settled, ``agreed`` of them as the machine read them, ``illegible`` of them without.

    ``seconds_a_field`` is the median of all answers. ``accepted``: the error of accepted fields, from the audit.
    """

    reviewed: int
    agreed: int
    illegible: int
    seconds_a_field: float | None
    accepted: RealisedError
    reviewers: tuple[ReviewerStatistics, ...]


@dataclass(frozen=True, slots=True)
class _Timed:
    reviewer: str
    agreed: bool
    seconds: float


def statistics(connection: Connection, scope: Scope | None) -> Statistics:
    """Count what was reviewed in a scope, or in the whole ledger; seconds are of the newest answers."""
    inside = true() if scope is None else of_scope(scope, review_items)
    reviewed, agreed, illegible = _fields(connection, inside)
    timed = _timed(connection, inside)
    return Statistics(
        reviewed=reviewed,
        agreed=agreed,
        illegible=illegible,
        seconds_a_field=_median(answer.seconds for answer in timed),
        accepted=_accepted(connection, scope),
        reviewers=_reviewers(connection, inside, _known(connection, scope), timed),
    )


def _fields(connection: Connection, inside: ColumnElement[bool]) -> tuple[int, int, int]:
    """How many fields are settled, settled as read, and settled as illegible."""
    illegible = corrections.c.verdict == Verdict.ILLEGIBLE.value
    counts = (func.count(), _count_if(corrections.c.agreed), _count_if(illegible))
    query = select(*counts).select_from(review_items).join(corrections, HOLDING)
    row = connection.execute(query.where(inside, review_items.c.stage == Stage.SETTLED.value)).one()
    return row[0], row[1], row[2]


def _count_if(condition: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _accepted(connection: Connection, scope: Scope | None) -> RealisedError:
    inside = true() if scope is None else also_of_scope(scope, review_items)
    wrong = _count_if(corrections.c.agreed.is_(False))
    query = select(func.count(), wrong).select_from(readings).join(review_items, OF_READING).join(corrections, HOLDING)
    sampled = readings.c.reasons == literal_column(f"'{Reason.AUDIT_SAMPLE}'")  # as the index has it
    clear = corrections.c.verdict != Verdict.ILLEGIBLE.value
    answered, wrong_count = connection.execute(query.where(inside, sampled, clear)).one()
    return RealisedError(wrong_count, answered)


def _timed(connection: Connection, inside: ColumnElement[bool]) -> list[_Timed]:
    query = select(corrections.c.reviewer, corrections.c.agreed, corrections.c.seconds)
    query = query.join_from(corrections, review_items, _OF_FIELD).where(inside, corrections.c.seconds.is_not(None))
    rows = connection.execute(query.order_by(corrections.c.id.desc()).limit(_LAST_ANSWERS))
    return [_Timed(person(row.reviewer), bool(row.agreed), row.seconds) for row in rows]


def _known(connection: Connection, scope: Scope | None) -> dict[str, RealisedError]:
    inside = true() if scope is None else of_scope(scope, known_answers)
    counts = (known_trials.c.reviewer, _count_if(known_trials.c.was_right.is_(False)), func.count())
    query = select(*counts).join_from(known_trials, known_answers, _OF_KNOWN)
    rows = connection.execute(
        query.where(inside, known_trials.c.answered_at.is_not(None)).group_by(known_trials.c.reviewer)
    )
    return {reviewer: RealisedError(wrong, answered) for reviewer, wrong, answered in rows}


def _reviewers(
    connection: Connection, inside: ColumnElement[bool], known: dict[str, RealisedError], timed: Iterable[_Timed]
) -> tuple[ReviewerStatistics, ...]:
    answers, agreed, taken_back, names = _answers(connection, inside)
    seconds: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for answer in timed:
        seconds[answer.reviewer, answer.agreed].append(answer.seconds)
    return tuple(
        ReviewerStatistics(
            reviewer=names.get(by, by),
            answers=answers[by],
            agreed=agreed[by],
            taken_back=taken_back[by],
            seconds_confirmed=_median(seconds[by, True]),
            seconds_corrected=_median(seconds[by, False]),
            known=known.get(by, RealisedError(0, 0)),
        )
        for by in sorted({*names, *known})
    )


def _answers(
    connection: Connection, inside: ColumnElement[bool]
) -> tuple[Counter[str], Counter[str], Counter[str], dict[str, str]]:
    """Of each person the answers, those that agree, those that were taken back; and the name as it was written."""
    kind = (corrections.c.reviewer, corrections.c.verdict, corrections.c.agreed)
    query = select(*kind, func.count().label("times")).join_from(corrections, review_items, _OF_FIELD)
    answers, agreed, taken_back = Counter[str](), Counter[str](), Counter[str]()
    names: dict[str, str] = {}
    for row in connection.execute(query.where(inside).group_by(*kind)):
        by = person(row.reviewer)
        names.setdefault(by, row.reviewer)
        (taken_back if row.verdict == Verdict.RETRACTED else answers)[by] += row.times
        agreed[by] += row.times if row.agreed else 0
    return answers, agreed, taken_back, names


def _median(seconds: Iterable[float]) -> float | None:
    listed = list(seconds)
    return median(listed) if listed else None
