"""The Prefect flow ``train``: a thin shell around ``flows.learning.training``."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.runtime import flow_run
from prefect.states import Completed, Failed, State

from flows.errors import JobError
from flows.learning.training import TrainingStep, describe_bundle
from flows.learning.training import train as train_plain
from flows.local_api import prefect_api
from flows.settings import TrainJob
from mnist_model.bundle import Bundle
from mnist_model.strings.bundle import StringBundle

# The flow's own parameters are what Prefect's page shows as a form, so the terminal reaches it another way.
_terminal: ContextVar[Callable[[str], None] | None] = ContextVar("terminal", default=None)


def train_recorded(job: TrainJob, tell: Callable[[str], None]) -> Bundle | StringBundle:
    """Run the flow here and now, with the configured Prefect API or an embedded one.

    Raises:
        JobError: as ``flows.learning.training.train`` does.
    """
    token = _terminal.set(tell)
    try:
        with prefect_api(tell) as drain:
            state: State[Any] = train(job, return_state=True)
            drain(state.state_details.flow_run_id)
            return state.result()
    finally:
        _terminal.reset(token)


def _run_name() -> str:
    return f"{flow_run.parameters['job'].architecture}"


@flow(name="train", flow_run_name=_run_name, persist_result=False)
def train(job: TrainJob) -> State[Bundle | StringBundle]:
    """Train a network on MNIST and write its model bundle."""
    artifact = cast(UUID, create_progress_artifact(0.0, key="train-progress", description="Epochs done"))
    log, tell = get_run_logger(), _terminal.get()

    def show(step: TrainingStep) -> None:
        log.info(step.line)
        if tell:
            tell(step.line)
        update_progress_artifact(artifact, 100.0 * step.done / step.total)

    try:
        bundle = train_plain(job, show)
    except JobError as error:
        return Failed(message=str(error), data=error)
    lines = describe_bundle(bundle)
    create_markdown_artifact(_card(bundle.folder, lines), key="trained-model", description=bundle.name)
    return Completed(message=lines[1], data=bundle)


def _card(folder: Path, lines: list[str]) -> str:
    report = folder / "classification_report.txt"  # a string reader has none
    words = [report.read_text(encoding="utf-8")] if report.is_file() else []
    return "\n".join(["```", *lines, *words, "```"])
