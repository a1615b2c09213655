"""What people said about fields: locked while more is said, told as a history, and a row longer after each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from ledger.review.items import OF_READING, at_bound_places, at_places, bound, insert_or_leave, new_items
from ledger.review.standing import Recorded, counting, standing_of
from ledger.review.types import AnswerError, Change, Place, Source, Stage, Verdict
from ledger.tables import corrections, pages, readings, review_items

_NEW = insert(corrections).returning(corrections.c.id, sort_by_parameter_order=True)
_MOVE = update(review_items).where(
    review_items.c.page_id == bindparam("of_page"), review_items.c.position == bindparam("at")
)
_LOCKED: Select[Any] = (
    select(*(review_items.c[name] for name in ("page_id", "position", "keys", "answer_id")))
    .add_columns(readings.c.value, readings.c.needs_review)
    .join_from(review_items, readings, OF_READING)
    .join(pages, pages.c.id == review_items.c.page_id)
    .where(at_bound_places(review_items), pages.c.erased_at.is_(None))
    .order_by(review_items.c.page_id, review_items.c.position)
    .with_for_update(of=review_items)
)
_HISTORY = select(corrections).where(at_bound_places(corrections)).order_by(corrections.c.id)


@dataclass(slots=True)
class LockedField:
    """A field whose row in the queue is locked, with all that people said about it, oldest first."""

    row: Row[Any]
    history: list[Recorded]

    @property
    def flagged(self) -> bool:
        return bool(self.row.needs_review)

    @property
    def held(self) -> str:
        """The value that holds now."""
        holding = (row.value for row in self.history if row.id == self.row.answer_id)
        return next(holding, self.row.value)


def lock_fields(connection: Connection, places: Sequence[Place]) -> dict[Place, LockedField]:
    """The fields at these places; until the transaction ends nobody else can answer them.

    Raises:
        AnswerError: one of them is not in the ledger.
    """
    found = {Place(row.page_id, row.position): row for row in connection.execute(_LOCKED, bound(places))}
    missing = [place for place in places if place not in found]
    if missing:
        # Fields that were accepted: nobody had to look at them, but someone did.
        insert_or_leave(connection, review_items, new_items(connection, at_places(readings, missing)))
        found |= {Place(row.page_id, row.position): row for row in connection.execute(_LOCKED, bound(missing))}
    if len(found) < len(places):
        raise AnswerError("the ledger holds no such field", "reload: it may have been erased")
    histories = _histories(connection, places)
    return {place: LockedField(row, histories.get(place, [])) for place, row in found.items()}


def _histories(connection: Connection, places: Sequence[Place]) -> dict[Place, list[Recorded]]:
    histories: dict[Place, list[Recorded]] = {}
    for row in connection.execute(_HISTORY, bound(places)).mappings():
        place = Place(row["page_id"], row["position"])
        histories.setdefault(place, []).append(_recorded(row["id"], dict(row)))
    return histories


def append_rows(connection: Connection, rows: Sequence[tuple[LockedField, dict[str, Any]]]) -> None:
    """Insert a row a field, and let its place in the queue follow."""
    if not rows:
        return
    now = datetime.now(UTC)
    ids = connection.execute(_NEW, [row | {"recorded_at": now} for _, row in rows]).scalars().all()
    for key, (field, row) in zip(ids, rows, strict=True):
        field.history.append(_recorded(key, row))
    connection.execute(_MOVE, [_moved(field) for field, _ in rows])


def _recorded(key: int, row: dict[str, Any]) -> Recorded:
    verdict, stage = Verdict(row["verdict"]), Stage(row["stage"])
    return Recorded(key, row["reviewer"], verdict, row["value"], stage, row["retracts"])


def _moved(field: LockedField) -> dict[str, Any]:
    """Where a field stands now; whoever had it leased does not need it any more."""
    standing = standing_of(field.history, field.row.keys, field.flagged)
    return {
        "of_page": field.row.page_id,
        "at": field.row.position,
        "stage": standing.stage.value,
        "answer_id": standing.answer_id,
        "first_by": standing.first_by,
        "second_by": standing.second_by,
        "leased_to": None,
        "leased_until": None,
    }


def history_of(connection: Connection, place: Place) -> list[Change]:
    """All that people said about a field, oldest first."""
    rows = connection.execute(_HISTORY, bound([place])).all()
    counts = counting([_recorded(row.id, dict(row._mapping)) for row in rows])
    return [_change(row, row.id in counts) for row in rows]


def _change(row: Row[Any], counts: bool) -> Change:
    return Change(
        id=row.id,
        when=row.recorded_at,
        reviewer=row.reviewer,
        source=Source(row.source),
        verdict=Verdict(row.verdict),
        was=row.was,
        value=row.value,
        seconds=row.seconds,
        overrides=tuple(filter(None, row.overrides.split(";"))),
        stage=Stage(row.stage),
        retracts=row.retracts,
        counts=counts,
    )
