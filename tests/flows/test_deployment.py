"""The schedule as docs/scheduling.md walks through it, for real on loopback: server, pool, worker, deploy, run, CSV."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.ledger import Ledger
from reading.readings import PageReading, Reason
from tests.flows.drawn_scans import MODEL, draw_digits
from tests.flows.taught import reading, teach

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
PREFECT = Path(sys.executable).with_name("prefect")
AUTOMATION = "flows/automations/crash-killed-runs.yaml"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Installation:
    """A Prefect server with a worker and this project's deployments, all of it in one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT")},
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": self.url,
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PATH": f"{PREFECT.parent}{os.pathsep}{os.environ['PATH']}",
            "FORMDIGITS_HOME": str(ROOT),
            "FORMDIGITS_POOL": "local",
            "FORMDIGITS_DATA_ROOT": str(folder),
        }

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run(
            [PREFECT, "--no-prompt", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def background(self, *arguments: str) -> Iterator[None]:
        """A process group of its own, of which nothing is left at the end."""
        with (self.folder / f"{arguments[0]}.log").open("w") as log:
            process = subprocess.Popen(
                [PREFECT, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def await_server(self) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "server.log").read_text()
                time.sleep(0.3)
            else:
                return

    def ask(self, path: str, body: object) -> list[dict[str, object]]:
        data, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", data, kind), timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("installation"))
    for number in range(5):
        draw_digits(installation.folder / "scans" / f"d{number}.png", number)
    with ExitStack() as stack:
        stack.enter_context(installation.background("server", "start", "--port", str(installation.port), "--no-ui"))
        installation.await_server()
        installation.prefect("work-pool", "create", "local", "--type", "process")
        installation.prefect("deploy", "--all")
        installation.prefect("automation", "create", "--from-file", AUTOMATION)
        stack.enter_context(installation.background("worker", "start", "--pool", "local", "--name", "w1"))
        yield installation


def test_the_nightly_run_writes_the_csv(installation: Installation) -> None:
    job = {name: str(installation.folder / name) for name in ("scans", "out")}
    parameter = json.dumps({**job, "form": "digits", "model": MODEL})
    said = installation.prefect("deployment", "run", "digitize/nightly", "-p", f"job={parameter}", "--watch")
    assert "Completed" in said
    assert len((installation.folder / "out" / "readings.csv").read_text(encoding="utf-8-sig").splitlines()) == 6
    keys = {artifact["key"] for artifact in installation.ask("/artifacts/filter", {})}
    assert keys == {"batch-report", "digitize-progress", "digitized-fields", "readings-csv", "records-csv"}


def test_the_deployments_are_what_prefect_yaml_says(installation: Installation) -> None:
    deployments = {str(one["name"]): one for one in installation.ask("/deployments/filter", {})}
    assert set(deployments) == {"nightly", "flagged", "seed-ann", "weekly"}
    nightly = deployments["nightly"]
    assert nightly["parameters"]["job"]["scans"] == str(installation.folder / "scans")
    assert deployments["flagged"]["parameters"] == nightly["parameters"]  # the batch is found by them
    assert nightly["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert [schedule["schedule"]["cron"] for schedule in nightly["schedules"]] == ["0 2 * * *"]
    properties = nightly["parameter_openapi_schema"]["definitions"]["DigitizeJob"]["properties"]
    assert properties["workers"]["anyOf"][0]["maximum"] == 64


def test_the_server_refuses_what_is_out_of_bounds(installation: Installation) -> None:
    command = ["deployment", "run", "digitize/nightly", "-p", 'job={"scans":"s","form":"f","out":"o","workers":65}']
    done = subprocess.run(
        [PREFECT, *command], cwd=ROOT, env=installation.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert re.search("workers|65", done.stdout + done.stderr)


def test_the_automation_for_killed_runs_is_accepted(installation: Installation) -> None:
    automation = automations(installation)["crash-killed-runs"]
    assert automation["enabled"]
    assert automation["trigger"]["within"] == 90
    assert automation["actions"][0]["state"] == "CRASHED"


def unanswered(number: int) -> PageReading:
    field = reading(f"{number}1", Reason.LOW_CONFIDENCE)
    return PageReading(f"{number}.png", 1, f"sha{number}", "digits", "1", 0.0, "cnn 1", 0.95, (field,))


def automations(installation: Installation) -> dict[str, dict[str, Any]]:
    return {str(one["name"]): one for one in installation.ask("/automations/filter", {})}


def test_enough_answers_start_a_training(installation: Installation, tmp_path: Path) -> None:
    """People answer, the command that records it tells Prefect, and Prefect starts the deployment."""
    weekly = {str(one["name"]): one for one in installation.ask("/deployments/filter", {})}["weekly"]
    teach(f"sqlite:///{tmp_path}/formdigits.sqlite", ["12", "34"])
    with Ledger.open(f"sqlite:///{tmp_path}/formdigits.sqlite") as ledger:
        batch = ledger.find_batch()
        ledger.record_chunk(batch.id, [unanswered(n) for n in range(3)])
        written = ledger.export(batch.id, tmp_path).readings
    rows = written.read_text(encoding="utf-8").replace("low_confidence,,", "low_confidence,77,ann")
    written.write_text(rows, encoding="utf-8")
    command = [PREFECT.with_name("formdigits"), "import", written]
    environment = installation.environment | {"FORMDIGITS_RETRAIN_AFTER": "5"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 recorded" in done.stdout
    started = {"deployment_id": {"any_": [weekly["id"]]}, "state": {"name": {"not_any_": ["Scheduled"]}}}
    of_weekly = {"flow_runs": started}
    deadline = time.monotonic() + 60
    while not (runs := installation.ask("/flow_runs/filter", of_weekly)):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert str(runs[0]["created_by"]["type"]) == "AUTOMATION"
