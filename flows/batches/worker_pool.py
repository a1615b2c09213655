"""Processes that read chunks, each scan within bounds: what kills or holds up its process is set aside.

They are programs of their own, never forks: OpenCV's and TensorFlow's threads do not survive a fork.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Pipe

from flows.batches import reading_process
from flows.batches.page_bounds import PageBounds
from flows.batches.page_reading import ChunkReading, NewScan, ReadingPlan, quarantined
from flows.errors import JobError, JobFailed
from flows.stopping import STOP_SIGNALS

# A worker is one of many: threads inside it only take the cores from the others.
SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}
STARTS = 3  # processes that die one after the other as they start: then it is no accident
END_S = 5.0


class WorkerPool:
    """Processes that read chunks: only paths go in, and only results come out. Threads may share it.

    It starts with ``workers`` processes and has one for each chunk that is read at a time.
    """

    def __init__(self, workers: int, plan: ReadingPlan, bounds: PageBounds = PageBounds()):  # noqa: B008  # frozen
        self._plan = plan
        self._bounds = bounds
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(self._start())

    def read(self, scans: Sequence[NewScan]) -> ChunkReading:
        """Read a chunk in one of the processes.

        If it dies, or takes too long over a page, what came before that scan and what comes after it are read by other
        processes, and the scan has a second chance, alone: the machine, or a person, may have ended the process.

        Raises:
            JobError: the plan cannot be carried out.
            JobFailed: no process starts.
        """
        outcome = self._attempt(scans)
        if isinstance(outcome, ChunkReading):
            return outcome
        if len(scans) == 1:
            return self._second_chance(scans[0])
        before, suspect, after = _apart(scans, outcome.scan)
        readings = [self.read(before)] if before else []
        readings += [self._second_chance(scan) for scan in suspect]
        readings += [self.read(after)] if after else []
        return _joined(readings)

    def close(self) -> None:
        """End the processes; none of them is reading."""
        while not self._idle.empty():
            self._idle.get().end()

    def _second_chance(self, scan: NewScan) -> ChunkReading:
        outcome = self._attempt([scan])
        if isinstance(outcome, ChunkReading):
            return outcome
        problem = quarantined(scan.file.name, 0, scan.sha256, outcome.how)
        return ChunkReading((problem,), (f"{scan.file.name}: it took {outcome.how}",))

    def _attempt(self, scans: Sequence[NewScan]) -> ChunkReading | _Death:
        process = self._ready()
        outcome = process.read(scans)
        if isinstance(outcome, _Death):
            process.end()
        else:
            self._idle.put(process)
        return outcome

    def _ready(self) -> _Process:
        """A process that has loaded its models; one that died waiting, or as it started, is replaced."""
        for _ in range(STARTS):
            process = self._any()
            if process.is_ready():
                return process
            process.end()
        raise JobFailed(
            "The processes that read end as they start.", "Run it again with -v, and look at what they say."
        )

    def _any(self) -> _Process:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._start()

    def _start(self) -> _Process:
        return _Process(self._plan, self._bounds)


@dataclass(frozen=True, slots=True)
class _Death:
    """A process ended over a chunk: at which scan, if that is known, and what it took."""

    scan: int | None
    how: str


class _Process:
    """One reading process (``flows.batches.reading_process``), as seen from here."""

    def __init__(self, plan: ReadingPlan, bounds: PageBounds):
        self._bounds = bounds
        self._ready = False
        self._connection, theirs = Pipe()
        command = [sys.executable, "-P", "-m", reading_process.__name__, str(theirs.fileno())]
        with theirs, _stop_signals_blocked():
            self._process = subprocess.Popen(
                command,
                env=SINGLE_THREADED | os.environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        with suppress(OSError):  # it is gone already: is_ready will find out
            self._connection.send((plan, bounds))

    def is_ready(self) -> bool:
        """Wait until it has loaded its models; whether it did, and lives. Raises the ``JobError`` that it met."""
        if not self._ready:
            try:
                answer = self._connection.recv()
            except (EOFError, OSError):
                return False
            if isinstance(answer, JobError):
                self.end()
                raise answer
            self._ready = True
        return self._process.poll() is None

    def read(self, scans: Sequence[NewScan]) -> ChunkReading | _Death:
        scan: int | None = None
        try:
            self._connection.send(tuple(scans))
            while not isinstance(said := self._connection.recv(), ChunkReading):
                scan = None if said == reading_process.FINISHING else said
        except (EOFError, OSError):
            return _Death(scan, self._how())
        return said

    def end(self) -> None:
        """End it: it holds nothing that could be lost."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def _how(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        code = self._process.returncode
        if code == -signal.SIGALRM:
            return f"more than {self._bounds.seconds:g} seconds"
        name = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return f"its process down ({name})"


def _apart(
    scans: Sequence[NewScan], scan: int | None
) -> tuple[Sequence[NewScan], Sequence[NewScan], Sequence[NewScan]]:
    """What comes before the scan at which a process died, it alone, and what comes after; halves if it is unknown."""
    if scan is None:
        middle = len(scans) // 2
        return scans[:middle], (), scans[middle:]
    return scans[:scan], scans[scan : scan + 1], scans[scan + 1 :]


def _joined(readings: Sequence[ChunkReading]) -> ChunkReading:
    results = tuple(result for reading in readings for result in reading.results)
    return ChunkReading(results, tuple(text for reading in readings for text in reading.tracebacks))


@contextmanager
def _stop_signals_blocked() -> Iterator[None]:
    """A process that is started meanwhile is deaf to the stop signals until it has settled in."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
