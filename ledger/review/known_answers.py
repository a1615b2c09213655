"""Fields whose answer is known, shown among others: what reviewers say to them measures how often each is wrong.

They are no work to do and their answers are no corrections: both are kept apart, so that no export can meet them. A
field is used only while it is settled, and never before someone who answered it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, func, insert, select, update

from ledger.review.items import at_bound_places, at_places, bound, in_parts, insert_or_leave
from ledger.review.standing import person
from ledger.review.types import Answer, Place, Saved, Scope, Seat, Stage, Verdict
from ledger.tables import corrections, known_answers, known_trials, pages, readings, review_items

_OF_KNOWN = and_(known_trials.c.page_id == known_answers.c.page_id, known_trials.c.position == known_answers.c.position)
_OF_ITEM = and_(review_items.c.page_id == known_answers.c.page_id, review_items.c.position == known_answers.c.position)


_OWN = (
    select(known_trials.c.page_id, known_trials.c.position, known_answers.c.batch_id, known_answers.c.form)
    .join_from(known_trials, known_answers, _OF_KNOWN)
    .where(known_trials.c.reviewer == bindparam("by"), known_trials.c.session == bindparam("session"))
    .where(known_trials.c.answered_at.is_(None))
)
_OPEN = select(known_trials.c.page_id, known_trials.c.position).where(
    at_bound_places(known_trials), known_trials.c.reviewer == bindparam("by"), known_trials.c.answered_at.is_(None)
)
_TRIAL: Select[Any] = (
    select(known_trials.c.client_key, known_trials.c.answered_at, known_answers.c.verdict, known_answers.c.value)
    .join_from(known_trials, known_answers, _OF_KNOWN)
    .where(at_bound_places(known_trials), known_trials.c.reviewer == bindparam("by"))
    .with_for_update(of=known_trials)
)


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """What a field holds, for certain; ``value`` is "" unless the verdict is ``VALUE``."""

    place: Place
    verdict: Verdict
    value: str = ""


def add_known(connection: Connection, fields: Iterable[KnownAnswer]) -> int:
    """Remember what fields hold, where nothing was known; returns how many are new. Unknown fields are left out."""
    by_place = {field.place: field for field in fields}
    return sum(_add_part(connection, [by_place[place] for place in part]) for part in in_parts(by_place))


def _add_part(connection: Connection, fields: Collection[KnownAnswer]) -> int:
    said = {field.place: field for field in fields}
    of_field = (readings.c.page_id, readings.c.position, pages.c.batch_id, pages.c.form)
    query = select(*of_field).join_from(readings, pages).where(at_places(readings, said))
    rows = [dict(row._mapping) for row in connection.execute(query)]
    told = [said[Place(row["page_id"], row["position"])] for row in rows]
    values = [{"verdict": field.verdict.value, "value": field.value} for field in told]
    return insert_or_leave(connection, known_answers, [row | value for row, value in zip(rows, values, strict=True)])


def know_agreed(connection: Connection, scope: Scope, count: int) -> int:
    """Remember up to ``count`` fields on whose answer two people agreed without knowing of each other."""
    answered = (review_items.c.page_id, review_items.c.position, corrections.c.verdict, corrections.c.value)
    query = select(*answered).join_from(review_items, corrections, corrections.c.id == review_items.c.answer_id)
    query = query.outerjoin(known_answers, _OF_ITEM)
    second = corrections.c.stage.in_((Stage.FIRST.value, Stage.SECOND.value))
    two = (review_items.c.first_by != "") & (review_items.c.second_by != "")
    clear = corrections.c.verdict != Verdict.ILLEGIBLE.value
    query = query.where(of_scope(scope, review_items), two, second, clear, known_answers.c.page_id.is_(None))
    rows = connection.execute(query.order_by(*answered[:2]).limit(count)).all()
    return add_known(connection, [KnownAnswer(Place(*row[:2]), Verdict(row.verdict), row.value) for row in rows])


def of_scope(scope: Scope, table: Any) -> ColumnElement[bool]:
    """The rows of a table with ``batch_id`` and ``form`` that belong to a scope."""
    condition: ColumnElement[bool]
    condition = table.c.form == scope.form if scope.batch is None else table.c.batch_id == scope.batch
    return condition


def also_of_scope(scope: Scope, table: Any) -> ColumnElement[bool]:
    """As ``of_scope``, for queries that find few rows by something else: no index of the scope can lure a planner."""
    column, value = (table.c.form, scope.form) if scope.batch is None else (table.c.batch_id, scope.batch)
    condition: ColumnElement[bool] = func.coalesce(column, None) == value
    return condition


def own_trials(connection: Connection, seat: Seat, scope: Scope) -> list[Place]:
    """The known answers that are before this seat."""
    rows = connection.execute(_OWN, {"by": person(seat.reviewer), "session": seat.session})
    return [Place(row.page_id, row.position) for row in rows if scope in (Scope(row.batch_id), Scope(form=row.form))]


def draw_trials(connection: Connection, seat: Seat, scope: Scope, count: int) -> list[Place]:
    """Put up to ``count`` known answers before a seat that its reviewer was not asked for yet."""
    if not count:
        return []
    by = person(seat.reviewer)
    known = (known_answers.c.page_id, known_answers.c.position)
    theirs = and_(_OF_KNOWN, known_trials.c.reviewer == by)
    query = select(*known).join(pages, pages.c.id == known_answers.c.page_id)
    query = query.outerjoin(known_trials, theirs).outerjoin(review_items, _OF_ITEM).where(pages.c.erased_at.is_(None))
    new = known_trials.c.reviewer.is_(None)
    left = known_trials.c.answered_at.is_(None) & (known_trials.c.session != seat.session)
    settled = review_items.c.stage.is_(None) | (review_items.c.stage == Stage.SETTLED.value)
    others = review_items.c.stage.is_(None) | ((review_items.c.first_by != by) & (review_items.c.second_by != by))
    query = query.where(of_scope(scope, known_answers), new | left, settled, others).order_by(*known).limit(count)
    drawn = [Place(*row) for row in connection.execute(query)]
    _give(connection, seat, drawn)
    return drawn


def _give(connection: Connection, seat: Seat, places: Collection[Place]) -> None:
    if not places:
        return
    by = person(seat.reviewer)
    connection.execute(delete(known_trials).where(at_places(known_trials, places), known_trials.c.reviewer == by))
    rows = [{"page_id": p.page_id, "position": p.position, "reviewer": by, "session": seat.session} for p in places]
    connection.execute(insert(known_trials), rows)


def return_trials(connection: Connection, seat: Seat) -> None:
    """What lies before a seat unanswered goes back."""
    mine = (known_trials.c.reviewer == person(seat.reviewer)) & (known_trials.c.session == seat.session)
    connection.execute(delete(known_trials).where(mine, known_trials.c.answered_at.is_(None)))


def open_trials(connection: Connection, seat: Seat, places: Collection[Place]) -> set[Place]:
    """Those of these fields that are known answers before this reviewer."""
    return {Place(*row) for row in connection.execute(_OPEN, bound(places, by=person(seat.reviewer)))}


def answer_trial(connection: Connection, seat: Seat, answer: Answer) -> Saved | None:
    """Note what a reviewer says to a known answer; None where the field is none that lies before them."""
    by = person(seat.reviewer)
    trial = connection.execute(_TRIAL, bound([answer.place], by=by)).first()
    if trial is None or (trial.answered_at is not None and trial.client_key != answer.key):
        return None
    if trial.answered_at is None:
        right = (trial.verdict, trial.value) == (answer.verdict.value, answer.value)
        said = {"verdict": answer.verdict.value, "value": answer.value, "seconds": answer.seconds, "was_right": right}
        when = {"answered_at": datetime.now(UTC), "client_key": answer.key}
        mine = and_(at_places(known_trials, [answer.place]), known_trials.c.reviewer == by)
        connection.execute(update(known_trials).where(mine).values(**said, **when))
    return Saved(answer.place, known=trial.answered_at is not None)


def retract_trial(connection: Connection, seat: Seat, answer_key: str) -> Place | None:
    """Take back what this reviewer said to a known answer; None where the key belongs to none."""
    mine = (known_trials.c.client_key == answer_key) & (known_trials.c.reviewer == person(seat.reviewer))
    query = select(known_trials.c.page_id, known_trials.c.position).where(mine)
    found = connection.execute(query.with_for_update()).first()
    if found is None:
        return None
    unsaid: dict[str, Any] = dict.fromkeys(("answered_at", "verdict", "value", "was_right", "seconds", "client_key"))
    connection.execute(update(known_trials).where(mine).values(session=seat.session, **unsaid))
    return Place(*found)
