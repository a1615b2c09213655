"""What a report of a batch shows: counts by confidence, answered fields, and a few fields with their crops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from ledger.review.items import HOLDING_CLEAR, OF_READING
from ledger.tables import corrections, crops, pages, readings, review_items
from reading.readings import Reason

BINS = 20


@dataclass(frozen=True, slots=True)
class AnsweredField:
    """A field that people answered. ``accepted``: it was accepted, and drawn for the audit."""

    confidence: float
    accepted: bool
    right: bool


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field with its crop (PNG, b"" where there is none) and reasons joined by ";"."""

    scan: str
    page: int
    field: str
    value: str
    confidence: float
    reasons: str
    png: bytes


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """A page or file that could not be read; ``problem`` is its reason's code."""

    scan: str
    page: int
    problem: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReportRows:
    """All that a report needs of a batch.

    ``accepted`` and ``flagged`` count fields with a value in ``BINS`` equal bins of confidence from 0 to 1; what was
    drawn for the audit counts as accepted. ``least_sure`` were accepted, ``surest`` were flagged; ``unread`` are the
    first pages that could not be read.
    """

    accepted: tuple[int, ...]
    flagged: tuple[int, ...]
    answered: tuple[AnsweredField, ...]
    least_sure: tuple[ShownField, ...]
    surest: tuple[ShownField, ...]
    unread: tuple[UnreadPage, ...]


def report_rows(connection: Connection, batch: int, shown: int, pages_shown: int) -> ReportRows:
    """Ask for ``shown`` fields of either kind and ``pages_shown`` unread pages.

    No field of the audit sample is among those shown: nobody is to know which they are.
    """
    counts = _counts(connection, batch)
    return ReportRows(
        accepted=tuple(counts.get((number, True), 0) for number in range(BINS)),
        flagged=tuple(counts.get((number, False), 0) for number in range(BINS)),
        answered=_answered(connection, batch),
        least_sure=_shown(connection, _accepted(batch).order_by(readings.c.confidence, *_PLACE).limit(shown)),
        surest=_shown(connection, _flagged(batch).order_by(readings.c.confidence.desc(), *_PLACE).limit(shown)),
        unread=_unread(connection, batch, pages_shown),
    )


_PLACE = (readings.c.page_id, readings.c.position)
_SAMPLED = readings.c.reasons == Reason.AUDIT_SAMPLE
_ACCEPTED = case((readings.c.needs_review.is_(False), True), (_SAMPLED, True), else_=False)


def _counts(connection: Connection, batch: int) -> dict[tuple[int, bool], int]:
    # Rounding is the same on all databases, casts to whole numbers are not.
    bin_number = func.round(readings.c.confidence * BINS - 0.5)
    query: Select[Any] = select(bin_number, _ACCEPTED, func.count()).join_from(pages, readings)
    rows = connection.execute(query.where(_with_value(batch)).group_by(bin_number, _ACCEPTED))
    counts: dict[tuple[int, bool], int] = {}
    for number, accepted, count in rows:
        key = (min(max(int(number), 0), BINS - 1), bool(accepted))
        counts[key] = counts.get(key, 0) + count
    return counts


def _with_value(batch: int) -> ColumnElement[bool]:
    return and_(pages.c.batch_id == batch, readings.c.value != "")


def _answered(connection: Connection, batch: int) -> tuple[AnsweredField, ...]:
    """Answers to fields that were chosen for people; that someone looked at another by chance tells nothing of all."""
    right = corrections.c.value == readings.c.value
    query: Select[Any] = select(readings.c.confidence, _ACCEPTED, right)
    query = query.join_from(pages, readings).join(review_items, OF_READING).join(corrections, HOLDING_CLEAR)
    chosen = and_(_with_value(batch), readings.c.needs_review)
    rows = connection.execute(query.where(chosen).order_by(corrections.c.id))
    return tuple(AnsweredField(confidence, bool(accepted), bool(is_right)) for confidence, accepted, is_right in rows)


def _accepted(batch: int) -> Select[Any]:
    return _fields().where(_with_value(batch), readings.c.needs_review.is_(False))


def _flagged(batch: int) -> Select[Any]:
    return _fields().where(_with_value(batch), readings.c.needs_review, ~_SAMPLED)


def _fields() -> Select[Any]:
    of_field = (readings.c.field, readings.c.value, readings.c.confidence, readings.c.reasons)
    query: Select[Any] = select(pages.c.scan, pages.c.page, *of_field, crops.c.png).join_from(pages, readings)
    same_field = (crops.c.page_id == readings.c.page_id) & (crops.c.position == readings.c.position)
    return query.outerjoin(crops, same_field).where(pages.c.erased_at.is_(None))


def _shown(connection: Connection, query: Select[Any]) -> tuple[ShownField, ...]:
    return tuple(ShownField(**{**row._mapping, "png": row.png or b""}) for row in connection.execute(query))


def _unread(connection: Connection, batch: int, count: int) -> tuple[UnreadPage, ...]:
    query = select(pages.c.scan, pages.c.page, pages.c.problem, pages.c.detail)
    query = query.where(pages.c.batch_id == batch, pages.c.problem.is_not(None))
    order = (pages.c.scan_order, pages.c.scan, pages.c.page, pages.c.id)
    return tuple(UnreadPage(*row) for row in connection.execute(query.order_by(*order).limit(count)))
