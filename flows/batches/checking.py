"""Everything that can be wrong with a job, found before page 1."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.batches.page_bounds import PageBounds
from flows.batches.page_reading import PageReader, ReadingPlan
from flows.batches.remote_folder import RemoteFolder
from flows.batches.unread_scans import MIN_CHUNK
from flows.errors import JobError
from flows.learning.chosen_models import chosen_models, store_folder
from flows.settings import MAX_WORKERS, DigitizeJob
from forms.template import FormTemplate
from preprocessing.remote_scans import is_remote
from preprocessing.scans import ScanFile, ScanFolderError, list_remote_scans, list_scans


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """A job that can start. ``source`` and ``form_digest`` make it the same batch as an earlier run's.

    ``files`` is empty where nothing has come into the folder: that is no fault, and earlier readings are exported.
    """

    source: str
    form: str
    form_digest: str
    files: Sequence[ScanFile]
    reader: PageReader
    plan: ReadingPlan
    workers: int
    runner: str
    scheduler: str | None
    bounds: PageBounds
    out: Path
    remote_out: RemoteFolder | None
    ledger_url: str
    audit_share: float
    drift_reference: int
    flags_drift: bool


def check(job: DigitizeJob) -> CheckedJob:
    """Load form and model, list the scans, and make sure that the output folder can be written.

    Raises:
        JobError: with one line that says what is wrong and what to do.
    """
    remote_out = _remote_out(job)
    plan = reading_plan(job)
    reader = PageReader.load(plan)
    source = _source(job.scans)
    listed = _listed(source)
    out = remote_out.local if remote_out else _writable(job.out_folder)
    files = _outside(job.out if remote_out else str(out.resolve()), source, listed)
    workers = job.workers or default_workers(len(files))
    form = "+".join(form.name for form in reader.forms)
    return CheckedJob(
        source=source,
        form=form,
        form_digest=_digest(reader.forms),
        files=files,
        reader=reader,
        plan=plan,
        workers=workers,
        runner=job.runner,
        scheduler=job.scheduler,
        bounds=PageBounds(job.page_seconds, job.page_memory_mb),
        out=out,
        remote_out=remote_out,
        ledger_url=job.ledger_url,
        audit_share=job.audit_share,
        drift_reference=job.drift_reference,
        flags_drift=job.on_drift == "flag",
    )


def reading_plan(job: DigitizeJob) -> ReadingPlan:
    """What reads, and by which policy; ``JobError`` where the models in use cannot be told."""
    model, string_model = chosen_models(job.model, job.string_model, store_folder(job.models, job.ledger_url))
    return ReadingPlan(job.form, model, job.min_confidence, string_model, max_error=job.max_error, trust=job.trust)


def default_workers(files: int) -> int:
    """As many as there are cores, but no more than there are chunks: a process takes a second or two to start."""
    return max(1, min(_cores(), MAX_WORKERS, math.ceil(files / MIN_CHUNK)))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # where the process may use only some of the machine's cores
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _source(scans: str) -> str:
    """What names the scans in the ledger: an address as it is, a local path in full."""
    return scans.rstrip("/") if is_remote(scans) else str(Path(scans).expanduser().resolve())


def _listed(source: str) -> list[ScanFile]:
    try:
        return list_remote_scans(source) if is_remote(source) else list_scans(Path(source))
    except ScanFolderError as error:
        raise JobError(error.problem, error.mend) from error


def _remote_out(job: DigitizeJob) -> RemoteFolder | None:
    if not is_remote(job.out):
        return None
    if job.ledger is None:
        raise JobError(f"No ledger can lie in {job.out}.", "Name one of this machine, or of a server, with --ledger.")
    folder = RemoteFolder(job.out)
    folder.begin()
    return folder


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise JobError(
            f"Nothing can be written to {folder} ({error.strerror}).", "Name another folder with --out."
        ) from error


def _outside(out: str, source: str, files: Sequence[ScanFile]) -> Sequence[ScanFile]:
    """The scans without what an output folder inside the scan folder holds."""
    inside = out.rstrip("/").removeprefix(f"{source}/")
    if inside == out.rstrip("/"):
        return files
    return [file for file in files if not file.name.startswith(f"{inside}/")]


def batch_key(job: DigitizeJob, forms: Sequence[FormTemplate]) -> tuple[str, str, str]:
    """Source, form and form digest: what makes the scans of a job the same batch as an earlier run's."""
    return _source(job.scans), "+".join(form.name for form in forms), _digest(forms)


def _digest(forms: Sequence[FormTemplate]) -> str:
    if len(forms) == 1:
        return forms[0].digest
    return hashlib.sha256("".join(sorted(form.digest for form in forms)).encode()).hexdigest()
