"""What became of a batch, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select

from ledger.review.items import HOLDING, IS_OPEN, OF_READING
from ledger.tables import corrections, pages, readings, review_items


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What became of a batch.

    ``pages`` counts pages that were read, ``fields`` their fields, each either ``accepted`` or ``flagged``; ``checked``
    counts flagged ones that people answered. ``reasons`` counts flagged fields by reason (a field may have several),
    ``problems`` the pages or files that could not be read.
    """

    pages: int
    fields: int
    accepted: int
    flagged: int
    checked: int
    reasons: dict[str, int]
    problems: dict[str, int]


def summarize(connection: Connection, batch: int) -> BatchSummary:
    """Count a batch's pages and fields."""
    problems = _counts(connection, batch, pages, pages.c.problem)
    flags = _counts(connection, batch, pages.join(readings), readings.c.needs_review)
    reasons = _counts(connection, batch, pages.join(readings), readings.c.reasons, readings.c.needs_review)
    answered = (readings.c.needs_review, corrections.c.id.is_not(None))
    checked = _counts(connection, batch, _with_answers(), IS_OPEN, *answered)[False]
    read = problems.pop(None, 0)
    by_reason, by_problem = _by_reason(reasons), _sorted(problems)
    return BatchSummary(read, flags.total(), flags[False], flags[True], checked, by_reason, by_problem)


def _with_answers() -> Any:
    items = pages.join(readings).outerjoin(review_items, OF_READING)
    return items.outerjoin(corrections, HOLDING)


def _counts(connection: Connection, batch: int, source: Any, column: Any, *conditions: Any) -> Counter[Any]:
    """How many rows of ``source`` there are for each value of ``column``."""
    query = select(column, func.count()).select_from(source).where(and_(pages.c.batch_id == batch, *conditions))
    return Counter({row[0]: row[1] for row in connection.execute(query.group_by(column))})


def _by_reason(combinations: Counter[str]) -> dict[str, int]:
    """Counts of joined reasons -> counts of each reason."""
    single: Counter[str] = Counter()
    for joined, count in combinations.items():
        for reason in filter(None, joined.split(";")):
            single[reason] += count
    return _sorted(single)


def _sorted(counts: Counter[str]) -> dict[str, int]:
    """The counts as a dict, the most frequent first, then by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
