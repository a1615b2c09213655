from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from flows.errors import JobError
from flows.page_reading import NewScan, PageReader, ReadingPlan
from flows.worker_pool import WorkerPool
from preprocessing.page import PageProblem, ProblemReason
from preprocessing.scans import hash_scan, list_scans
from reading.readings import PageReading

PLAN = ReadingPlan("digits", "seed-ann", 0.95)

# Imported by every Python process that finds it on its path: a decoder that crashes on some scans.
CRASHING_DECODER = """
import os, signal
import preprocessing.scans as scans

open_scan = scans.open_scan

def crash(file, sha256):
    if file.name.startswith("d7"):
        os.kill(os.getpid(), signal.SIGKILL)
    return open_scan(file, sha256)

scans.open_scan = crash
"""

ORPHAN = """
import sys, threading, time
from pathlib import Path
from flows.page_reading import NewScan, ReadingPlan
from flows.worker_pool import WorkerPool
from preprocessing.scans import list_scans

if __name__ == "__main__":
    pool = WorkerPool(2, ReadingPlan("digits", "seed-ann", 0.95))
    pool.read([NewScan(file, "") for file in list_scans(Path(sys.argv[1]))])
    print(*pool._executor._processes, flush=True)
    time.sleep(60)
"""


def new_scans(folder: Path) -> list[NewScan]:
    return [NewScan(file, str(hash_scan(file))) for file in list_scans(folder)]


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with closing(WorkerPool(2, PLAN)) as pool:
        yield pool


def test_a_pool_reads_as_this_process_does(scans: Path, pool: WorkerPool) -> None:
    reading = pool.read(new_scans(scans))
    assert reading == PageReader.load(PLAN).read(new_scans(scans))
    assert all(isinstance(result, PageReading) for result in reading.results)


def test_a_scan_that_kills_its_process_costs_only_itself(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "sitecustomize.py").write_text(CRASHING_DECODER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "faults"))
    with closing(WorkerPool(2, PLAN)) as pool, ThreadPoolExecutor(2) as threads:
        list(threads.map(pool.read, [new_scans(scans)[:3], new_scans(scans)[3:6]]))  # both processes are there
        results = pool.read(new_scans(scans)[7:9]).results
        assert pool.read(new_scans(scans)[:1]).results  # the pool goes on
    killer, survivor = results
    assert isinstance(killer, PageProblem)
    assert (killer.scan, killer.reason) == ("d7.png", ProblemReason.INTERNAL_ERROR)
    assert isinstance(survivor, PageReading)


def test_a_model_that_vanished_is_no_page_s_fault(scans: Path) -> None:
    with (
        closing(WorkerPool(1, ReadingPlan("digits", "no-such-model", 0.95))) as pool,
        pytest.raises(JobError, match="no-such-model"),
    ):
        pool.read(new_scans(scans))


def test_workers_do_not_outlive_a_killed_parent(scans: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN, scans], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert workers
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_runs(pid) for pid in workers)
    parent.stdout.close()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended and that nobody has collected yet still has a number.
    return not Path(f"/proc/{pid}/stat").exists() or ") Z " not in Path(f"/proc/{pid}/stat").read_text()
