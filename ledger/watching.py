"""What the ledger knows about how far its accepted fields can be trusted: answers to the audit sample, and traits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, func, literal_column, select, update

from forms.template import FieldKind
from ledger.review.items import HOLDING_CLEAR, OF_READING, queue_fields
from ledger.rows import TRAITS
from ledger.tables import batches, corrections, pages, readings, review_items
from reading.readings import Reason

STATISTICS = ("confidence", *TRAITS)


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Fields that are judged together: those of one kind on one form, as one model reads them."""

    form: str
    kind: FieldKind
    model: str


@dataclass(frozen=True, slots=True)
class AuditedField:
    """A field of the audit sample; ``answer`` is what a person said it holds, None as long as nobody did."""

    group: Group
    field: str
    confidence: float
    value: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """Statistics of some fields of a group, name -> one number a field, and the last page that they are from."""

    samples: dict[str, list[float]]
    last_page: int

    def __len__(self) -> int:
        return len(self.samples[STATISTICS[0]])


def audited_fields(connection: Connection) -> list[AuditedField]:
    """The audit sample of all batches."""
    answer = corrections.c.value.label("answer")
    of_field = (readings.c.kind, readings.c.field, readings.c.confidence, readings.c.value, answer)
    model = func.coalesce(readings.c.model, pages.c.model).label("model")
    query: Select[Any] = select(pages.c.form, model, *of_field).join_from(pages, readings)
    query = query.outerjoin(review_items, OF_READING).outerjoin(corrections, HOLDING_CLEAR)
    query = query.where(readings.c.reasons == literal_column(f"'{Reason.AUDIT_SAMPLE}'"))  # as the index has it
    return [
        AuditedField(_group(row), row.field, row.confidence, row.value, row.answer) for row in connection.execute(query)
    ]


def _group(row: Row[Any]) -> Group:
    return Group(row.form, FieldKind(row.kind), row.model)


def unwatched_groups(connection: Connection, batch: int) -> list[Group]:
    """The groups of a batch with fields on pages that were not yet compared with a reference."""
    query: Select[Any] = select(pages.c.form, readings.c.kind, pages.c.model).join_from(pages, readings).distinct()
    query = query.where(pages.c.batch_id == batch, pages.c.id > _watched_to(batch), readings.c.kind.is_not(None))
    return sorted(_group(row) for row in connection.execute(query))


def first_fields(connection: Connection, group: Group, count: int) -> Span:
    """The first ``count`` fields with a value on watched pages of any batch, without those found too different."""
    watched = and_(pages.c.id <= batches.c.watched_to, readings.c.reasons != Reason.UNLIKE_TRAINING)
    query = _traits_of(group).join(batches, batches.c.id == pages.c.batch_id).where(watched)
    return _span(connection.execute(query.order_by(readings.c.page_id, readings.c.position).limit(count)).all())


def newest_fields(connection: Connection, batch: int, group: Group, after_page: int, least: int) -> Span:
    """A batch's fields with a value on its unwatched pages, filled up to ``least`` with the newest before them.

    Only pages after ``after_page`` count.
    """
    place = (readings.c.page_id.desc(), readings.c.position)
    query = _traits_of(group).where(pages.c.batch_id == batch, pages.c.id > after_page).order_by(*place)
    unwatched = connection.execute(query.where(pages.c.id > _watched_to(batch))).all()
    return _span(unwatched if len(unwatched) >= least else connection.execute(query.limit(least)).all())


def _traits_of(group: Group) -> Select[Any]:
    wanted = [readings.c[name] for name in STATISTICS]
    query = select(readings.c.page_id, *wanted).join_from(pages, readings).where(_in_group(group))
    return query.where(readings.c.value != "", readings.c.kind == group.kind, readings.c.ink_share.is_not(None))


def _in_group(group: Group) -> ColumnElement[bool]:
    return and_(pages.c.form == group.form, pages.c.model == group.model)


def _span(rows: Sequence[Row[Any]]) -> Span:
    samples = {name: [getattr(row, name) for row in rows] for name in STATISTICS}
    return Span(samples, max((row.page_id for row in rows), default=0))


def withhold(connection: Connection, batch: int, group: Group, reason: Reason) -> int:
    """Flag what was accepted on a batch's unwatched pages, except blanks; returns how many fields that are."""
    unwatched = select(pages.c.id).where(pages.c.batch_id == batch, pages.c.id > _watched_to(batch), _in_group(group))
    accepted = and_(readings.c.needs_review == false(), readings.c.value != "", readings.c.kind == group.kind)
    change = update(readings).where(readings.c.page_id.in_(unwatched), accepted)
    flagged = connection.execute(change.values(needs_review=True, reasons=reason.value)).rowcount
    queue_fields(connection, and_(readings.c.page_id.in_(unwatched), readings.c.reasons == reason.value))
    return flagged


def mark_watched(connection: Connection, batch: int) -> None:
    """All pages of a batch that are there now have been compared with their references."""
    newest = select(func.max(pages.c.id)).where(pages.c.batch_id == batch).scalar_subquery()
    connection.execute(update(batches).where(batches.c.id == batch).values(watched_to=newest))


def _watched_to(batch: int) -> Any:
    return select(func.coalesce(batches.c.watched_to, 0)).where(batches.c.id == batch).scalar_subquery()
