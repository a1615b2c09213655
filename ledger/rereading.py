"""Pages with fields that still wait for people: what it takes to read these fields again, and what becomes of it.

What had been read before is kept as history. What people decided, what they are about to decide, and the audit sample,
which measures the reading that was, are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, or_, select, update

from forms.template import Box
from ledger.audit_sample import with_audit_sample
from ledger.database import Database
from ledger.review.items import HOLDING, OF_READING, at_places, in_parts, queue_places
from ledger.review.types import Place, Stage
from ledger.rows import Row as Columns
from ledger.rows import reading_rows
from ledger.tables import batches, corrections, crops, earlier_readings, pages, readings, review_items
from reading.readings import PageReading, Reason

_PAGES_AT_ONCE = 300


@dataclass(frozen=True, slots=True)
class RecordedField:
    """A field as it stands in the ledger.

    ``values`` with their posteriors, best first; what a person answered is alone and sure. ``is_open``: it is flagged
    and nobody is at it, so that it may be read again from ``png``, b"" where the crop is gone.
    """

    position: int
    field: str
    box: Box
    values: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...]
    is_open: bool
    png: bytes


@dataclass(frozen=True, slots=True)
class RecordedPage:
    """A page with fields that are open, all of its fields in the form's order."""

    id: int
    scan: str
    page: int
    sha256: str
    form: str
    residual_mm: float
    fields: tuple[RecordedField, ...]


@dataclass(frozen=True, slots=True)
class Reread:
    """A page that was read again: ``reading`` holds all of its fields, ``positions`` says which of them are new."""

    page_id: int
    reading: PageReading
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RereadCount:
    """How many fields have a new reading; ``changed`` have another value, ``accepted`` are no longer flagged."""

    fields: int = 0
    changed: int = 0
    accepted: int = 0

    def __add__(self, other: RereadCount) -> RereadCount:
        return RereadCount(self.fields + other.fields, self.changed + other.changed, self.accepted + other.accepted)


class Rereading:
    """What a batch has to be read again."""

    def __init__(self, database: Database):
        self._database = database

    def pages(self, batch: int) -> Iterator[list[RecordedPage]]:
        """The batch's pages with open fields, some hundred at a time, in the order of recording."""
        after = 0
        while page_ids := self._page_ids(batch, after):
            with self._database.read() as connection:
                yield _recorded_pages(connection, page_ids)
            after = page_ids[-1]

    def record(self, batch: int, reread: Sequence[Reread], audit_share: float = 0.0) -> RereadCount:
        """Put new readings in the place of the old ones, which are kept, in one transaction.

        A field that is not open any more is left as it is, and so is one that reads as before, by the same model.

        Args:
            batch: the batch of these pages.
            reread: the pages.
            audit_share: the share of the newly accepted fields that becomes part of the blind audit sample.
        """
        with self._database.write() as connection:
            key = connection.execute(select(batches.c.audit_key).where(batches.c.id == batch)).scalar_one()
            new = {place: row for one in reread for place, row in _new_rows(one, key, audit_share)}
            return sum((_replace(connection, new, part) for part in in_parts(new)), RereadCount())

    def _page_ids(self, batch: int, after: int) -> list[int]:
        query = _joined(select(readings.c.page_id)).where(pages.c.batch_id == batch, readings.c.page_id > after)
        query = query.where(_is_open()).group_by(readings.c.page_id).order_by(readings.c.page_id)
        with self._database.read() as connection:
            return list(connection.execute(query.limit(_PAGES_AT_ONCE)).scalars())


def _joined(query: Select[Any]) -> Select[Any]:
    query = query.join_from(pages, readings).outerjoin(review_items, OF_READING)
    return query.outerjoin(corrections, HOLDING)


def _is_open() -> ColumnElement[bool]:
    """Flagged, by what was read, and neither answered nor with a first key nor on somebody's screen."""
    waits = and_(review_items.c.stage == Stage.FIRST.value, review_items.c.answer_id.is_(None))
    free = or_(review_items.c.leased_until.is_(None), review_items.c.leased_until < datetime.now(UTC))
    return and_(readings.c.needs_review, readings.c.reasons != Reason.AUDIT_SAMPLE.value, waits, free)


def _recorded_pages(connection: Connection, page_ids: Sequence[int]) -> list[RecordedPage]:
    of_page = [pages.c[name] for name in ("id", "scan", "page", "sha256", "form", "residual_mm")]
    of_field = [readings.c[name] for name in _OF_FIELD]
    answer = corrections.c.value.label("answer")
    query = _joined(select(*of_page, *of_field, answer, _is_open().label("is_open"), crops.c.png))
    same_field = and_(crops.c.page_id == readings.c.page_id, crops.c.position == readings.c.position)
    query = query.outerjoin(crops, and_(same_field, _is_open())).where(readings.c.page_id.in_(page_ids))
    rows = connection.execute(query.order_by(readings.c.page_id, readings.c.position))
    return [_recorded_page(list(group)) for _, group in groupby(rows, key=lambda row: row.id)]


_READ = ("value", "confidence", "alternatives", "reasons")
_OF_FIELD = ("position", "field", *_READ, "x_mm", "y_mm", "width_mm", "height_mm")


def _recorded_page(rows: Sequence[Row[Any]]) -> RecordedPage:
    first = rows[0]
    fields = tuple(_recorded_field(row) for row in rows)
    return RecordedPage(first.id, first.scan, first.page, first.sha256, first.form, first.residual_mm, fields)


def _recorded_field(row: Row[Any]) -> RecordedField:
    listed = [(row.value, row.confidence), *row.alternatives] if row.answer is None else [(row.answer, 1.0)]
    values = tuple((value, float(chance)) for value, chance in listed) if listed[0][0] else ()
    box = Box(row.x_mm, row.y_mm, row.width_mm, row.height_mm)
    reasons = tuple(filter(None, row.reasons.split(";")))
    return RecordedField(row.position, row.field, box, values, reasons, bool(row.is_open), row.png or b"")


def _new_rows(reread: Reread, key: str, audit_share: float) -> Iterator[tuple[Place, Columns]]:
    sampled = with_audit_sample(reread.reading, key, audit_share)
    for row in reading_rows([reread.page_id], [sampled]):
        if row["position"] in reread.positions:
            yield Place(reread.page_id, row["position"]), row | {"model": sampled.model}


_COMPARED = ("value", "needs_review", "reasons", "alternatives", "model")
_KEPT = ("page_id", "position", "model", *_READ, "needs_review", "digits", "threshold", "signals")


def _replace(connection: Connection, new: dict[Place, Columns], places: Sequence[Place]) -> RereadCount:
    old = {place: row for place, row in _open_rows(connection, places) if _differs(row, new[place])}
    now = datetime.now(UTC)
    kept = [{name: row[name] for name in _KEPT} | {"replaced_at": now} for row in old.values()]
    if kept:
        connection.execute(insert(earlier_readings), kept)
    for place in old:
        at = and_(readings.c.page_id == place.page_id, readings.c.position == place.position)
        connection.execute(update(readings).where(at).values(**new[place]))
    queue_places(connection, old.keys())
    return RereadCount(
        len(old),
        sum(row["value"] != new[place]["value"] for place, row in old.items()),
        sum(not new[place]["needs_review"] or new[place]["reasons"] == Reason.AUDIT_SAMPLE for place in old),
    )


def _open_rows(connection: Connection, places: Iterable[Place]) -> Iterator[tuple[Place, Columns]]:
    """The readings at these places that are open still; they stay so until the transaction ends."""
    model = func.coalesce(readings.c.model, pages.c.model).label("model")
    columns = [readings.c[name] for name in _KEPT if name != "model"]
    query: Select[Any] = select(*columns, model).join_from(pages, readings).join(review_items, OF_READING)
    query = query.where(at_places(readings, list(places)), _is_open()).with_for_update(of=review_items)
    for row in connection.execute(query).mappings():
        yield Place(row["page_id"], row["position"]), dict(row)


def _differs(old: Columns, new: Columns) -> bool:
    if abs(old["confidence"] - new["confidence"]) > 1e-9:
        return True
    return any(old[name] != new[name] for name in _COMPARED)
