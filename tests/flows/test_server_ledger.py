"""Runs on a ledger that a PostgreSQL server holds: it may restart, and several machines may write."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from flows import patience
from flows.batches import unread_scans
from flows.batches.digitizing import Progress, digitize
from flows.errors import ExitCode
from tests.flows.drawn_scans import MODEL, one_thread

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def url(postgresql: Any) -> str:
    name = f"run{uuid4().hex}"
    postgresql.psql(f"CREATE DATABASE {name}")
    return str(postgresql.get_uri(name))


def crash(server: Any, away_s: float) -> None:
    """End the server as a crash would, and start it again after a while."""
    from pgserver._commands import pg_ctl

    def control(*arguments: str) -> None:
        pg_ctl([*arguments, "-w"], pgdata=server.pgdata, user=server.system_user)

    control("stop", "-m", "immediate")
    threading.Timer(away_s, control, ["restart"]).start()


def test_a_server_that_crashes_and_comes_back_costs_nothing(
    postgresql: Any,
    url: str,
    many_scans: Path,
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 16)
    monkeypatch.setattr(patience, "PAUSE_S", 0.1)
    crashed: list[int] = []

    def crash_once(progress: Progress) -> None:
        if progress.pages >= 32 and not crashed:
            crashed.append(progress.pages)
            crash(postgresql, away_s=1.0)

    told: list[str] = []
    digitize(one_thread(many_scans, tmp_path).model_copy(update={"ledger": url}), crash_once, told.append)
    assert crashed
    assert "trying again" in told[0]
    assert {name: (tmp_path / name).read_bytes() for name in undisturbed} == undisturbed


def test_two_machines_at_once_record_no_page_twice(
    url: str,
    many_scans: Path,
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    start_command: Callable[..., subprocess.Popen[str]],
) -> None:
    """Each has a folder for temporary files of its own, so that the lock of the batch holds neither back."""
    runs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        options = ["--form", "digits", "--model", MODEL, "--string-model", "none", "--workers", 1, "--no-flow"]
        places = ["--out", tmp_path / name / "out", "--ledger", url]
        runs.append(start_command("digitize", many_scans, *options, *places, TMPDIR=str(tmp_path / name)))
    for run in runs:
        _, error = run.communicate(timeout=200)
        assert run.returncode == ExitCode.UNREADABLE_PAGES, error
        assert "Another run" not in error
    again = one_thread(many_scans, tmp_path / "again").model_copy(update={"ledger": url})
    assert digitize(again).new_pages == 0
    assert {name: (tmp_path / "again" / name).read_bytes() for name in undisturbed} == undisturbed
