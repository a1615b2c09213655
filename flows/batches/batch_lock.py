"""One run at a time over a batch: a second one waits, and then finds everything read."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.2
SQLITE = "sqlite:///"

logger = logging.getLogger(__name__)


def lock_path(ledger_url: str, batch: int) -> Path:
    """Where the lock of a batch lies: beside an SQLite ledger, else in the machine's folder for temporary files.

    For a ledger on a database server it therefore holds back runs on the same machine only; runs on several machines
    are held back by the deployment's concurrency limit, and record no page twice without it.
    """
    if ledger_url.startswith(SQLITE):
        database = Path(ledger_url.removeprefix(SQLITE))
        return database.with_name(f".{database.name}-batch-{batch}.lock")  # hidden: no scan, should it lie among scans
    digest = hashlib.sha256(ledger_url.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"formdigits-{digest}-batch-{batch}.lock"


@contextmanager
def batch_lock(path: Path, waiting: Callable[[str], None], give_up: Callable[[], bool]) -> Iterator[bool]:
    """Hold the lock; yield whether it was got.

    The operating system frees the lock of a process that dies, however it dies. ``waiting`` is told, once, who holds
    it; ``give_up`` is asked while waiting.
    """
    with path.open("a+") as file:
        got = _acquire(file.fileno(), path, waiting, give_up)
        if got:
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
        yield got


def _acquire(descriptor: int, path: Path, waiting: Callable[[str], None], give_up: Callable[[], bool]) -> bool:
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if give_up():
                return False
        else:
            return True
        if not told:
            waiting(f"Another run reads this batch ({path.read_text() or 'just starting'}); waiting until it is done.")
            told = True
        time.sleep(POLL_S)
