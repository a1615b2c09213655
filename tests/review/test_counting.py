"""Counts that come with every answer must not cost what counting costs."""

from __future__ import annotations

from ledger.review.types import Progress, Scope
from review.counting import KEPT_S, LARGE, Counts


class Counted:
    """Stands for a review: one field less each time that it is counted."""

    def __init__(self, fields: int):
        self.open = fields

    def progress(self, scope: Scope) -> Progress:
        self.open -= 1
        return Progress(self.open, 0, 0, 0, 0, 0, None, None)


def told(fields: int, moments: list[float]) -> list[int]:
    now = iter(moments)
    counts = Counts(Counted(fields), lambda: next(now))  # type: ignore[arg-type]
    return [counts.progress(Scope(batch=1)).open for _ in moments]


def test_small_scopes_are_counted_each_time() -> None:
    assert told(LARGE, [0.0, 0.1, 0.2]) == [LARGE - 1, LARGE - 2, LARGE - 3]


def test_large_ones_now_and_then() -> None:
    assert told(LARGE + 10, [0.0, KEPT_S - 0.1, KEPT_S, KEPT_S + 0.1, 2 * KEPT_S]) == [
        LARGE + 9,
        LARGE + 9,
        LARGE + 8,
        LARGE + 8,
        LARGE + 7,
    ]


def test_scopes_are_not_mixed_up() -> None:
    counts = Counts(Counted(LARGE + 10), lambda: 0.0)  # type: ignore[arg-type]
    assert counts.progress(Scope(batch=1)) != counts.progress(Scope(form="slip"))
