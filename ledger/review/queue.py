"""Who is given which field: leases that end by themselves, the least sure field first, each to one person at a time.

A seat is given third keys first (where it adjudicates), then second keys, then first ones: what was begun is finished
soonest. Each question is answered from one place of an index, whatever the size of the ledger. On PostgreSQL rows that
another transaction is just leasing are passed over (SKIP LOCKED); on SQLite one transaction writes at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from statistics import median
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)

from ledger.review.items import HOLDING, at_bound_places, at_places, bound
from ledger.review.known_answers import also_of_scope, of_scope
from ledger.review.standing import person
from ledger.review.types import Place, Progress, Scope, ScopeCount, Seat, Source, Stage, ValueGroup, Verdict
from ledger.tables import batches, corrections, review_items

_GROUPS = 200  # of values, the largest: nobody looks through more
_LAST_ANSWERS = 1000  # whose seconds count

_items = review_items.c
_PLACE = (_items.page_id, _items.position)


@dataclass(frozen=True, slots=True)
class Desk:
    """A seat that asks for fields of a scope at a moment, for a time."""

    seat: Seat
    scope: Scope
    now: datetime
    lease_s: float

    @property
    def column(self) -> str:
        """The queue's column by which the scope is told."""
        return "form" if self.scope.batch is None else "batch_id"

    @property
    def asked(self) -> dict[str, Any]:
        """What a query for this desk is executed with."""
        scope = self.scope.form if self.scope.batch is None else self.scope.batch
        return {"scope": scope, "by": person(self.seat.reviewer), "session": self.seat.session, "now": self.now}

    @property
    def until(self) -> datetime:
        return self.now + timedelta(seconds=self.lease_s)


def own_leases(connection: Connection, desk: Desk) -> list[Place]:
    """What is leased to the seat's session, the least sure first."""
    return [Place(*row) for row in connection.execute(_own_query(desk.column), desk.asked)]


@cache
def _own_query(column: str) -> Select[Any]:
    leased = and_(_items.leased_to == bindparam("session"), _items.leased_until > bindparam("now"))
    query = select(*_PLACE).where(leased, func.coalesce(_items[column], None) == bindparam("scope"))
    return query.order_by(_items.skips, _items.confidence, *_PLACE)


def free_fields(connection: Connection, desk: Desk, count: int) -> list[Place]:
    """Up to ``count`` fields that wait for a key which the seat may give, and that nobody has; locked."""
    found: list[Place] = []
    for kind in _kinds(desk):
        if len(found) < count:
            asked = desk.asked | {"count": count - len(found)}
            found += [Place(*row) for row in connection.execute(_free_query(desk.column, *kind), asked)]
    return found


def _kinds(desk: Desk) -> Iterator[tuple[Stage, str]]:
    """Keys and who gave the first one: each is one range of the index."""
    if desk.seat.adjudicates:
        yield Stage.THIRD, "someone before"
        yield Stage.THIRD, "someone after"
    yield Stage.SECOND, "someone before"
    yield Stage.SECOND, "someone after"
    yield Stage.FIRST, "nobody"


_FIRST_BY: dict[str, ColumnElement[bool]] = {
    "someone before": _items.first_by < bindparam("by"),
    "someone after": _items.first_by > bindparam("by"),
    "nobody": _items.first_by == "",
}
_FREE = or_(_items.leased_until.is_(None), _items.leased_until <= bindparam("now"))
_NOT_SECOND = _items.second_by != bindparam("by")


@cache
def _free_query(column: str, stage: Stage, first_by: str) -> Select[Any]:
    query = select(*_PLACE).where(_items[column] == bindparam("scope"), _items.stage == stage.value)
    query = query.where(_FIRST_BY[first_by], _NOT_SECOND, _FREE).limit(bindparam("count"))
    query = query.order_by(_items.first_by, _items.skips, _items.confidence, *_PLACE)
    return query.with_for_update(skip_locked=True)


def free_of_value(connection: Connection, desk: Desk, value: str, surer_than: float, count: int) -> list[Place]:
    """Up to ``count`` free fields that read ``value`` and wait for their only key, the least sure first; locked."""
    same = and_(of_scope(desk.scope, review_items), _single(surer_than), _items.value == value)
    query = select(*_PLACE).where(same, _NOT_SECOND, _FREE).order_by(_items.confidence).limit(count)
    rows = connection.execute(query.with_for_update(skip_locked=True), desk.asked)
    return [Place(*row) for row in rows]


def value_groups(connection: Connection, scope: Scope, surer_than: float, least: int) -> list[ValueGroup]:
    """The values that at least ``least`` fields read, of those whose guess may be shown; the most frequent first."""
    of_value = and_(of_scope(scope, review_items), _single(surer_than), _items.value != "")
    query = select(_items.value, func.count()).where(of_value).group_by(_items.value).having(func.count() >= least)
    rows = connection.execute(query.order_by(func.count().desc(), _items.value).limit(_GROUPS))
    return [ValueGroup(*row) for row in rows]


def _single(surer_than: float) -> ColumnElement[bool]:
    return and_(_items.stage == Stage.FIRST.value, _items["keys"] == 1, _items.confidence >= surer_than)


def lease(connection: Connection, desk: Desk, places: Collection[Place]) -> None:
    """Lease fields to the seat from now on."""
    if places:
        connection.execute(_LEASE, bound(places, session=desk.seat.session, until=desk.until))


_LEASE = (
    update(review_items)
    .where(at_bound_places(review_items))
    .values(leased_to=bindparam("session"), leased_until=bindparam("until"))
)


def renew(connection: Connection, seat: Seat, places: Collection[Place], now: datetime, until: datetime) -> list[Place]:
    """Go on with leases; those that ended are taken again if nobody else has the field. Returns what is leased."""
    by = person(seat.reviewer)
    highest = Stage.THIRD if seat.adjudicates else Stage.SECOND
    wanted = and_(_items.stage.between(Stage.FIRST.value, highest.value), _items.first_by != by, _items.second_by != by)
    free = or_(_items.leased_until.is_(None), _items.leased_until <= now, _items.leased_to == seat.session)
    change = (
        update(review_items)
        .where(at_places(review_items, places), wanted, free)
        .values(leased_to=seat.session, leased_until=until)
    )
    return sorted(Place(*row) for row in connection.execute(change.returning(*_PLACE)))


def release(connection: Connection, seat: Seat) -> None:
    """End all leases of a session."""
    change = update(review_items).where(_items.leased_to == seat.session)
    connection.execute(change.values(leased_to=None, leased_until=None))


def skip(connection: Connection, seat: Seat, place: Place) -> None:
    """End a lease; the field comes again after all that were skipped less often."""
    leased = and_(at_places(review_items, [place]), _items.leased_to == seat.session)
    change = update(review_items).where(leased)
    connection.execute(change.values(leased_to=None, leased_until=None, skips=_items.skips + 1))


def progress(connection: Connection, scope: Scope, now: datetime) -> Progress:
    """How far a scope is."""
    counts = _stages(connection, of_scope(scope, review_items))
    open_ = sum(count for stage, count in counts.items() if stage is not Stage.SETTLED)
    seconds = _seconds_a_field(connection)
    return Progress(
        open=open_,
        second=counts.get(Stage.SECOND, 0),
        third=counts.get(Stage.THIRD, 0),
        leased=_leased(connection, scope, now),
        settled=counts.get(Stage.SETTLED, 0),
        illegible=_illegible(connection, scope),
        seconds_a_field=seconds,
        seconds_left=None if seconds is None else seconds * open_,
    )


def _stages(connection: Connection, condition: ColumnElement[bool]) -> dict[Stage, int]:
    query = select(_items.stage, func.count()).where(condition).group_by(_items.stage)
    return {Stage(stage): count for stage, count in connection.execute(query)}


def _leased(connection: Connection, scope: Scope, now: datetime) -> int:
    query = select(func.count()).where(_items.leased_to.is_not(None), _items.leased_until > now)
    return connection.execute(query.where(also_of_scope(scope, review_items))).scalar_one()


def _illegible(connection: Connection, scope: Scope) -> int:
    query = select(func.count()).select_from(corrections).join(review_items, HOLDING)
    illegible = corrections.c.verdict == literal_column(f"'{Verdict.ILLEGIBLE}'")  # as the index has it
    return connection.execute(query.where(illegible, also_of_scope(scope, review_items))).scalar_one()


def _seconds_a_field(connection: Connection) -> float | None:
    newest = select(func.coalesce(func.max(corrections.c.id), 0)).scalar_subquery()
    recent = and_(corrections.c.id > newest - _LAST_ANSWERS, corrections.c.source == Source.PAGE.value)
    query = select(corrections.c.seconds).where(recent, corrections.c.seconds.is_not(None))
    seconds = connection.execute(query).scalars().all()
    return median(seconds) if seconds else None


def scopes(connection: Connection) -> list[ScopeCount]:
    """The batches, the newest first, and the forms by name, as far as fields of theirs were flagged or answered."""
    return [*_batches(connection), *_forms(connection)]


def _batches(connection: Connection) -> Iterator[ScopeCount]:
    settled = func.sum(_is_settled())
    counted = select(_items.batch_id, func.count(), settled).group_by(_items.batch_id)
    counts = {batch: (count, int(done)) for batch, count, done in connection.execute(counted)}
    query = select(batches.c.id, batches.c.source).where(batches.c.id.in_(counts)).order_by(batches.c.id.desc())
    for batch, source in connection.execute(query):
        count, done = counts[batch]
        yield ScopeCount(Scope(batch=batch), source, count - done, done)


def _forms(connection: Connection) -> Iterator[ScopeCount]:
    counted = select(_items.form, func.count(), func.sum(_is_settled())).group_by(_items.form).order_by(_items.form)
    for form, count, done in connection.execute(counted):
        yield ScopeCount(Scope(form=form), form, count - int(done), int(done))


def _is_settled() -> ColumnElement[int]:
    return case((_items.stage == Stage.SETTLED.value, 1), else_=0)
