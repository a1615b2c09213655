"""Who reads the chunks: this process, or a pool of spawned processes that survives the death of one of them.

Processes are spawned, never forked: OpenCV's and TensorFlow's threads do not survive a fork.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Protocol

from flows.page_reading import ChunkReading, NewScan, PageReader, ReadingPlan, internal_error
from flows.stopping import STOP_SIGNALS

# A worker is one of many: threads inside it only take the cores from the others.
SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}


class ChunkReader(Protocol):
    """Reads chunks; may be called from several threads at once."""

    def read(self, scans: Sequence[NewScan]) -> ChunkReading: ...


class WorkerPool:
    """Spawned processes that read chunks: only paths go in, and only results come out."""

    def __init__(self, workers: int, plan: ReadingPlan):
        for name, value in SINGLE_THREADED.items():  # read by the libraries as they are loaded in the workers
            os.environ.setdefault(name, value)
        self._workers = workers
        self._plan = plan
        self._replacing = threading.Lock()
        self._executor = self._spawn(workers)

    def read(self, scans: Sequence[NewScan]) -> ChunkReading:
        """Read a chunk in one of the processes.

        A process that dies (out of memory, a fault in a decoder) takes the whole pool with it. Every chunk that was
        under way is then read in a process of its own, and halved until the scan that kills is alone: an internal
        error.
        """
        executor = self._executor
        try:
            return self._submit(executor, scans)
        except BrokenProcessPool:
            self._replace(executor)
            return self._read_apart(scans)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _read_apart(self, scans: Sequence[NewScan]) -> ChunkReading:
        try:
            with self._spawn(1) as executor:
                return self._submit(executor, scans)
        except BrokenProcessPool as error:
            if len(scans) == 1:
                return _killed_by(scans[0], error)
        middle = len(scans) // 2
        first, second = self._read_apart(scans[:middle]), self._read_apart(scans[middle:])
        return ChunkReading(first.results + second.results, first.tracebacks + second.tracebacks)

    def _submit(self, executor: ProcessPoolExecutor, scans: Sequence[NewScan]) -> ChunkReading:
        with _signals_blocked():
            submitted = executor.submit(_read, self._plan, tuple(scans))
        return submitted.result()

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._replacing:
            if self._executor is broken:
                self._executor = self._spawn(self._workers)

    @staticmethod
    def _spawn(workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_settle_in)


def _killed_by(scan: NewScan, error: BrokenProcessPool) -> ChunkReading:
    problem = internal_error(scan.file.name, 0, scan.sha256, "the process that read it was killed")
    return ChunkReading((problem,), (f"{scan.file.name}: {error}",))


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Processes that are started meanwhile are deaf to the stop signals until they have settled in."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle_in() -> None:
    for number in STOP_SIGNALS:  # the parent decides when to stop; a terminal's Ctrl-C reaches the workers too
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """Without it, the workers of a parent that was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(plan: ReadingPlan, scans: tuple[NewScan, ...]) -> ChunkReading:
    return _load_once(plan).read(scans)


@functools.cache
def _load_once(plan: ReadingPlan) -> PageReader:
    return PageReader.load(plan)
