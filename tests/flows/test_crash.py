"""Killed in the middle, run again: the CSV is that of a run that nobody disturbed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import ExitCode
from tests.flows.drawn_scans import MODEL

Start = Callable[..., "subprocess.Popen[str]"]


def start(start_command: Start, scans: Path, out: Path, workers: int = 1) -> subprocess.Popen[str]:
    options = ["--form", "digits", "--model", MODEL, "--string-model", "none", "--workers", workers, "--no-flow"]
    return start_command("digitize", scans, "--out", out, *options)


def wait_for_pages(process: subprocess.Popen[str], out: Path, pages: int) -> None:
    while process.poll() is None and recorded(out) < pages:
        time.sleep(0.002)


def recorded(out: Path) -> int:
    try:
        with sqlite3.connect(f"file:{out / 'formdigits.sqlite'}?mode=ro", uri=True) as ledger:
            return ledger.execute("SELECT count(*) FROM pages").fetchone()[0]
    except sqlite3.OperationalError:  # not there yet, or not its tables
        return -1


@pytest.mark.parametrize(("pages", "workers"), [(-1, 1), (0, 1), (1, 1), (60, 1), (130, 1), (1, 2)])
def test_killed_and_run_again(
    pages: int,
    workers: int,
    many_scans: Path,
    tmp_path: Path,
    start_command: Start,
    undisturbed: dict[str, bytes],
) -> None:
    process = start(start_command, many_scans, tmp_path, workers)
    wait_for_pages(process, tmp_path, pages)
    process.kill()
    process.communicate()
    assert not (tmp_path / "readings.csv").exists()
    again = start(start_command, many_scans, tmp_path)
    assert again.wait() == ExitCode.UNREADABLE_PAGES
    assert {name: (tmp_path / name).read_bytes() for name in undisturbed} == undisturbed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_and_run_again(
    number: signal.Signals, many_scans: Path, tmp_path: Path, start_command: Start, undisturbed: dict[str, bytes]
) -> None:
    process = start(start_command, many_scans, tmp_path, workers=2)
    wait_for_pages(process, tmp_path, 1)
    os.killpg(process.pid, number)  # to its workers too, as a terminal and a service manager do
    out, error = process.communicate(timeout=30)
    assert process.returncode == ExitCode.FAILED
    assert "Run the same command again to go on." in error
    assert "Traceback" not in error
    assert "readings.csv" in out
    assert (tmp_path / "readings.csv").exists()
    assert recorded(tmp_path) < 162
    again = start(start_command, many_scans, tmp_path)
    assert again.wait() == ExitCode.UNREADABLE_PAGES
    assert {name: (tmp_path / name).read_bytes() for name in undisturbed} == undisturbed
