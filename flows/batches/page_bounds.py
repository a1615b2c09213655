"""What one page may take: seconds, and memory. The kernel holds the process to both, whatever the code in it does."""

from __future__ import annotations

import resource
import signal
from dataclasses import dataclass
from pathlib import Path

FINISH_S = 1.0  # for each page of a chunk, when all of them are classified at once; it takes some 20 ms
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PageBounds:
    """Seconds that a page may take from its file to its prepared pieces, and MB beyond what an idle reader needs."""

    seconds: float = 60.0
    memory_mb: int = 2048


def hold_memory(bounds: PageBounds) -> None:
    """Let this process take ``memory_mb`` more than it holds now: a larger request fails as ``MemoryError``.

    Counted is private memory that may be written (``RLIMIT_DATA``): mapped libraries and models do not count. Only
    Linux counts memory that is mapped, and only there the bound is set.
    """
    held = _held_bytes()
    if held is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + bounds.memory_mb * _MB
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def end_process_after(seconds: float) -> None:
    """Let the kernel end this process (SIGALRM) unless this is called again in time; 0: never.

    No thread and no handler is needed for it, so it also ends a decoder that holds Python's lock for ever. The timer
    knows nothing of the wall clock: setting that neither shortens nor lengthens it.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _held_bytes() -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData:"))
