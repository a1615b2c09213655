"""The ledger: batches of pages, what was read on them and what could not be, and their CSV."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from ledger.answers.corrections import FieldRules, Imported, no_rules
from ledger.answers.importing import import_answers
from ledger.answers.label_studio import Tasks, write_tasks
from ledger.audit_sample import with_audit_sample
from ledger.csv_export import Export, write_csv
from ledger.database import Database, connect
from ledger.erasing import Erasure, erase, find_erasable
from ledger.errors import LedgerError
from ledger.judging import ReadField, read_fields
from ledger.lessons import Lessons
from ledger.merging import TRANSIENT, Merge, Recorded, Result, merge
from ledger.remote_scans import known_contents, note_contents
from ledger.reporting import ReportRows, report_rows
from ledger.rereading import Rereading
from ledger.review.desk import Review
from ledger.review.items import HOLDING, IS_OPEN, OF_READING, queue_fields
from ledger.review.types import ReviewPolicy
from ledger.review.users import Users
from ledger.rows import crop_rows, page_row, reading_rows, scan_order, storable_result
from ledger.schema import upgrade
from ledger.settling import RecordedField, change_fields, recorded_fields
from ledger.tables import batches, corrections, crops, pages, readings, review_items
from ledger.watching import (
    AuditedField,
    Group,
    Span,
    audited_fields,
    first_fields,
    mark_watched,
    newest_fields,
    unwatched_groups,
    withhold,
)
from preprocessing.page import ProblemReason
from reading.readings import PageReading, Reason

_OF_BATCH = (batches.c.id, batches.c.source, batches.c.form, batches.c.form_digest, batches.c.opened_at)
_KEYS_AT_ONCE = 5000  # keys of one query; SQLite takes 32,766 parameters


@dataclass(frozen=True, slots=True)
class Batch:
    """Scans of one source, read by one state of one form; ``source`` and ``form`` are as the user named them."""

    id: int
    source: str
    form: str
    form_digest: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What became of a batch.

    ``pages`` counts pages that were read, ``fields`` their fields, each either ``accepted`` or ``flagged``; ``checked``
    counts flagged ones that people answered. ``reasons`` counts flagged fields by reason (a field may have several),
    ``problems`` the pages or files that could not be read.
    """

    pages: int
    fields: int
    accepted: int
    flagged: int
    checked: int
    reasons: dict[str, int]
    problems: dict[str, int]


class Ledger:
    """An open ledger. Threads may share it; each process opens its own."""

    def __init__(self, database: Database):
        self._database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the ledger at ``url``, made or brought to this software's schema if need be.

        Args:
            url: ``sqlite:///folder/ledger.sqlite`` or ``postgresql+psycopg://user@host/database``.

        Raises:
            LedgerError: no such folder or driver, not a database, a newer schema, no permission, no connection.
        """
        database = connect(url)
        try:
            upgrade(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open_batch(self, source: str, form: str, form_digest: str) -> int:
        """The batch of these three, made if there is none. A changed form is a new batch: its pages are read again."""
        values = {"source": source, "form": form, "form_digest": form_digest}
        query = select(batches.c.id).filter_by(**values)
        found = self._first(query)
        if found is None:
            # Another program may open the same batch at this moment: then its batch is the batch.
            with suppress(IntegrityError), self._database.write() as connection:
                made = {"opened_at": datetime.now(UTC), "audit_key": secrets.token_hex(16)}
                connection.execute(insert(batches).values(**made, **values))
            found = self._first(query)
        return int(found[0])

    def batches(self) -> list[Batch]:
        """All batches, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_OF_BATCH).order_by(batches.c.id.desc())).all()
        return [Batch(*row) for row in rows]

    def find_batch(self, source: str | None = None) -> Batch:
        """The newest batch, or the newest of ``source``.

        Raises:
            LedgerError: there is none.
        """
        for batch in self.batches():
            if source in (None, batch.source):
                return batch
        sought = "holds no batch" if source is None else f"holds no batch of {source!r}"
        raise LedgerError(f"the ledger {self._database.where} {sought}", "digitize a folder of scans into it first")

    def recorded(self, batch: int, sha256s: Collection[str]) -> dict[str, str]:
        """Content of ``sha256s`` that need not be read again -> the name of the scan that brought it.

        Content counts when it was read, or has a problem that reading again would not mend, and no page of that scan
        has a problem that would pass by itself (``merging.TRANSIENT``).
        """
        with self._database.read() as connection:
            rows = list(_rows_of(connection, batch, pages.c.sha256, sorted({*sha256s} - {""})))
        unsettled = {(row.sha256, row.scan) for row in rows if row.problem in TRANSIENT}
        found: dict[str, str] = {}
        for row in rows:
            if row.problem != ProblemReason.DUPLICATE and (row.sha256, row.scan) not in unsettled:
                found.setdefault(row.sha256, row.scan)
        return found

    def record_chunk(self, batch: int, results: Sequence[Result], audit_share: float = 0.0) -> None:
        """Record the results of a chunk in one transaction: after a crash all of them are there, or none.

        Recording them again, or from two programs at once, changes nothing; ``ledger.merging`` states what a result
        replaces. All pages of a file belong into one chunk: a file counts as read when any of its pages does.

        Args:
            batch: the batch.
            results: what was read, and what could not be.
            audit_share: the share of the accepted fields that becomes the batch's blind audit sample.

        Raises:
            LedgerError: there is no such batch, or the database was locked for too long, is full or cannot be reached.
        """
        stored = [storable_result(result) for result in results]
        with self._database.write() as connection:
            # Holds back others that record into this batch, until this transaction ends.
            query = select(batches.c.audit_key).where(batches.c.id == batch).with_for_update(key_share=True)
            key = connection.execute(query).scalar()
            if key is None:
                raise self._no_batch(batch)
            sampled = [_sampled(result, key, audit_share) for result in stored]
            _apply(connection, batch, merge(_related(connection, batch, sampled), sampled))

    def summary(self, batch: int) -> BatchSummary:
        """Count a batch's pages and fields.

        Raises:
            LedgerError: there is no such batch.
        """
        self._check_batch(batch)
        with self._database.read() as connection:
            problems = _counts(connection, batch, pages, pages.c.problem)
            flags = _counts(connection, batch, pages.join(readings), readings.c.needs_review)
            reasons = _counts(connection, batch, pages.join(readings), readings.c.reasons, readings.c.needs_review)
            answered = (readings.c.needs_review, corrections.c.id.is_not(None))
            checked = _counts(connection, batch, _with_answers(), IS_OPEN, *answered)[False]
        read = problems.pop(None, 0)
        by_reason, by_problem = _by_reason(reasons), _sorted(problems)
        return BatchSummary(read, flags.total(), flags[False], flags[True], checked, by_reason, by_problem)

    def export(self, batch: int, out: Path) -> Export:
        """Write readings.csv and records.csv of a batch into the folder ``out``; docs/csv.md describes them.

        Memory does not grow with the batch; the same ledger always gives the same bytes; files that are there already
        are replaced only when the new ones are whole, and a readings.csv with corrections is kept under another name.

        Raises:
            LedgerError: there is no such batch, or ``out`` cannot be written.
        """
        self._check_batch(batch)
        with self._database.read() as connection:
            return write_csv(connection, batch, out)

    def export_tasks(self, batch: int, out: Path) -> Tasks:
        """Write the open fields of a batch as tasks for Label Studio into the folder ``out``.

        Raises:
            LedgerError: there is no such batch, or ``out`` cannot be written.
        """
        self._check_batch(batch)
        with self._database.read() as connection:
            return write_tasks(connection, batch, out)

    def report_rows(self, batch: int, shown: int, pages_shown: int) -> ReportRows:
        """What a report of a batch shows, with up to ``shown`` fields and ``pages_shown`` unread pages of each kind."""
        with self._database.read() as connection:
            return report_rows(connection, batch, shown, pages_shown)

    def import_corrections(self, path: Path, rules: FieldRules = no_rules) -> Imported:
        """Record what people typed into a readings.csv, or annotated in Label Studio; again, it changes nothing.

        Args:
            path: the CSV as any spreadsheet saved it, or Label Studio's JSON; refused rows are written beside it.
            rules: the fields of the forms, which tell what a value may have been before a spreadsheet changed it.

        Raises:
            LedgerError: the file cannot be read as one, or the database cannot be written.
        """
        return import_answers(self._database, path, rules)

    def known_contents(self, versions: Collection[str]) -> dict[str, str]:
        """Versions of remote scans that were fetched before -> the sha256 of their content."""
        with self._database.read() as connection:
            return known_contents(connection, versions)

    def note_contents(self, contents: Mapping[str, str]) -> None:
        """Note which content (sha256) versions of remote scans have."""
        with self._database.write() as connection:
            note_contents(connection, contents)

    def fields(self, batch: int, form: str, field: str) -> list[RecordedField]:
        """One field on all pages of a batch that show this form, in the order of recording."""
        with self._database.read() as connection:
            return recorded_fields(connection, batch, form, field)

    def change_fields(self, changed: Sequence[RecordedField]) -> None:
        """Record other values for fields, each with reasons to look at it, in one transaction."""
        with self._database.write() as connection:
            change_fields(connection, changed)

    def read_fields(self, batch: int) -> list[ReadField]:
        """All fields of a batch, with the answers that there are."""
        with self._database.read() as connection:
            return list(read_fields(connection, batch))

    def audited(self) -> list[AuditedField]:
        """The blind audit sample of all batches, with the answers that there are."""
        with self._database.read() as connection:
            return audited_fields(connection)

    def unwatched_groups(self, batch: int) -> list[Group]:
        """The groups of a batch with pages that were not yet compared with a reference."""
        with self._database.read() as connection:
            return unwatched_groups(connection, batch)

    def first_fields(self, group: Group, count: int) -> Span:
        """The statistics of a group's first ``count`` fields that were watched, in any batch."""
        with self._database.read() as connection:
            return first_fields(connection, group, count)

    def newest_fields(self, batch: int, group: Group, after_page: int, least: int) -> Span:
        """The statistics of a batch's fields since it was last watched, of at least ``least`` if it has them."""
        with self._database.read() as connection:
            return newest_fields(connection, batch, group, after_page, least)

    def end_watch(self, batch: int, withheld: Iterable[Group], reason: Reason) -> int:
        """Flag what was accepted in the ``withheld`` groups since the batch was last watched; it is watched now.

        Returns:
            How many fields were flagged.
        """
        with self._database.write() as connection:
            flagged = sum(withhold(connection, batch, group, reason) for group in withheld)
            mark_watched(connection, batch)
        return flagged

    def erasable(self, source: str | None = None, before: datetime | None = None) -> Erasure:
        """What ``erase`` would remove."""
        with self._database.read() as connection:
            return find_erasable(connection, source, before)

    def erase(self, source: str | None = None, before: datetime | None = None) -> Erasure:
        """Remove images and values of a source, or of what was read before a moment; see ``ledger.erasing``.

        Raises:
            LedgerError: another program holds the database; call it again when it is closed.
        """
        return erase(self._database, source, before)

    def review(self, policy: ReviewPolicy | None = None) -> Review:
        """The fields that people look at, given out by ``policy``."""
        return Review(self._database, policy or ReviewPolicy())

    def users(self) -> Users:
        """The accounts of those who review."""
        return Users(self._database)

    def lessons(self) -> Lessons:
        """What people answered, to learn from."""
        return Lessons(self._database)

    def rereading(self) -> Rereading:
        """What waits for people, to be read again by another model."""
        return Rereading(self._database)

    def _first(self, query: Select[Any]) -> Any:
        with self._database.read() as connection:
            return connection.execute(query).first()

    def _check_batch(self, batch: int) -> None:
        if self._first(select(batches.c.id).where(batches.c.id == batch)) is None:
            raise self._no_batch(batch)

    def _no_batch(self, batch: int) -> LedgerError:
        return LedgerError(f"the ledger {self._database.where} has no batch {batch}", "choose one of its batches")


def _sampled(result: Result, key: str, share: float) -> Result:
    return with_audit_sample(result, key, share) if isinstance(result, PageReading) else result


def _with_answers() -> Any:
    items = pages.join(readings).outerjoin(review_items, OF_READING)
    return items.outerjoin(corrections, HOLDING)


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


def _counts(connection: Connection, batch: int, source: Any, column: Any, *conditions: Any) -> Counter[Any]:
    """How many rows of ``source`` there are for each value of ``column``."""
    query = select(column, func.count()).select_from(source).where(and_(pages.c.batch_id == batch, *conditions))
    return Counter({row[0]: row[1] for row in connection.execute(query.group_by(column))})


def _by_reason(combinations: Counter[str]) -> dict[str, int]:
    """Counts of joined reasons -> counts of each reason."""
    single: Counter[str] = Counter()
    for joined, count in combinations.items():
        for reason in filter(None, joined.split(";")):
            single[reason] += count
    return _sorted(single)


def _sorted(counts: Counter[str]) -> dict[str, int]:
    """The counts as a dict, the most frequent first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _parts(keys: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(keys)
    while part := list(islice(iterator, _KEYS_AT_ONCE)):
        yield part
