"""``digitize``: a folder of scans in, readings in the ledger and as CSV out. The Prefect flow is a shell around it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from flows.batches.batch_end import apply_batch_rules
from flows.batches.batch_lock import batch_lock, lock_path
from flows.batches.checking import CheckedJob, check
from flows.batches.drift_watch import find_drift
from flows.batches.page_reading import ChunkReading, NewScan, Result
from flows.batches.runners import ChunkReader, chunk_reader
from flows.batches.unread_scans import UnreadScans, chunk_size, chunked
from flows.errors import JobError, JobFailed, JobStopped
from flows.patience import Patience
from flows.reports.report import PAGES_SHOWN, SHOWN, write_report
from flows.reviewing.audit import AcceptanceGuard, audits
from flows.settings import DigitizeJob
from flows.stopping import StopRequest, stop_on_signal
from flows.summary import DigitizeSummary, Notices, summarize
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from preprocessing.page import PageProblem, ProblemReason
from preprocessing.scans import ScanFile, hash_scan
from reading.readings import PageReading, Reason

HASHING_THREADS = 4  # hashing leaves Python's lock free; more threads only wait for the disk
MAX_INTERNAL_ERRORS = 0.10  # share of the pages of this run
MIN_INTERNAL_ERRORS = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: files of the folder that are done with, and pages read in this run."""

    files_done: int
    files_total: int
    pages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ChunkCount:
    """What became of a chunk; small, for Prefect keeps it."""

    files: int = 0
    pages: int = 0
    problems: int = 0
    internal_errors: int = 0

    def __add__(self, other: ChunkCount) -> ChunkCount:
        return ChunkCount(
            self.files + other.files,
            self.pages + other.pages,
            self.problems + other.problems,
            self.internal_errors + other.internal_errors,
        )


class Submitted(Protocol):
    """A chunk under way: a future of any kind."""

    def result(self) -> ChunkCount: ...


class Submit(Protocol):
    """Starts ``Digitization.read`` of a chunk somewhere, and gives its future."""

    def __call__(self, run: Digitization, chunk: Sequence[NewScan]) -> Submitted: ...


def digitize(
    job: DigitizeJob,
    progress: Callable[[Progress], None] = lambda _: None,
    tell: Callable[[str], None] = logger.warning,
    submit: Submit | None = None,
) -> DigitizeSummary:
    """Read every scan of the job that was not read before, and write the CSV of the whole batch.

    Args:
        job: What to read and where to write.
        progress: Told after each chunk.
        tell: Told what people should know while they wait.
        submit: Starts the reading of a chunk; by default in a thread of this process.

    Raises:
        JobError: the job can't start (form, model, scans, output folder, ledger); nothing was read.
        JobStopped: a signal asked to stop; what was read is recorded and exported.
        JobFailed: the ledger failed on the way, or too many pages failed unforeseen.
    """
    with stop_on_signal() as stop, _begun(check(job), stop, tell) as run:
        try:
            run.read_all(progress, submit)
            summary = run.patiently(run.export)
            run.patiently(lambda: run.write_report(summary))
            run.publish()
        except LedgerError as error:
            raise JobFailed(str(error)) from error
        run.check_outcome(summary)
        return summary


@contextmanager
def _begun(job: CheckedJob, stop: StopRequest, tell: Callable[[str], None]) -> Iterator[Digitization]:
    with ExitStack() as stack:
        try:
            ledger = stack.enter_context(Ledger.open(job.ledger_url))
            batch = ledger.open_batch(job.source, job.form, job.form_digest)
            guard = AcceptanceGuard(ledger.audited(), job.reader.policy)
        except LedgerError as error:
            raise JobError(str(error)) from error
        if not stack.enter_context(batch_lock(lock_path(job.ledger_url, batch), tell, lambda: bool(stop))):
            raise JobStopped("Stopped while waiting for the other run; nothing was read.")
        reader = stack.enter_context(chunk_reader(job))
        yield Digitization(job, ledger, batch, reader, stop, guard, Patience(tell, lambda: bool(stop)))


class Digitization:
    """One run over one batch: what is read, by whom, and how far it is."""

    def __init__(
        self,
        job: CheckedJob,
        ledger: Ledger,
        batch: int,
        reader: ChunkReader,
        stop: StopRequest,
        guard: AcceptanceGuard,
        patiently: Patience,
    ):
        self.job = job
        self.patiently = patiently
        self._ledger = ledger
        self._batch = batch
        self._reader = reader
        self._stop = stop
        self._unread = UnreadScans(self._recorded)
        self._guard = guard
        self._places = threading.BoundedSemaphore(job.workers)
        self._started = time.monotonic()
        self._done = ChunkCount()

    @property
    def progress(self) -> Progress:
        return Progress(self._done.files, len(self.job.files), self._done.pages, time.monotonic() - self._started)

    def read_all(self, report: Callable[[Progress], None], submit: Submit | None = None) -> None:
        """Read what is new, with one more chunk under way than there are workers, so that none of them waits."""
        with ThreadPoolExecutor(self.job.workers, "chunk") as threads:
            start = submit or (lambda run, chunk: threads.submit(run.read, chunk))
            under_way: deque[Submitted] = deque()
            for chunk in self._new_chunks(report):
                under_way.append(start(self, chunk))
                if len(under_way) > self.job.workers:
                    self._add(under_way.popleft().result(), report)
            for submitted in under_way:
                self._add(submitted.result(), report)

    def read(self, chunk: Sequence[NewScan]) -> ChunkCount:
        """Read one chunk and record it in one transaction. May be called from several threads."""
        with self._places:
            if self._stop:
                return ChunkCount()
            reading = self._reader.read(chunk)
        for text in reading.tracebacks:
            logger.error("Unforeseen on %s", text)
        self._record([self._guard.guarded(r) if isinstance(r, PageReading) else r for r in reading.results])
        self._unread.recorded(scan.sha256 for scan in chunk)
        return _count(len(chunk), reading)

    def export(self) -> DigitizeSummary:
        """Apply the rules over the whole batch, and write its CSV from the ledger."""
        totals = apply_batch_rules(self._ledger, self._batch, self.job.reader.forms)
        notices = (*(("Total", total) for total in totals), *self._watch())
        written = self._ledger.export(self._batch, self.job.out)
        progress = self.progress
        empty_folder = None if progress.files_total else self.job.source
        batch = self._ledger.summary(self._batch)
        promises = self.job.reader.policy.describe()
        remote = self.job.remote_out
        summary = summarize(batch, written, progress.pages, progress.seconds, empty_folder, promises, notices)
        return replace(summary, remote_out=remote) if remote else summary

    def write_report(self, summary: DigitizeSummary) -> None:
        """Write the report of the whole batch beside its CSV."""
        rows = self._ledger.report_rows(self._batch, SHOWN, PAGES_SHOWN)
        write_report(f"{Path(self.job.source).name} by {self.job.form}", summary, rows, summary.report_html)

    def publish(self) -> None:
        """Store what was written where it was asked for, if that is not on this machine."""
        if self.job.remote_out:
            self.job.remote_out.publish()

    def _watch(self) -> Notices:
        """What the audit, and the comparison with earlier fields, have to say of what was read."""
        groups = self._ledger.unwatched_groups(self._batch)
        drifted = find_drift(self._ledger, self._batch, self.job.drift_reference, self.job.reader.policy.trust)
        strong = [one.group for one in drifted if one.is_strong and self.job.flags_drift]
        self._ledger.end_watch(self._batch, strong, Reason.UNLIKE_TRAINING)
        forms = {form.name for form in self.job.reader.forms}
        audited = [one for one in audits(self._ledger.audited()) if one.error.answered and one.group.form in forms]
        told: list[tuple[str, object]] = [("Audit", audit) for audit in audited]
        told += [("Stopped", stop) for stop in self._guard.stops_for(groups)]
        told += [("Drift", drift) for drift in drifted]
        return tuple((title, str(text)) for title, text in told)

    def check_outcome(self, summary: DigitizeSummary) -> None:
        """Raises ``JobStopped`` or ``JobFailed`` where the run must not pass for a good one."""
        left = len(self.job.files) - self._done.files
        if self._stop and left:
            raise JobStopped(
                f"Stopped, with {left} scans left to read.", "Run the same command again to go on.", summary
            )
        failed, pages = self._done.internal_errors, self._done.pages + self._done.problems
        if failed >= MIN_INTERNAL_ERRORS and failed > MAX_INTERNAL_ERRORS * pages:
            raise JobFailed(f"The software failed on {failed} of {pages} pages.", "The log says how.", summary)

    def _new_chunks(self, report: Callable[[Progress], None]) -> Iterator[Sequence[NewScan]]:
        """Unread scans in the folder's order, in chunks of one size however many known ones lie between them."""
        size = chunk_size(len(self.job.files), self.job.workers)
        waiting: list[NewScan] = []
        with ThreadPoolExecutor(HASHING_THREADS, "hashing") as threads:
            for files in chunked(self.job.files, size):
                if self._stop:
                    return
                waiting += self._sift(files, self._hashes(files, threads), report)
                while len(waiting) >= size:
                    yield waiting[:size]
                    del waiting[:size]
        if waiting:
            yield waiting

    def _hashes(self, files: Sequence[ScanFile], threads: ThreadPoolExecutor) -> list[str | PageProblem]:
        """The sha256 of each file, or why it can't be had; remote ones are fetched if they are new or have changed."""
        versions = {file.version for file in files} - {""}
        known = self.patiently(lambda: self._ledger.known_contents(versions)) if versions else {}
        hashes = list(threads.map(lambda file: known.get(file.version) or hash_scan(file), files))
        fetched = {f.version: sha for f, sha in zip(files, hashes, strict=True) if isinstance(sha, str)}
        if new := {version: sha for version, sha in fetched.items() if version and version not in known}:
            self.patiently(lambda: self._ledger.note_contents(new))
        return hashes

    def _sift(
        self, files: Sequence[ScanFile], hashes: Sequence[str | PageProblem], report: Callable[[Progress], None]
    ) -> Sequence[NewScan]:
        sifted = self._unread.sift(files, hashes)
        if sifted.problems:
            self._record(sifted.problems)
        self._add(ChunkCount(files=len(files) - len(sifted.new)), report)
        return sifted.new

    def _add(self, count: ChunkCount, report: Callable[[Progress], None]) -> None:
        self._done += count
        report(self.progress)

    def _recorded(self, sha256s: Collection[str]) -> dict[str, str]:
        return self.patiently(lambda: self._ledger.recorded(self._batch, sha256s))

    def _record(self, results: Sequence[Result]) -> None:
        self.patiently(lambda: self._ledger.record_chunk(self._batch, results, self.job.audit_share))


def _count(files: int, reading: ChunkReading) -> ChunkCount:
    problems = [result for result in reading.results if isinstance(result, PageProblem)]
    internal_errors = sum(problem.reason == ProblemReason.INTERNAL_ERROR for problem in problems)
    return ChunkCount(files, len(reading.results) - len(problems), len(problems), internal_errors)
