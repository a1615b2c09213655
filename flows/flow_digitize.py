"""The Prefect flows ``digitize`` and ``reread``: thin shells around ``flows.batches``, with artifacts."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
from prefect import flow, get_run_logger, task
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Completed, Failed, State
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.batches.digitizing import ChunkCount, Digitization, Progress, Submitted
from flows.batches.digitizing import digitize as digitize_plain
from flows.batches.field_counts import count_fields
from flows.batches.page_reading import NewScan
from flows.batches.rereading import AGAIN
from flows.batches.rereading import reread as reread_plain
from flows.errors import JobError, JobFailed, JobStopped
from flows.local_api import prefect_api
from flows.settings import MAX_WORKERS, DigitizeJob
from flows.summary import DigitizeSummary

_THREADS: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=MAX_WORKERS + 1)
logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 2.0  # an update costs 7 ms here and a row in Prefect's database
ASK_AGAIN_AFTER_S = 30.0  # an API that did not answer: connecting may take long to fail


@dataclass(frozen=True, slots=True)
class _Audience:
    """Who is told how a run goes, beside Prefect: a terminal."""

    progress: Callable[[Progress], None]
    tell: Callable[[str], None]


# The flow's own parameters are what Prefect's page shows as a form, so the terminal reaches it another way.
_audience: ContextVar[_Audience | None] = ContextVar("audience", default=None)


def digitize_recorded(
    job: DigitizeJob, progress: Callable[[Progress], None], tell: Callable[[str], None]
) -> DigitizeSummary:
    """Run the flow ``digitize`` here and now, with the configured Prefect API or an embedded one.

    Raises:
        JobError: as ``flows.batches.digitizing.digitize`` does.
    """
    return _recorded(digitize, job, _Audience(progress, tell))


def reread_recorded(job: DigitizeJob, tell: Callable[[str], None]) -> DigitizeSummary:
    """Run the flow ``reread`` here and now, as ``digitize_recorded`` does.

    Raises:
        JobError: as ``flows.batches.rereading.reread`` does.
    """
    return _recorded(reread, job, _Audience(lambda _: None, tell))


def _recorded(run: Callable[..., State[Any]], job: DigitizeJob, audience: _Audience) -> DigitizeSummary:
    token = _audience.set(audience)
    try:
        with prefect_api(audience.tell) as drain:
            state = run(job, return_state=True)
            drain(state.state_details.flow_run_id)
            return state.result()
    except httpx.TransportError as error:  # an answer that refuses something is another matter
        raise JobFailed(
            f"Prefect's API went away and did not come back ({error}): it does not know how the run ended.",
            "What was read is in the ledger; run the command again, for the CSV files too.",
        ) from error
    finally:
        _audience.reset(token)


def _run_name() -> str:
    job = flow_run.parameters["job"]
    form = Path(job.form)
    return f"{Path(job.scans).name} by {form.parent.name if form.name == 'form.toml' else form.stem}"


@task(name="read chunk", cache_policy=NO_CACHE, persist_result=False)
def read_chunk(run: Digitization, chunk: Sequence[NewScan]) -> ChunkCount:
    """Read and record one chunk: paths in, counts out."""
    return run.read(chunk)


@flow(name="digitize", flow_run_name=_run_name, task_runner=_THREADS, persist_result=False)
def digitize(job: DigitizeJob) -> State[DigitizeSummary]:
    """Read handwritten digits from scanned forms into a CSV that says what to check."""
    audience = _audience.get()
    board = _ProgressBoard(audience)
    tell = audience.tell if audience else get_run_logger().warning
    try:
        summary = digitize_plain(job, board.show, tell, _submit)
    except JobStopped as error:
        _publish(error.summary)
        if audience is None:  # a worker stops or cancels the run: Prefect knows what state that is
            signal.raise_signal(signal.SIGTERM)
        return Failed(message=str(error), data=error)
    except JobError as error:
        _publish(error.summary if isinstance(error, JobFailed) else None)
        return Failed(message=str(error), data=error)
    _publish(summary)
    return Completed(message=_message(summary), data=summary)


@flow(name="reread", flow_run_name=_run_name, persist_result=False)
def reread(job: DigitizeJob) -> State[DigitizeSummary]:
    """Read what is flagged and not yet answered again, by the models in use now, without the scans."""
    audience = _audience.get()
    try:
        summary = reread_plain(job, audience.tell if audience else get_run_logger().warning)
    except JobError as error:
        return Failed(message=str(error), data=error)
    _publish(summary)
    return Completed(message=dict(summary.notices)[AGAIN], data=summary)


def _submit(run: Digitization, chunk: Sequence[NewScan]) -> Submitted:
    return read_chunk.with_options(task_run_name=_chunk_name(chunk)).submit(run, chunk)


def _chunk_name(chunk: Sequence[NewScan]) -> str:
    return f"{chunk[0].file.name} and {len(chunk) - 1} more"


class _ProgressBoard:
    """The progress artifact of a run, and its terminal if there is one."""

    def __init__(self, audience: _Audience | None):
        self._audience = audience
        self._artifact: UUID | None = None
        self._next = 0.0

    def show(self, progress: Progress) -> None:
        if self._audience:
            self._audience.progress(progress)
        done = progress.files_done == progress.files_total
        if done or time.monotonic() >= self._next:
            self._next = time.monotonic() + self._pause_s(100.0 * progress.files_done / progress.files_total)

    def _pause_s(self, percent: float) -> float:
        """Draws, and says how long to leave Prefect alone then."""
        try:
            # The client would try for a minute, and the reading waits meanwhile.
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
                self._draw(percent)
        except httpx.HTTPError as error:
            _note_away(error)
            return ASK_AGAIN_AFTER_S
        return PROGRESS_EVERY_S

    def _draw(self, percent: float) -> None:
        if self._artifact is None:
            made = create_progress_artifact(percent, key="digitize-progress", description="Scans done with")
            self._artifact = cast(UUID, made)
        else:
            update_progress_artifact(self._artifact, percent)


def _publish(summary: DigitizeSummary | None) -> None:
    """The run's result on Prefect's page: a table of fields and links to the CSV."""
    if summary is not None:
        try:
            _show_summary(summary)
        except httpx.HTTPError as error:
            _note_away(error)


def _note_away(error: httpx.HTTPError) -> None:
    """Prefect's pages tell how a run goes; the run does not end because there is nobody to tell."""
    logger.warning("Prefect's API does not answer (%s): the run goes on without telling it", error)


def _show_summary(summary: DigitizeSummary) -> None:
    create_table_artifact(_table(summary.readings_csv), key="digitized-fields", description="\n".join(summary.lines()))
    create_markdown_artifact(_markdown(summary), key="batch-report", description="What the run came to")
    for csv in (summary.readings_csv, summary.records_csv):
        create_link_artifact(csv.as_uri(), link_text=str(csv), key=csv.name.replace(".", "-"), description=str(csv))


def _markdown(summary: DigitizeSummary) -> str:
    """The summary, what the audit and the drift watch found, and a link to the report."""
    notices = [f"- **{title}** {text}" for title, text in summary.notices]
    link = f"[The report]({summary.report_html.as_uri()}): {summary.report_html}"
    return "\n\n".join(filter(None, (_message(summary), "\n".join(notices), link)))


def _table(readings_csv: Path) -> list[dict[str, Any]]:
    return [
        {"field": count.name, "read": count.read, "accepted": count.accepted, "to check": count.to_check}
        | {"reasons": ", ".join(f"{number} {reason}" for reason, number in count.reasons.most_common())}
        for count in count_fields(readings_csv)
    ]


def _message(summary: DigitizeSummary) -> str:
    not_read = sum(summary.unreadable.values())
    return f"{summary.new_pages} pages read; {summary.to_check} fields to check, {not_read} pages not read in the batch"
