"""The Prefect flow ``retrain``: a thin shell around ``flows.learning.retraining``."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.states import Completed, Failed, State

from flows.errors import JobError
from flows.learning.learned import Learned, LearningStep
from flows.learning.retraining import Retraining, describe_retraining
from flows.learning.retraining import retrain as retrain_plain
from flows.learning.settings import RetrainJob
from flows.local_api import prefect_api

# The flow's own parameters are what Prefect's page shows as a form, so the terminal reaches it another way.
_terminal: ContextVar[Callable[[str], None] | None] = ContextVar("terminal", default=None)


def retrain_recorded(job: RetrainJob, tell: Callable[[str], None]) -> Retraining:
    """Run the flow here and now, with the configured Prefect API or an embedded one.

    Raises:
        JobError: as ``flows.learning.retraining.retrain`` does.
    """
    token = _terminal.set(tell)
    try:
        with prefect_api(tell) as drain:
            state: State[Any] = retrain(job, return_state=True)
            drain(state.state_details.flow_run_id)
            return state.result()
    finally:
        _terminal.reset(token)


@flow(name="retrain", persist_result=False)
def retrain(job: RetrainJob) -> State[Retraining]:
    """Learn from what people answered, and use what was learned if it passes the gate."""
    artifact = cast(UUID, create_progress_artifact(0.0, key="retrain-progress", description="Steps done"))
    log, tell = get_run_logger(), _terminal.get()

    def show(step: LearningStep) -> None:
        log.info("%s: %s", step.stage, step.line)
        if tell:
            tell(step.line)
        update_progress_artifact(artifact, 100.0 * step.done / step.total)

    try:
        done = retrain_plain(job, show)
    except JobError as error:
        return Failed(message=str(error), data=error)
    lines = list(describe_retraining(done))
    if done.learned is not None:
        create_markdown_artifact(_report(done, done.learned), key="training-report", description=lines[-2])
    return Completed(
        name="Refused" if done.kept_back else None, message=lines[-1 if done.learned is None else -2], data=done
    )


def _report(done: Retraining, learned: Learned) -> str:
    """Before and after by kind of field, the gate's answers, and a link to the whole report."""
    heads = "| fields | held out | right before | right after |\n|---|---|---|---|"
    kinds = [
        f"| {kind.name} | {kind.count} | {_share(kind.right_before, kind.count, kind.interval_before)} "
        f"| {_share(kind.right_after, kind.count, kind.interval_after)} |"
        for kind in learned.kinds
    ]
    checks = [f"- {'passed' if check.passed else '**failed**'}: {check.sentence}" for check in learned.verdict.checks]
    kept_back = [f"**Not in use:** {reason}" for reason in done.kept_back]
    link = [f"[The report]({done.report.as_uri()}): {done.report}"] if done.report else []
    return "\n\n".join(["\n".join([heads, *kinds]), "\n".join(checks), *kept_back, *link])


def _share(right: int, count: int, interval: tuple[float, float]) -> str:
    return f"{right / count:.1%} ({interval[0]:.1%} to {interval[1]:.1%})"
