"""The queue's rows: they follow the readings and the answers, in the transaction that changes either."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from ledger.audit_sample import FieldKey, disguised
from ledger.review.types import Place, Stage, Verdict
from ledger.tables import batches, corrections, pages, readings, review_items
from reading.readings import Reason

_PLACES_AT_ONCE = 500

OF_READING: ColumnElement[bool] = and_(
    review_items.c.page_id == readings.c.page_id, review_items.c.position == readings.c.position
)
# Joins the answer that holds, if any, to a queue's row.
HOLDING: ColumnElement[bool] = corrections.c.id == review_items.c.answer_id
HOLDING_CLEAR: ColumnElement[bool] = and_(HOLDING, corrections.c.verdict != Verdict.ILLEGIBLE.value)
# Whether people still have to look at a reading; needs both joins, the outer ones.
IS_OPEN: ColumnElement[bool] = or_(
    case((review_items.c.stage.is_(None), readings.c.needs_review), else_=review_items.c.stage > Stage.SETTLED.value),
    func.coalesce(corrections.c.verdict, "") == Verdict.ILLEGIBLE.value,
)
_UNANSWERED = and_(review_items.c.answer_id.is_(None), review_items.c.first_by == "", review_items.c.second_by == "")


def insert_or_leave(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows; those whose key is there already are left as they are. Returns how many are new."""
    if not rows:
        return 0
    new = _insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key)
    return len(connection.execute(new, rows).all())


def _insert(connection: Connection, table: Table) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def queue_fields(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Bring the queue up to date with the readings under ``condition`` (on ``readings`` and ``pages``).

    What is flagged enters it, what is flagged no more leaves it unless someone answered, and values and confidences
    become those of the readings.
    """
    looked_at = or_(readings.c.needs_review, review_items.c.stage.is_not(None))
    found = connection.execute(_readings(condition).where(looked_at)).all()
    _upsert(connection, [_item_row(row) for row in found])
    unflagged = [Place(row.page_id, row.position) for row in found if not row.needs_review]
    for part in in_parts(unflagged):
        connection.execute(delete(review_items).where(at_places(review_items, part), _UNANSWERED))


def queue_places(connection: Connection, places: Collection[Place]) -> None:
    """Bring the queue up to date with the readings at ``places``."""
    for part in in_parts(places):
        queue_fields(connection, at_places(readings, part))


def new_items(connection: Connection, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Rows for the queue, of the readings under ``condition``, flagged or not."""
    return [_item_row(row) for row in connection.execute(_readings(condition))]


def at_places(table: Table, places: Collection[Place]) -> ColumnElement[bool]:
    """The rows of a table at these places."""
    keys = [(place.page_id, place.position) for place in places]
    return _at(table, {page_id for page_id, _ in keys}, keys)


def at_bound_places(table: Table) -> ColumnElement[bool]:
    """The rows at the places that a statement is executed with (``bound``): it is built once, which costs most."""
    return _at(table, bindparam("page_ids", expanding=True), bindparam("places", expanding=True))


def _at(table: Table, page_ids: Any, places: Any) -> ColumnElement[bool]:
    """By the pages too: of several pairs SQLite makes a list to look up in while it goes through the whole table."""
    return and_(table.c.page_id.in_(page_ids), tuple_(table.c.page_id, table.c.position).in_(places))


def bound(places: Collection[Place], **values: Any) -> dict[str, Any]:
    """What a statement is executed with that has ``at_bound_places``."""
    keys = [(place.page_id, place.position) for place in places]
    return {"page_ids": list({page_id for page_id, _ in keys}), "places": keys, **values}


def in_parts(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Places in parts that a query can name, sorted: whoever locks them does so in the same order."""
    iterator = iter(sorted(places))
    while part := list(islice(iterator, _PLACES_AT_ONCE)):
        yield part


def _readings(condition: ColumnElement[bool]) -> Select[Any]:
    names = ("page_id", "position", "field", "value", "confidence", "needs_review", "reasons", "two_keys")
    of_page = (pages.c.batch_id, pages.c.form, pages.c.sha256, pages.c.page, batches.c.audit_key)
    threshold = func.coalesce(readings.c.threshold, pages.c.threshold).label("threshold")
    query: Select[Any] = select(*(readings.c[name] for name in names), *of_page, threshold, review_items.c.stage)
    query = query.join_from(readings, pages).join(batches, batches.c.id == pages.c.batch_id)
    query = query.outerjoin(review_items, OF_READING)
    return query.where(condition)


def _item_row(row: Row[Any]) -> dict[str, Any]:
    return {
        "page_id": row.page_id,
        "position": row.position,
        "batch_id": row.batch_id,
        "form": row.form,
        "value": row.value,
        "confidence": _told_confidence(row),
        "keys": 2 if row.two_keys else 1,
        "stage": (Stage.FIRST if row.needs_review else Stage.SETTLED).value,
    }


def _told_confidence(row: Row[Any]) -> float:
    if row.reasons != Reason.AUDIT_SAMPLE:
        return float(row.confidence)
    return disguised(row.audit_key, FieldKey(row.sha256, row.page, row.field), row.threshold, ())[0]


def _upsert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    new = _insert(connection, review_items)
    reopened = case((_UNANSWERED, new.excluded.stage), else_=review_items.c.stage)
    changed = {"value": new.excluded.value, "confidence": new.excluded.confidence, "stage": reopened}
    connection.execute(new.on_conflict_do_update(index_elements=["page_id", "position"], set_=changed), rows)
