from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.batches.page_bounds import PageBounds
from flows.batches.page_reading import NewScan, PageReader, ReadingPlan
from flows.batches.worker_pool import WorkerPool
from flows.errors import JobError, JobFailed
from preprocessing.page import PageProblem, ProblemReason
from preprocessing.scans import hash_scan, list_scans
from reading.readings import PageReading

PLAN = ReadingPlan("digits", "seed-ann", 0.95)

# Imported by every Python process that finds it on its path: decoders that do harm on some scans.
HARMFUL_DECODER = """
import ctypes, os, signal
import preprocessing.scans as scans

open_scan = scans.open_scan

def harm(file, sha256):
    if file.name == "d2.png":
        os.kill(os.getpid(), signal.SIGKILL)
    if file.name == "d5.png":
        ctypes.PyDLL(None).sleep(600)  # with Python's lock held: no thread of this process could end it
    if file.name == "d6.png":
        bytearray(1 << 40)
    if file.name == "d9.png" and not os.path.exists(once := os.environ["ONCE"]):
        open(once, "w").close()
        os.kill(os.getpid(), signal.SIGTERM)  # deaf to it
        os.kill(os.getpid(), signal.SIGKILL)
    return open_scan(file, sha256)

scans.open_scan = harm
"""

ORPHAN = """
import os, sys, time
from pathlib import Path
from flows.batches.page_reading import NewScan, ReadingPlan
from flows.batches.worker_pool import WorkerPool
from preprocessing.scans import list_scans

pool = WorkerPool(2, ReadingPlan("digits", "seed-ann", 0.95))
pool.read([NewScan(file, "") for file in list_scans(Path(sys.argv[1]))])
print("read", flush=True)
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


def test_a_scan_that_does_harm_costs_only_itself(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "sitecustomize.py").write_text(HARMFUL_DECODER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "faults"))
    monkeypatch.setenv("ONCE", str(tmp_path / "once"))
    with closing(WorkerPool(1, PLAN, PageBounds(seconds=2.0, memory_mb=512))) as pool:
        results = pool.read(new_scans(scans)).results
    assert [result.scan for result in results] == [scan.file.name for scan in new_scans(scans)]
    problems = {problem.scan: problem for problem in results if isinstance(problem, PageProblem)}
    assert {problem.reason for problem in problems.values()} == {ProblemReason.QUARANTINED}
    words = {"d2.png": "SIGKILL", "d5.png": "more than 2 seconds", "d6.png": "more memory"}
    assert {scan: words[scan] in problem.detail for scan, problem in problems.items()} == dict.fromkeys(words, True)


def test_processes_that_cannot_start_fail_the_job(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with closing(WorkerPool(1, PLAN)) as pool, pytest.raises(JobFailed, match="end as they start"):
        pool.read(new_scans(scans))


def test_a_model_that_vanished_is_no_page_s_fault(scans: Path) -> None:
    with (
        closing(WorkerPool(1, ReadingPlan("digits", "no-such-model", 0.95))) as pool,
        pytest.raises(JobError, match="no-such-model"),
    ):
        pool.read(new_scans(scans))


def test_workers_do_not_outlive_a_killed_parent(scans: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN, scans], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "read\n"
    workers = [int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in workers)
    parent.stdout.close()


def _runs(pid: int) -> bool:
    """Whether there is such a process, and not only its number for whoever has to collect it."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
