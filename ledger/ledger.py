"""The ledger: batches of pages, what was read on them and what could not be, and their CSV."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ledger.answers.corrections import FieldRules, Imported, no_rules
from ledger.answers.importing import import_answers
from ledger.answers.label_studio import Tasks, write_tasks
from ledger.batches import Batch, all_batches, is_batch, open_batch
from ledger.counting import BatchSummary, summarize
from ledger.csv_export import Export, write_csv
from ledger.database import Database, connect
from ledger.erasing import Erasure, erase, find_erasable
from ledger.errors import LedgerError
from ledger.judging import ReadField, read_fields
from ledger.lessons import Lessons
from ledger.merging import Result
from ledger.recording import record, settled_contents
from ledger.remote_scans import known_contents, note_contents
from ledger.reporting import ReportRows, report_rows
from ledger.rereading import Rereading
from ledger.review.desk import Review
from ledger.review.types import ReviewPolicy
from ledger.review.users import Users
from ledger.schema import upgrade
from ledger.settling import RecordedField, change_fields, recorded_fields
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
from reading.readings import Reason


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
        return open_batch(self._database, source, form, form_digest)

    def batches(self) -> list[Batch]:
        """All batches, the newest first."""
        with self._database.read() as connection:
            return all_batches(connection)

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
        """Content of ``sha256s`` that need not be read again -> the name of the scan that brought it."""
        with self._database.read() as connection:
            return settled_contents(connection, batch, sha256s)

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
        with self._database.write() as connection:
            if not record(connection, batch, results, audit_share):
                raise self._no_batch(batch)

    def summary(self, batch: int) -> BatchSummary:
        """Count a batch's pages and fields.

        Raises:
            LedgerError: there is no such batch.
        """
        self._check_batch(batch)
        with self._database.read() as connection:
            return summarize(connection, batch)

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

    def _check_batch(self, batch: int) -> None:
        with self._database.read() as connection:
            if not is_batch(connection, batch):
                raise self._no_batch(batch)

    def _no_batch(self, batch: int) -> LedgerError:
        return LedgerError(f"the ledger {self._database.where} has no batch {batch}", "choose one of its batches")
