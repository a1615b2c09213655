"""A run whose Prefect API goes away while it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES

from flows import flow_digitize
from flows.batches.digitizing import Progress
from flows.errors import JobFailed
from flows.flow_digitize import ASK_AGAIN_AFTER_S, PROGRESS_EVERY_S, _ProgressBoard
from flows.settings import DigitizeJob


class Api:
    """Stands in for Prefect's artifacts; ``tries`` holds the retries that the client was allowed, call by call."""

    def __init__(self) -> None:
        self.now = 0.0
        self.away = False
        self.tries: list[int] = []

    def draw(self, *_: Any, **__: Any) -> str:
        self.tries.append(PREFECT_CLIENT_MAX_RETRIES.value())
        if self.away:
            raise httpx.ConnectError("gone")
        return "artifact"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    api = Api()
    monkeypatch.setattr(flow_digitize, "create_progress_artifact", api.draw)
    monkeypatch.setattr(flow_digitize, "update_progress_artifact", api.draw)
    monkeypatch.setattr(flow_digitize.time, "monotonic", lambda: api.now)
    return api


def test_a_run_never_waits_for_an_api_that_went_away(api: Api) -> None:
    board = _ProgressBoard(None)
    for second in range(int(2 * ASK_AGAIN_AFTER_S)):
        api.now, api.away = float(second), second > 0
        board.show(Progress(second, 1000, second, 1.0))
    assert len(api.tries) == 1 + 2  # as the run began, and then as often as it asks again
    assert set(api.tries) == {0}


def test_the_end_is_shown_at_once(api: Api) -> None:
    board = _ProgressBoard(None)
    for second in (0.0, PROGRESS_EVERY_S / 2):
        api.now = second
        board.show(Progress(999, 1000, 999, 1.0))
    board.show(Progress(1000, 1000, 1000, 1.0))
    assert len(api.tries) == 2


def test_one_line_says_what_an_api_that_stayed_away_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def gone(tell: Callable[[str], None]) -> Iterator[Callable[[object], None]]:
        yield lambda run: None

    def run(*_: object, **__: object) -> None:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(flow_digitize, "prefect_api", gone)
    monkeypatch.setattr(flow_digitize, "digitize", run)
    job = DigitizeJob(scans="scans", form="digits", out="out")
    with pytest.raises(JobFailed, match=r"went away and did not come back \(refused\).*run the command again"):
        flow_digitize.digitize_recorded(job, lambda _: None, lambda _: None)
