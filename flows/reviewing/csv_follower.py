"""The CSVs of a folder, written again when people have answered."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from flows.terminal import say
from ledger.errors import LedgerError
from ledger.ledger import Ledger

PAUSE_S = 2.0
REST = 9  # times as long as an export took: a large batch must not keep the machine from its reviewers


class CsvFollower:
    """Exports the newest batch of a ledger soon after there are new answers, and at the end."""

    def __init__(self, ledger: Ledger, out: Path, pause_s: float = PAUSE_S):
        self._ledger = ledger
        self._out = out
        self._pause_s = pause_s
        self._new = Event()
        self._ended = Event()
        self._thread = Thread(target=self._follow, name="csv", daemon=True)

    def answered(self) -> None:
        """There is a new answer."""
        self._new.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._write()

    def _follow(self) -> None:
        wait_s = self._pause_s
        while not self._ended.wait(wait_s):
            started = time.monotonic()
            self._write()
            wait_s = max(self._pause_s, REST * (time.monotonic() - started))

    def _write(self) -> None:
        if not self._new.is_set():
            return
        self._new.clear()
        try:
            self._ledger.export(self._ledger.find_batch().id, self._out)
        except LedgerError as error:
            say(f"formdigits: the CSVs were not written: {error}. Every answer is in the ledger.")
