"""Processes that answer calls on a ledger, and are killed while they do."""

from __future__ import annotations

import csv
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.review_crashes.reviewers import POLICY
from ledger.ledger import Ledger
from ledger.review.desk import Review

_CALL_S = 0.008  # about what a call takes


@dataclass(slots=True)
class LedgerServer:
    """A process that answers calls on the ledger at ``url``, one at a time."""

    context: Any
    url: str
    process: Any = None
    pipe: Any = None
    kills: int = 0

    def start(self) -> None:
        ours, theirs = self.context.Pipe()
        self.process = self.context.Process(target=_serve, args=(self.url, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.pipe = ours

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def call(self, name: str, *arguments: Any, kill_at: float | None = None) -> Any:
        """The method's result; where the server dies on it, a new one is started and asked the same again.

        ``kill_at``: when it is killed, as a share of the time that a call takes.
        """
        while True:
            try:
                self.pipe.send((name, arguments))
                if kill_at is not None:
                    self._kill(kill_at * _CALL_S)
                    kill_at = None
                return self.pipe.recv()
            except (EOFError, ConnectionError):
                self.stop()
                self.start()

    def _kill(self, after_s: float) -> None:
        time.sleep(after_s)
        self.kills += self.process.is_alive()  # not if the kill before came too late to be noticed
        self.process.kill()


def _serve(url: str, pipe: Connection) -> None:
    with Ledger.open(url) as ledger, tempfile.TemporaryDirectory() as folder:
        review = ledger.review(POLICY)
        while True:
            name, arguments = pipe.recv()
            pipe.send(serve_call(ledger, review, Path(folder), name, arguments))


def serve_call(ledger: Ledger, review: Review, folder: Path, name: str, arguments: Sequence[Any]) -> Any:
    """What a server answers."""
    if name == "export":
        return _export(ledger, folder, *arguments)
    result = getattr(review, name)(*arguments)
    return [item.place for item in result] if name == "next_items" else result


def _export(ledger: Ledger, folder: Path, batch: int) -> dict[tuple[str, str], tuple[str, str]]:
    """The answers that readings.csv shows."""
    with ledger.export(batch, folder).readings.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return {(row["sha256"], row["field"]): (row["corrected_value"], row["needs_review"]) for row in rows}


@contextmanager
def killable_servers(url: str) -> Iterator[list[LedgerServer]]:
    """Two processes that serve the ledger at ``url``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    servers = [LedgerServer(context, url) for _ in range(2)]
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.stop()
