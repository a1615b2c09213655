"""Waiting for a ledger that is away for a while: its server restarts, its disk or share is gone for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ledger.errors import LedgerError

PATIENCE_S = 300.0
PAUSE_S = 1.0

T = TypeVar("T")


class Patience:
    """Does work with the ledger again while it fails by what may pass (``LedgerError.passes``).

    Args:
        tell: told once for each time that the ledger is away.
        give_up: asked between two tries.
    """

    def __init__(self, tell: Callable[[str], None], give_up: Callable[[], bool]):
        self._tell = tell
        self._give_up = give_up

    def __call__(self, work: Callable[[], T]) -> T:
        """What ``work`` returns; it must not matter if it is done twice, for a commit may have come through.

        Raises:
            LedgerError: the ledger was away for ``PATIENCE_S`` seconds, or fails by something that stays.
        """
        deadline: float | None = None
        while True:
            try:
                return work()
            except LedgerError as error:
                if not error.passes or self._give_up():
                    raise
                if deadline is None:
                    deadline = time.monotonic() + PATIENCE_S
                    self._tell(f"{error.problem}; trying again for {PATIENCE_S:.0f} seconds.")
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_S)
