"""What was read beside what people said, to see how good the machine's confidences are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, case, select

from forms.template import FieldKind
from ledger.review.items import HOLDING_CLEAR, OF_READING
from ledger.tables import corrections, pages, readings, review_items
from reading.readings import Reason

_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class ReadField:
    """A field that was read.

    ``chosen``: people were to look at it, as all that was flagged, or as one of the sample of what was ``accepted``.
    ``answer``: what they said it holds; None where nobody did, or could not tell.
    """

    form: str
    kind: FieldKind
    scan: str
    page: int
    field: str
    value: str
    confidence: float
    accepted: bool
    chosen: bool
    answer: str | None


def read_fields(connection: Connection, batch: int) -> Iterator[ReadField]:
    """The fields of a batch, a few at a time."""
    rows = connection.execute(_query(batch), execution_options={"yield_per": _ROWS_AT_ONCE})
    return (_field(row) for row in rows)


def _query(batch: int) -> Select[Any]:
    of_page = [pages.c[name] for name in ("form", "scan", "page")]
    of_field = [readings.c[name] for name in ("kind", "field", "value", "confidence", "needs_review", "reasons")]
    answer = case((corrections.c.id.is_not(None), corrections.c.value)).label("answer")
    query = select(*of_page, *of_field, answer).join_from(pages, readings).outerjoin(review_items, OF_READING)
    query = query.outerjoin(corrections, HOLDING_CLEAR).where(pages.c.batch_id == batch)
    return query.order_by(readings.c.page_id, readings.c.position)


def _field(row: Row[Any]) -> ReadField:
    return ReadField(
        form=row.form,
        kind=FieldKind(row.kind or FieldKind.FREEHAND),
        scan=row.scan,
        page=row.page,
        field=row.field,
        value=row.value,
        confidence=row.confidence,
        accepted=not row.needs_review or row.reasons == Reason.AUDIT_SAMPLE,
        chosen=row.needs_review,
        answer=row.answer,
    )
