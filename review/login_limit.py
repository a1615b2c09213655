"""How often somebody may guess a password."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock

WINDOW_S = 300.0
FAILURES = 5  # of one name from one address within the window
FAILURES_OF_ADDRESS = 20
_KNOWN = 10_000  # addresses and names remembered; the oldest are forgotten first


class LoginLimit:
    """Counts failures to sign in by name and by address. Threads may share it; it is forgotten at a restart.

    A name is counted together with the address, or anybody could lock out everybody.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._failures: dict[tuple[str, ...], deque[float]] = {}
        self._lock = Lock()

    def wait_s(self, name: str, address: str) -> float:
        """How long that name may not be tried from that address; 0 where it may be now."""
        with self._lock:
            return max(self._wait_s((address, name), FAILURES), self._wait_s((address,), FAILURES_OF_ADDRESS))

    def failed(self, name: str, address: str) -> None:
        with self._lock:
            for key in ((address, name), (address,)):
                times = self._failures.pop(key, deque(maxlen=FAILURES_OF_ADDRESS))
                times.append(self._clock())
                self._failures[key] = times
            while len(self._failures) > _KNOWN:
                del self._failures[next(iter(self._failures))]

    def passed(self, name: str, address: str) -> None:
        with self._lock:
            self._failures.pop((address, name), None)

    def _wait_s(self, key: Sequence[str], allowed: int) -> float:
        times = self._failures.get(tuple(key), deque())
        if len(times) < allowed:
            return 0.0
        return max(0.0, times[-allowed] + WINDOW_S - self._clock())
