"""What reads the chunks of a run, by setting: processes of this machine, threads of this process, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Protocol

from flows.batches.checking import CheckedJob
from flows.batches.page_reading import ChunkReading, NewScan
from flows.batches.worker_pool import WorkerPool


class ChunkReader(Protocol):
    """Reads chunks; may be called from several threads at once."""

    def read(self, scans: Sequence[NewScan]) -> ChunkReading: ...


def chunk_reader(job: CheckedJob) -> AbstractContextManager[ChunkReader]:
    """What reads this job's chunks, ready to; it ends with the block.

    Raises:
        JobError: there is no such cluster.
    """
    match job.runner:
        case "threads":
            return nullcontext(job.reader)
        case "dask":
            return _cluster(job)
        case _:
            return closing(WorkerPool(job.workers, job.plan, job.bounds))


@contextmanager
def _cluster(job: CheckedJob) -> Iterator[ChunkReader]:
    from flows.batches.dask_pool import DaskPool, dask_client  # 1 s to import, and an extra of the package

    with dask_client(job.scheduler, job.workers) as client:
        yield DaskPool(client, job.plan, job.bounds)
