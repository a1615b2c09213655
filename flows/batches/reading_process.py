"""A process that reads chunks for another: ``python -P -m flows.batches.reading_process FD``, FD a connected socket.

It is sent a ``ReadingPlan`` and ``PageBounds``, and then chunks. It answers each chunk with its ``ChunkReading``, and
before each page it says which scan of the chunk is next: whoever waits then knows at which one it died.
It ends when its standard input does, that is, when the process that started it is gone, however that came about.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from flows.batches.page_bounds import FINISH_S, PageBounds, end_process_after, hold_memory
from flows.batches.page_reading import NewScan, PageReader
from flows.errors import JobError
from flows.stopping import STOP_SIGNALS

Channel: TypeAlias = "Connection[Any, Any]"

START_S = 120.0  # to load the models; it takes one or two
READY = "ready"
FINISHING = -1  # in place of a scan's number: pages of the chunk are classified


def main(descriptor: int) -> None:
    """Load what the plan names, and read chunks until the other side closes the connection."""
    _settle_in()
    connection: Channel = Connection(descriptor)
    plan, bounds = connection.recv()
    end_process_after(START_S)
    try:
        reader = PageReader.load(plan)
    except JobError as error:
        connection.send(error)
        return
    end_process_after(0)
    hold_memory(bounds)
    connection.send(READY)
    _serve(connection, reader, bounds)


def _serve(connection: Channel, reader: PageReader, bounds: PageBounds) -> None:
    while True:
        try:
            scans: Sequence[NewScan] = connection.recv()
        except EOFError:
            return
        reading = reader.read(scans, _Turns(connection, bounds))
        end_process_after(0)
        connection.send(reading)


class _Turns:
    """Says where the reading is, and winds the alarm for it."""

    def __init__(self, connection: Channel, bounds: PageBounds):
        self._connection = connection
        self._seconds = bounds.seconds

    def begin_page(self, scan: int) -> None:
        end_process_after(self._seconds)
        self._connection.send(scan)

    def begin_finish(self, pages: int) -> None:
        end_process_after(self._seconds + FINISH_S * pages)
        self._connection.send(FINISHING)


def _settle_in() -> None:
    for number in STOP_SIGNALS:  # the parent decides when to stop; a terminal's Ctrl-C reaches this process too
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOP_SIGNALS, signal.SIGALRM})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
