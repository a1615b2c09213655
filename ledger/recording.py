"""Puts results into a batch: finds the rows that they touch, and carries out what ``ledger.merging`` decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select

from ledger.audit_sample import with_audit_sample
from ledger.merging import TRANSIENT, Merge, Recorded, Result, merge
from ledger.review.items import queue_fields
from ledger.rows import crop_rows, page_row, reading_rows, scan_order, storable_result
from ledger.tables import batches, crops, pages, readings
from preprocessing.page import ProblemReason
from reading.readings import PageReading

_KEYS_AT_ONCE = 5000  # keys of one query; SQLite takes 32,766 parameters


def record(connection: Connection, batch: int, results: Sequence[Result], audit_share: float) -> bool:
    """Record results within the connection's transaction; False where there is no such batch.

    Holds back others that record into this batch, until the transaction ends.
    """
    query = select(batches.c.audit_key).where(batches.c.id == batch).with_for_update(key_share=True)
    key = connection.execute(query).scalar()
    if key is None:
        return False
    sampled = [_sampled(storable_result(result), key, audit_share) for result in results]
    _apply(connection, batch, merge(_related(connection, batch, sampled), sampled))
    return True


def settled_contents(connection: Connection, batch: int, sha256s: Collection[str]) -> dict[str, str]:
    """Content of ``sha256s`` that need not be read again -> the name of the scan that brought it.

    Content counts when it was read, or has a problem that reading again would not mend, and no page of that scan has a
    problem that would pass by itself (``merging.TRANSIENT``).
    """
    rows = list(_rows_of(connection, batch, pages.c.sha256, sorted({*sha256s} - {""})))
    unsettled = {(row.sha256, row.scan) for row in rows if row.problem in TRANSIENT}
    found: dict[str, str] = {}
    for row in rows:
        if row.problem != ProblemReason.DUPLICATE and (row.sha256, row.scan) not in unsettled:
            found.setdefault(row.sha256, row.scan)
    return found


def _sampled(result: Result, key: str, share: float) -> Result:
    return with_audit_sample(result, key, share) if isinstance(result, PageReading) else result


def _related(connection: Connection, batch: int, results: Sequence[Result]) -> list[Recorded]:
    """The rows of a batch that share a scan's name or a content with ``results``, in the order they were recorded."""
    scans = {result.scan for result in results}
    orders = sorted({scan_order(scan) for scan in scans})
    by_scan = [row for row in _rows_of(connection, batch, pages.c.scan_order, orders) if row.scan in scans]
    contents = sorted({result.sha256 for result in results} - {""})
    by_content = _rows_of(connection, batch, pages.c.sha256, contents)
    found = {row.id: row for row in (*by_scan, *by_content)}
    return [found[key] for key in sorted(found)]


def _rows_of(connection: Connection, batch: int, column: ColumnElement[str], keys: Sequence[str]) -> Iterator[Recorded]:
    """The batch's rows whose ``column`` is one of ``keys``, each part of them in the order they were recorded."""
    wanted = (pages.c.id, pages.c.scan, pages.c.page, pages.c.sha256, pages.c.problem)
    for part in _parts(keys):
        query = select(*wanted).where(pages.c.batch_id == batch, column.in_(part)).order_by(pages.c.id)
        for row in connection.execute(query):
            yield Recorded(*row)


def _apply(connection: Connection, batch: int, change: Merge) -> None:
    for part in _parts(change.removed):
        connection.execute(delete(pages).where(pages.c.id.in_(part)))
    if not change.added:
        return
    now = datetime.now(UTC)
    new_pages = insert(pages).returning(pages.c.id, sort_by_parameter_order=True)
    ids = connection.execute(new_pages, [page_row(batch, result, now) for result in change.added]).scalars().all()
    read = [(key, result) for key, result in zip(ids, change.added, strict=True) if isinstance(result, PageReading)]
    page_ids, page_readings = [key for key, _ in read], [result for _, result in read]
    _insert_rows(connection, readings, reading_rows(page_ids, page_readings))
    _insert_rows(connection, crops, crop_rows(page_ids, page_readings))
    for part in _parts(page_ids):
        queue_fields(connection, readings.c.page_id.in_(part))


def _insert_rows(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _parts(keys: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(keys)
    while part := list(islice(iterator, _KEYS_AT_ONCE)):
        yield part
