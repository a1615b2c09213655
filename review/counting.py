"""How much is left of a scope, told with every answer, and what that may cost."""

from __future__ import annotations

import time
from collections.abc import Callable

from ledger.review.desk import Review
from ledger.review.types import Progress, Scope

LARGE = 5000  # fields; fewer are counted in a few milliseconds
KEPT_S = 5.0


class Counts:
    """The progress of scopes; that of large ones is up to ``KEPT_S`` seconds old. Threads may share it."""

    def __init__(self, review: Review, clock: Callable[[], float] = time.monotonic):
        self._review = review
        self._clock = clock
        self._kept: dict[Scope, tuple[float, Progress]] = {}

    def progress(self, scope: Scope) -> Progress:
        """How far a scope is."""
        now = self._clock()
        counted_at, kept = self._kept.get(scope, (now, None))
        if kept is not None:
            if now < counted_at + KEPT_S:
                return kept
            self._kept[scope] = now, kept  # whoever asks while this thread counts gets the old one
        counted = self._review.progress(scope)
        if counted.open + counted.settled >= LARGE:
            self._kept[scope] = now, counted
        return counted
