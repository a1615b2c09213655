"""The Prefect shells, against one real server for the whole module."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flows.errors import ExitCode, JobError, JobFailed
from flows.learning.training import TrainingStep
from flows.settings import DigitizeJob, TrainJob
from tests.flows.drawn_scans import MODEL, settle
from tests.flows.taught import job as retrain_job
from tests.flows.taught import learning, teach

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module", autouse=True)
def api() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


def ask(path: str, body: dict[str, Any]) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.request("POST", path, json=body).json()


def artifacts(flow_run: UUID) -> dict[str, dict[str, Any]]:
    body = {"artifacts": {"flow_run_id": {"any_": [str(flow_run)]}}}
    return {artifact["key"]: artifact for artifact in ask("/artifacts/filter", body)}


def test_the_flow_reads_as_the_plain_function_does_and_shows_it(
    many_scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.batches import unread_scans
    from flows.batches.digitizing import digitize as plain
    from flows.flow_digitize import digitize

    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 64)
    jobs = [
        DigitizeJob(scans=str(many_scans), form="digits", out=str(tmp_path / out), model=MODEL, workers=workers)
        for out, workers in (("plain", 1), ("flow", 2))
    ]
    plain(jobs[0])
    state = digitize(jobs[1], return_state=True)
    summary = state.result()
    assert (state.name, summary.pages, summary.exit_code) == ("Completed", 160, ExitCode.UNREADABLE_PAGES)
    for name in ("readings.csv", "records.csv"):
        assert (tmp_path / "flow" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()

    shown = artifacts(state.state_details.flow_run_id)
    assert shown["digitize-progress"]["data"] == 100
    assert '"field": "digits", "read": 160' in shown["digitized-fields"]["data"]
    assert (tmp_path / "flow" / "readings.csv").as_uri() in shown["readings-csv"]["data"]
    (run,) = ask("/flow_runs/filter", {"flow_runs": {"id": {"any_": [str(state.state_details.flow_run_id)]}}})
    assert run["name"] == "scans by digits"


def test_what_is_flagged_is_read_again_and_shown(job: DigitizeJob) -> None:
    from flows.flow_digitize import digitize, reread

    asked = job.model_copy(update={"min_confidence": 1.0})
    flagged = digitize(asked, return_state=True).result()
    for scan in Path(job.scans).iterdir():
        scan.unlink()
    state = reread(asked.model_copy(update={"min_confidence": 0.0}), return_state=True)
    summary = state.result()
    assert (state.name, flagged.accepted, flagged.to_check) == ("Completed", 0, summary.accepted)
    assert f"{summary.accepted} accepted now" in state.message
    assert '"to check": 0' in artifacts(state.state_details.flow_run_id)["digitized-fields"]["data"]


def test_a_batch_that_is_not_there_is_not_read_again(job: DigitizeJob) -> None:
    from flows.flow_digitize import reread

    Path(job.out).mkdir()
    state = reread(job, return_state=True)
    assert (state.name, "holds no batch" in (state.message or "")) == ("Failed", True)


@pytest.mark.parametrize(
    ("values", "words"), [({"form": "no-such-form"}, "no-such-form"), ({"out": "/proc/x"}, "/proc/x")]
)
def test_a_job_that_cannot_start_is_a_failed_run_with_one_line(
    values: dict[str, str], words: str, job: DigitizeJob
) -> None:
    from flows.flow_digitize import digitize

    state = digitize(job.model_copy(update=values), return_state=True)
    assert state.is_failed()
    assert words in (state.message or "")
    with pytest.raises(JobError, match=words):
        state.result()


def test_a_failed_run_still_shows_what_there_is(job: DigitizeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.batches import digitizing
    from flows.flow_digitize import digitize

    def too_many(_: Any, summary: Any) -> None:
        raise JobFailed("The software failed on 9 of 12 pages.", summary=summary)

    monkeypatch.setattr(digitizing.Digitization, "check_outcome", too_many)
    state = digitize(job, return_state=True)
    assert state.is_failed()
    assert "digitized-fields" in artifacts(state.state_details.flow_run_id)


def test_the_server_refuses_a_job_out_of_bounds(job: DigitizeJob) -> None:
    from prefect.exceptions import ParameterTypeError

    from flows.flow_digitize import digitize

    with pytest.raises(ParameterTypeError, match="min_confidence"):
        digitize({**job.model_dump(), "min_confidence": 7})


def test_train_reports_epochs_and_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import flow_train
    from flows.learning.training import SHIPPED
    from mnist_model.bundle import read_bundle

    bundle = read_bundle(SHIPPED / MODEL)

    def fake(_: TrainJob, progress: Any) -> Any:
        progress(TrainingStep(1, 2, "Epoch 1/2"))
        return bundle

    monkeypatch.setattr(flow_train, "train_plain", fake)
    state = flow_train.train(TrainJob(architecture="seed-ann"), return_state=True)
    assert state.is_completed()
    shown = artifacts(state.state_details.flow_run_id)
    assert shown["train-progress"]["data"] == 50
    assert bundle.name in shown["trained-model"]["data"]


@pytest.mark.parametrize(("gained", "lost", "name"), [(8, 0, "Completed"), (0, 6, "Refused")])
def test_a_training_shows_its_progress_and_its_report(
    gained: int, lost: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.flow_retrain import retrain
    from flows.learning import retraining

    monkeypatch.setattr(retraining, "learn", learning(gained=gained, lost=lost))
    teach(f"sqlite:///{tmp_path}/l.sqlite", [f"{n:02d}" for n in range(60)])
    state = retrain(retrain_job(tmp_path), return_state=True)
    assert (state.name, state.type.value) == (name, "COMPLETED")
    assert state.result().report.is_file()
    shown = artifacts(state.state_details.flow_run_id)
    assert shown["retrain-progress"]["data"] == 100
    report = shown["training-report"]["data"]
    assert state.result().report.as_uri() in report
    assert "| all | 20 |" in report
    assert ("fewer than before" in report) == (name == "Refused")


def test_a_training_that_cannot_start_is_a_failed_run_with_one_line(tmp_path: Path) -> None:
    from flows.flow_retrain import retrain

    teach(f"sqlite:///{tmp_path}/l.sqlite", ["12"])
    state = retrain(retrain_job(tmp_path), return_state=True)
    assert (state.name, "1 corrections to learn from" in str(state.message)) == ("Failed", True)
    with pytest.raises(JobError, match="correct more fields"):
        state.result()


def test_the_command_runs_a_recorded_flow_where_an_api_is_configured(scans: Path, tmp_path: Path) -> None:
    from prefect.settings import PREFECT_API_URL

    done = command(scans, tmp_path / "out", PREFECT_API_URL=str(PREFECT_API_URL.value()))
    assert done.returncode == ExitCode.OK, done.stderr
    assert "12 read" in done.stdout
    assert "Prefect API" not in done.stderr  # nothing to wait for
    assert "Traceback" not in done.stderr
    names = [run["name"] for run in ask("/flow_runs/filter", {})]
    assert names.count("scans by digits") >= 1


def test_the_command_brings_its_own_api_where_none_is_configured(scans: Path, tmp_path: Path) -> None:
    (scans / "bad.png").write_text("no image")
    settle(scans / "bad.png")
    home = tmp_path / "home"
    copy_database(home)
    done = command(scans, tmp_path / "out", "--flow", PREFECT_HOME=str(home))
    assert done.returncode == ExitCode.UNREADABLE_PAGES, done.stderr
    assert "embedded Prefect API" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr
    with sqlite3.connect(home / "prefect.db") as database:
        states = [row[0] for row in database.execute("SELECT state_name FROM task_run WHERE name LIKE '%more'")]
    assert states[-1:] == ["Completed"]


def test_an_api_that_does_not_answer_is_one_line(scans: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}/api"
    done = command(scans, tmp_path / "out", PREFECT_API_URL=address)
    assert done.returncode == ExitCode.FAILED
    assert done.stderr.startswith(f"formdigits: The Prefect API at {address} does not answer")
    assert "--no-flow" in done.stderr


def copy_database(home: Path) -> None:
    """Put this module's Prefect database into another home: making a new one takes 20 s."""
    from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL

    home.mkdir()
    source = str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()).split("///")[1].split("?")[0]
    with sqlite3.connect(source) as original, sqlite3.connect(home / "prefect.db") as copy:
        original.execute("SELECT 1")
        original.backup(copy)
        copy.execute("DELETE FROM task_run")


def command(scans: Path, out: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    arguments = ["digitize", str(scans), "--form", "digits", "--model", MODEL, "--out", str(out), *options]
    inherited = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
