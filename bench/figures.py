"""The figures of a benchmark and their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True, slots=True)
class Outcome:
    """One field: its truth, what was read, and whether it was accepted without a person."""

    scan: str
    field: str
    truth: str
    value: str
    confidence: float
    accepted: bool
    reasons: str
    crop_png: bytes

    @property
    def right(self) -> bool:
        return self.value == self.truth


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance: fewest insertions, deletions and substitutions that make ``b`` of ``a``."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1]


def share(count: int, total: int) -> str:
    """``count`` of ``total`` in per cent with its 95 % Wilson interval."""
    if not total:
        return "-"
    interval = binomtest(count, total).proportion_ci(method="wilson")
    return f"{100 * count / total:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def read_rate(confidences: Sequence[float], right: Sequence[bool], error: float) -> float:
    """The largest share of fields that could be accepted with at most ``error`` of the accepted ones wrong.

    The threshold is chosen with hindsight: what a perfectly chosen one would give. Fields of one confidence are
    accepted or rejected together.
    """
    order = sorted(range(len(right)), key=lambda index: -confidences[index])
    wrong, best = 0, 0
    for count, index in enumerate(order, 1):
        wrong += not right[index]
        is_last = count == len(order) or confidences[order[count]] < confidences[index]
        if is_last and wrong <= error * count:
            best = count
    return best / max(1, len(right))


def markdown_table(rows: Sequence[tuple[str, Sequence[Outcome], float]]) -> str:
    """A row for each (name of the set, its outcomes, seconds that reading it took)."""
    lines = [
        "| set | fields | exact, % [95 %] | CER, % | accepted, % | wrong of accepted, % [95 %] | ms a field |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(*row) for row in rows)])


def _row(name: str, outcomes: Sequence[Outcome], seconds: float) -> str:
    total = len(outcomes)
    accepted = [outcome for outcome in outcomes if outcome.accepted]
    wrong = sum(not outcome.right for outcome in accepted)
    errors = sum(edit_distance(outcome.truth, outcome.value) for outcome in outcomes)
    characters = sum(len(outcome.truth) for outcome in outcomes)
    exact = share(sum(outcome.right for outcome in outcomes), total)
    return (
        f"| {name} | {total} | {exact} | {100 * errors / max(1, characters):.2f} | {100 * len(accepted) / total:.1f} "
        f"| {share(wrong, len(accepted))} | {1000 * seconds / total:.2f} |"
    )
