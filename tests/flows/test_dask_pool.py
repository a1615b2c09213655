"""A real Dask cluster of two worker processes on loopback."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.batches import unread_scans
from flows.batches.digitizing import Progress, digitize
from flows.errors import JobError
from tests.flows.drawn_scans import one_thread

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs="CRITICAL"
    ) as cluster:
        yield cluster


def test_a_cluster_writes_the_csv_of_one_thread_though_a_worker_is_killed(
    cluster: distributed.LocalCluster,
    many_scans: Path,
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 16)
    workers: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.pages and not workers:
            workers.extend(nanny.process.pid for nanny in cluster.workers.values())
            os.kill(workers[0], signal.SIGKILL)

    change = {"runner": "dask", "scheduler": cluster.scheduler_address, "workers": 2}
    digitize(one_thread(many_scans, tmp_path).model_copy(update=change), kill_one)
    assert len(set(workers)) == 2
    assert os.getpid() not in workers
    assert {name: (tmp_path / name).read_bytes() for name in undisturbed} == undisturbed


def test_a_scheduler_that_does_not_answer_is_one_line(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.batches.dask_pool.CONNECT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    change = {"runner": "dask", "scheduler": address}
    with pytest.raises(JobError, match="No Dask scheduler answers"):
        digitize(one_thread(scans, tmp_path).model_copy(update=change))
