"""A command as its own process, and what it and its children cost: time, CPU time and peak memory, from /proc."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.05
MB = 1024  # /proc counts in kB


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: seconds on the clock, seconds of CPU of all its processes, and peak resident memory in MB.

    ``main_mb`` is of the command's own process, ``child_mb`` of the largest of its children, 0 where it has none.
    """

    wall_s: float
    cpu_s: float
    main_mb: float
    child_mb: float
    code: int


def measured(arguments: Sequence[str]) -> Cost:
    """Run ``formdigits`` with these arguments to its end, with one thread a process."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
    before, started = _children_cpu_s(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *arguments],
        env={**os.environ, **single},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for pid in _tree(process.pid):
            peaks[pid] = max(peaks.get(pid, 0.0), _peak_mb(pid))
        time.sleep(POLL_S)
    wall_s = time.perf_counter() - started
    children = [peak for pid, peak in peaks.items() if pid != process.pid]
    cpu_s = _children_cpu_s() - before
    return Cost(wall_s, cpu_s, peaks.get(process.pid, 0.0), max(children, default=0.0), process.returncode)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(root: int) -> list[int]:
    """A process and all that it started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            children.setdefault(_parent(folder), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _parent(folder: Path) -> int:
    try:
        # The name in brackets may hold anything; after it come the state and the parent.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0.0
    return next((int(line.split()[1]) / MB for line in lines if line.startswith("VmHWM")), 0.0)
