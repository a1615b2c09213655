"""A Prefect API for the time of one run, where none is configured.

Prefect's own ephemeral API loses task runs when it stops, and each process of a pool would start another one: this one
is announced to child processes by ``PREFECT_API_URL``, and is stopped when it has recorded everything.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, get_current_settings, temporary_settings

from flows.errors import JobFailed

START_S = 120  # seconds; 10 on a quiet machine, 30 on the first start of all
DRAIN_S = 30
POLL_S = 0.2

Drain = Callable[[UUID | None], None]


@contextmanager
def prefect_api(tell: Callable[[str], None]) -> Iterator[Drain]:
    """The configured API, or one for the time of the block; yields what waits until a flow run is recorded whole.

    Raises:
        JobFailed: the API does not start, or the configured one does not answer.
    """
    configured = PREFECT_API_URL.value()
    if configured:
        _check_answers(configured)
        yield lambda _: None
        return
    tell("Starting an embedded Prefect API: up to 30 seconds the first time (--no-flow does without) ...")
    with _embedded_api() as address, temporary_settings({PREFECT_API_URL: address}):
        os.environ["PREFECT_API_URL"] = address
        try:
            yield _drain
        finally:
            del os.environ["PREFECT_API_URL"]


@contextmanager
def _embedded_api() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        server = _start(listener)
    try:
        _await_start(server, address)
        yield address
    finally:
        server.terminate()
        server.wait()


def _start(listener: socket.socket) -> subprocess.Popen[bytes]:
    """The server inherits the listening socket, and a pipe that tells it when this process is gone."""
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    ephemeral = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "flows.api_process", str(listener.fileno())],
        env={**os.environ, **ephemeral, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[listener.fileno()],
        start_new_session=True,  # a terminal's Ctrl-C is for this process, which then stops the server
    )


def _await_start(server: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(address):
            return
        time.sleep(POLL_S)
    problem = "The embedded Prefect API did not start."
    raise JobFailed(problem, f"Check that {PREFECT_HOME.value()} can be written, or use --no-flow.")


def _check_answers(address: str) -> None:
    if not _answers(address):
        raise JobFailed(f"The Prefect API at {address} does not answer.", "Start it, or use --no-flow.")


def _answers(address: str) -> bool:
    """Whether anything answers there; a refusal for want of credentials is an answer."""
    try:
        urllib.request.urlopen(f"{address}/health", timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _drain(flow_run: UUID | None) -> None:
    """Wait until the server has the run's log, and has recorded its tasks, whose states travel behind as events."""
    APILogHandler().flush()
    EventsWorker.instance().wait_until_empty()
    unfinished = {
        "flow_runs": {"id": {"any_": [str(flow_run)]}},
        "task_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}},
    }
    deadline = time.monotonic() + DRAIN_S
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline and client.request("POST", "/task_runs/count", json=unfinished).json():
            time.sleep(POLL_S)
