"""Chunks read on a Dask cluster: paths go to its workers, results come back, and the ledger is written here.

The workers have to see the scans, the forms and the models under the same paths or addresses as this machine.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from distributed import Client, KilledWorker, LocalCluster
from distributed.comm import CommClosedError

from flows.batches.page_bounds import PageBounds
from flows.batches.page_reading import ChunkReading, NewScan, ReadingPlan
from flows.batches.worker_pool import WorkerPool
from flows.errors import JobError, JobFailed

CONNECT_S = 30


class DaskPool:
    """Reads chunks on a cluster; threads may share it."""

    def __init__(self, client: Client, plan: ReadingPlan, bounds: PageBounds):
        self._client = client
        self._plan = plan
        self._bounds = bounds

    def read(self, scans: Sequence[NewScan]) -> ChunkReading:
        """Read a chunk on one of the workers; if that is lost, on another one.

        Raises:
            JobError: the plan cannot be carried out there.
            JobFailed: the cluster is gone, or loses each worker that takes the chunk.
        """
        try:
            future = self._client.submit(read_on_worker, self._plan, self._bounds, tuple(scans), pure=False)
            return future.result()
        except (KilledWorker, CommClosedError, OSError) as error:
            raise JobFailed(f"The Dask cluster failed ({error}).", "Look at its workers, and run it again.") from error


@contextmanager
def dask_client(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of the cluster at ``scheduler``, or of one on this machine that ends with the block.

    Raises:
        JobError: no scheduler answers there.
    """
    if scheduler is None:
        quiet = {"dashboard_address": None, "host": "127.0.0.1"}
        with LocalCluster(n_workers=workers, threads_per_worker=1, **quiet) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise JobError(f"No Dask scheduler answers at {scheduler}.", "Start one, or correct --scheduler.") from error
    with client:
        yield client


def read_on_worker(plan: ReadingPlan, bounds: PageBounds, scans: Sequence[NewScan]) -> ChunkReading:
    """What a worker of the cluster does: its pages are read by processes of its own, each within its bounds."""
    return _pool(plan, bounds).read(scans)


@functools.cache
def _pool(plan: ReadingPlan, bounds: PageBounds) -> WorkerPool:
    return WorkerPool(0, plan, bounds)
