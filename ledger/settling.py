"""A field over all pages of a batch, as rules over the whole batch need it, and what they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from ledger.review.items import HOLDING_CLEAR, OF_READING, queue_places
from ledger.review.types import Place
from ledger.tables import corrections, pages, readings, review_items
from reading.readings import Reason


@dataclass(frozen=True, slots=True)
class RecordedField:
    """A field of one page, with the reasons to look at it.

    ``values`` with their posteriors, best first, none where it has no value; what a person answered is alone and sure.
    """

    page_id: int
    position: int
    values: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...]
    answered: bool


def recorded_fields(connection: Connection, batch: int, form: str, field: str) -> list[RecordedField]:
    """The field on all pages of that form that were not erased, in the order of recording."""
    of_field = [readings.c[name] for name in ("page_id", "position", "value", "confidence", "alternatives", "reasons")]
    query: Select[Any] = select(*of_field, corrections.c.value.label("answer")).join_from(pages, readings)
    query = query.outerjoin(review_items, OF_READING).outerjoin(corrections, HOLDING_CLEAR)
    of_batch = (pages.c.batch_id == batch, pages.c.erased_at.is_(None))
    query = query.where(*of_batch, pages.c.form == form, readings.c.field == field).order_by(readings.c.page_id)
    return [_recorded(row) for row in connection.execute(query)]


def _recorded(row: Any) -> RecordedField:
    reasons = tuple(filter(None, row.reasons.split(";")))
    listed = [(row.value, row.confidence), *row.alternatives] if row.answer is None else [(row.answer, 1.0)]
    values = tuple((value, float(chance)) for value, chance in listed) if listed[0][0] else ()
    return RecordedField(row.page_id, row.position, values, reasons, answered=row.answer is not None)


def change_fields(connection: Connection, changed: Sequence[RecordedField]) -> None:
    """Record other values for fields, each with reasons to look at it. They are no longer accepted, nor audited."""
    if not changed:
        return
    place = (readings.c.page_id == bindparam("of_page")) & (readings.c.position == bindparam("at"))
    connection.execute(update(readings).where(place), [_changed_row(field) for field in changed])
    queue_places(connection, [Place(field.page_id, field.position) for field in changed])


def _changed_row(field: RecordedField) -> dict[str, Any]:
    (value, confidence), *others = field.values
    return {
        "of_page": field.page_id,
        "at": field.position,
        "value": value,
        "confidence": confidence,
        "alternatives": [[other, round(chance, 6)] for other, chance in others],
        "reasons": ";".join(reason for reason in field.reasons if reason != Reason.AUDIT_SAMPLE),
        "needs_review": True,
    }
