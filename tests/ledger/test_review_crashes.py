"""Kill the servers of several reviewers, and compare the ledger with what the reviewers know."""

import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from bench.review_crashes.interleavings import crash_reviews
from bench.review_crashes.ledger_servers import killable_servers, serve_call
from bench.review_crashes.reviewers import POLICY
from ledger.ledger import Ledger
from ledger.review.standing import Standing
from ledger.review.types import Stage


class AbortedError(Exception):
    """Stands for the end of a process."""


class LocalServer:
    """A server in this process: instead of being killed it gives up after a random statement, or after its commit."""

    def __init__(self, url: str, folder: Path):
        self._ledger, self._folder = Ledger.open(url), folder
        self._review = self._ledger.review(POLICY)
        self._draw, self._left, self.kills = random.Random(3), -1, 0
        event.listen(self._ledger._database.engine, "after_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            raise AbortedError

    def call(self, name: str, *arguments: Any, kill_at: float | None = None) -> Any:
        if kill_at is not None:
            self._left = self._draw.randrange(1, 12)
            self.kills += 1
            with suppress(AbortedError):  # and nobody hears the answer
                serve_call(self._ledger, self._review, self._folder, name, arguments)
            self._left = -1
        return serve_call(self._ledger, self._review, self._folder, name, arguments)

    def close(self) -> None:
        self._ledger.close()


def crash_locally(url: str, folder: Path, interleavings: int) -> Counter[str]:
    servers = [LocalServer(url, folder / str(number)) for number in range(2)]
    counts = crash_reviews(url, servers, interleavings, seed=2)
    for server in servers:
        server.close()
    return counts


def test_servers_that_are_killed(url: str) -> None:
    with killable_servers(url) as servers:
        counts = crash_reviews(url, servers, 3, seed=1)
    assert counts["kills"] > 0
    assert counts["answers"] > 20
    assert counts["faults"] == 0


def test_transactions_that_are_given_up(url: str, tmp_path: Path) -> None:
    counts = crash_locally(url, tmp_path, 30 if url.startswith("sqlite") else 10)
    assert counts["kills"] > 5
    assert counts["faults"] == 0


def test_that_a_lost_answer_would_be_seen(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Standing(Stage.FIRST, None, "", "")
    monkeypatch.setattr("ledger.review.histories.standing_of", lambda *_, **__: wrong)
    assert crash_locally(sqlite_url, tmp_path, 2)["faults"] > 0


def test_the_database_itself_refuses_an_answer_twice(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.review.answers._known_keys", lambda *_: set())
    with pytest.raises(IntegrityError, match="client_key"):
        crash_locally(sqlite_url, tmp_path, 3)
