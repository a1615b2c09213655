"""What a chunk changes in a batch: which of its results are new, and which older problems they replace.

Pure, so that the rules can be tested without a database:

- A page that was read is kept for good: the same content (sha256, page) again changes nothing. Read under another
  scan's name, that scan becomes a duplicate, so that no file of the folder goes without a row.
- A problem that would pass by itself (``TRANSIENT``) is replaced by whatever is found next under that scan's name.
- Any other problem is replaced when its page is read after all, or when the scan's name now holds other content.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from preprocessing.page import PageProblem, ProblemReason
from reading.readings import PageReading

Result = PageReading | PageProblem

# The page may well be readable the next time: these never count as done.
TRANSIENT = frozenset(
    {
        ProblemReason.VANISHED,
        ProblemReason.STILL_WRITTEN,
        ProblemReason.NO_PERMISSION,
        ProblemReason.INTERNAL_ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A page's row as the ledger holds it; ``problem`` is None for a page that was read."""

    id: int
    scan: str
    page: int
    sha256: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class Merge:
    """What to do to the ledger: rows to remove (problems only), results to add."""

    removed: tuple[int, ...]
    added: tuple[Result, ...]


def merge(recorded: Sequence[Recorded], results: Sequence[Result]) -> Merge:
    """Merge ``results`` into the rows that share a scan's name or a content with them."""
    results = _with_duplicates(recorded, results)
    fresh = _fresh_readings(recorded, results)
    contents: dict[str, set[str]] = defaultdict(set)
    for result in results:
        contents[result.scan].add(result.sha256)
    read = {(reading.scan, page) for reading in fresh for page in (0, reading.page)}  # page 0: the whole file
    problems = [row for row in recorded if row.problem is not None]
    removed = {row.id for row in problems if (row.scan, row.page) in read or _is_outdated(row, contents[row.scan])}
    kept = [row for row in recorded if row.id not in removed]
    return Merge(tuple(sorted(removed)), (*fresh, *_fresh_problems(kept, results)))


def _with_duplicates(recorded: Sequence[Recorded], results: Sequence[Result]) -> list[Result]:
    """The results, where content that was read under another scan's name is a ``DUPLICATE``."""
    first = {(row.sha256, row.page): row.scan for row in recorded if row.problem is None}
    for result in results:
        if isinstance(result, PageReading):
            first.setdefault((result.sha256, result.page), result.scan)
    return [_named_duplicate(result, first.get((result.sha256, result.page), result.scan)) for result in results]


def _named_duplicate(result: Result, original: str) -> Result:
    if original == result.scan:
        return result
    detail = f"The same content as {original}, which was read."
    return PageProblem(result.scan, result.page, result.sha256, ProblemReason.DUPLICATE, detail)


def _fresh_readings(recorded: Sequence[Recorded], results: Sequence[Result]) -> list[PageReading]:
    known = {(row.sha256, row.page) for row in recorded if row.problem is None}
    fresh: dict[tuple[str, int], PageReading] = {}
    for result in results:
        if isinstance(result, PageReading) and (result.sha256, result.page) not in known:
            fresh.setdefault((result.sha256, result.page), result)
    return list(fresh.values())


def _is_outdated(row: Recorded, contents: set[str]) -> bool:
    """Whether a problem is history, now that its scan came again with ``contents`` ("" where none could be had)."""
    return bool(contents) and (row.problem in TRANSIENT or not contents <= {"", row.sha256})


def _fresh_problems(kept: Sequence[Recorded], results: Sequence[Result]) -> list[PageProblem]:
    known = {(row.scan, row.page, row.sha256) for row in kept}
    known |= {(result.scan, result.page, result.sha256) for result in results if isinstance(result, PageReading)}
    fresh: dict[tuple[str, int, str], PageProblem] = {}
    for result in results:
        key = (result.scan, result.page, result.sha256)
        if isinstance(result, PageProblem) and key not in known:
            fresh.setdefault(key, result)
    return list(fresh.values())
