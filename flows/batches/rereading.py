"""``digitize --again``: what is flagged and not yet answered, read by the model in use now, from the ledger's crops."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flows.batches.batch_end import apply_batch_rules
from flows.batches.batch_lock import batch_lock, lock_path
from flows.batches.checking import batch_key, reading_plan
from flows.batches.page_reading import PageReader
from flows.errors import JobError, JobFailed
from flows.reports.report import PAGES_SHOWN, SHOWN, write_report
from flows.reviewing.audit import AcceptanceGuard
from flows.settings import DigitizeJob
from flows.summary import DigitizeSummary, summarize
from forms.template import FormTemplate
from ledger.batches import Batch
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.rereading import RecordedField, RecordedPage, Reread, RereadCount
from preprocessing.isolation import CropError
from preprocessing.remote_scans import is_remote
from reading.crops import known_field, prepare_crop
from reading.pipeline import PreparedField, PreparedPage, finish_pages
from reading.readings import FieldReading, PageReading, Reason

AGAIN = "Again"  # the title of what a summary says of it

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A page that is to be read again, and which of its fields are."""

    recorded: RecordedPage
    page: PreparedPage
    positions: tuple[int, ...]


def reread(job: DigitizeJob, tell: Callable[[str], None] = logger.warning) -> DigitizeSummary:
    """Read the flagged fields of a batch again that nobody answered, and write its CSV. The scans may be gone.

    Args:
        job: names the batch by its scans and form; they are read as ``digitize`` would read them now.
        tell: told what people should know while they wait.

    Raises:
        JobError: the job can't start, or there is no such batch.
        JobFailed: the ledger failed on the way.
    """
    if is_remote(job.out):
        raise JobError(
            f"What is read again cannot be written to {job.out}.", "Name a folder of this machine with --out."
        )
    reader = PageReader.load(reading_plan(job))
    began = time.monotonic()
    try:
        with Ledger.open(job.ledger_url) as ledger:
            batch = _batch(ledger, job, reader)
            with batch_lock(lock_path(job.ledger_url, batch.id), tell, lambda: False):
                again = _Rereading(job, ledger, batch, reader)
                again.run()
                return again.export(time.monotonic() - began)
    except LedgerError as error:
        raise JobFailed(str(error)) from error


def _batch(ledger: Ledger, job: DigitizeJob, reader: PageReader) -> Batch:
    key = batch_key(job, reader.forms)
    for batch in ledger.batches():
        if (batch.source, batch.form, batch.form_digest) == key:
            return batch
    raise JobError(
        f"The ledger holds no batch of {key[0]} that was read by this form.",
        "Name scans and form as they were named then; a form that has changed since is another one.",
    )


class _Rereading:
    """One batch, read again."""

    def __init__(self, job: DigitizeJob, ledger: Ledger, batch: Batch, reader: PageReader):
        self._job, self._ledger, self._batch, self._reader = job, ledger, batch, reader
        self._forms = {form.name: form for form in reader.forms}
        self._guard = AcceptanceGuard(ledger.audited(), reader.policy)
        self._count = RereadCount()
        self._without_crop = 0

    def run(self) -> None:
        rereading = self._ledger.rereading()
        for recorded in rereading.pages(self._batch.id):
            prepared = [self._prepared(page, self._forms[page.form]) for page in recorded]
            read = self._read([one for one in prepared if one.positions])
            self._count += rereading.record(self._batch.id, read, self._job.audit_share)

    def export(self, seconds: float) -> DigitizeSummary:
        """Apply the rules over the whole batch, and write its CSV and its report."""
        ledger, batch = self._ledger, self._batch.id
        totals = apply_batch_rules(ledger, batch, self._reader.forms)
        notices = ((AGAIN, self._said()), *(("Total", total) for total in totals))
        written = ledger.export(batch, self._job.out_folder)
        promises = self._reader.policy.describe()
        summary = summarize(ledger.summary(batch), written, 0, seconds, None, promises, notices)
        rows = ledger.report_rows(batch, SHOWN, PAGES_SHOWN)
        write_report(f"{self._batch.source} by {self._batch.form}", summary, rows, summary.report_html)
        return summary

    def _said(self) -> str:
        count, gone = self._count, self._without_crop
        said = f"{count.fields} fields have a new reading: {count.changed} another value, {count.accepted} accepted now"
        return said + (f"; of {gone} the crop is gone" if gone else "")

    def _prepared(self, page: RecordedPage, form: FormTemplate) -> _Prepared:
        fields = {one.position: self._open_field(one, form) for one in page.fields if one.is_open}
        found = {position: field for position, field in fields.items() if field is not None}
        self._without_crop += len(fields) - len(found)
        whole = tuple(found.get(one.position) or _known(one, form) for one in page.fields)
        prepared = PreparedPage(page.scan, page.page, page.sha256, form, page.residual_mm, whole)
        return _Prepared(page, prepared, tuple(found))

    @staticmethod
    def _open_field(recorded: RecordedField, form: FormTemplate) -> PreparedField | None:
        beside = Reason.INK_BESIDE in recorded.reasons
        try:
            return prepare_crop(recorded.png, form, form.field(recorded.field), ink_beside=beside)
        except CropError:
            return None

    def _read(self, prepared: Sequence[_Prepared]) -> list[Reread]:
        reader = self._reader
        pages = finish_pages([one.page for one in prepared], reader.classifier, reader.policy, reader.strings)
        return [
            Reread(one.recorded.id, self._settled(one, page), one.positions)
            for one, page in zip(prepared, pages, strict=True)
        ]

    def _settled(self, prepared: _Prepared, page: PageReading) -> PageReading:
        """The page without what must not be accepted, by the audit or because its batch is unlike all others."""
        fields = zip(page.fields, prepared.recorded.fields, strict=True)
        return self._guard.guarded(replace(page, fields=tuple(_still_unlike(*both) for both in fields)))


def _known(recorded: RecordedField, form: FormTemplate) -> PreparedField:
    return known_field(form.field(recorded.field), recorded.values)


def _still_unlike(field: FieldReading, recorded: RecordedField) -> FieldReading:
    """That a batch is unlike what acceptance was set on is not mended by reading it again."""
    if Reason.UNLIKE_TRAINING not in recorded.reasons:
        return field
    return replace(field, needs_review=True, reasons=(*field.reasons, Reason.UNLIKE_TRAINING))
