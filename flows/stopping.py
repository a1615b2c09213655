"""SIGTERM and SIGINT: finish what is under way, write it down, and leave; a second signal leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STDERR = 2  # written to directly: a signal may come in the middle of any Python code
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether, and by which signal, the process was asked to stop."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Turn the first stop signal into a request; the handlers from before are back for the second one.

    Only the main thread may set handlers: elsewhere (a flow inside another program) the request never comes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, _frame: FrameType | None) -> None:
        request.signal = signal.Signals(number)
        restore()
        if before[signal.SIGINT] is signal.default_int_handler:
            # KeyboardInterrupt would wait for the threads that read; everything is safe in the ledger as it is.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.write(STDERR, b"Stopping when the pages under way are read; once more stops at once.\n")

    for number in STOP_SIGNALS:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        restore()
