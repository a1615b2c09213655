"""Rules that only a whole batch can show: each value of a roster on one page, and control totals.

Both take what the pages' readings say and judge nothing page by page: they are for the end of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from forms.rules import BatchTotal
from forms.template import Field
from reading.combination import Values
from reading.readings import Reason
from reading.rules import Ruled
from reading.sums import SLIPS

IMPOSSIBLE = 1e6  # a cost that no sum of logarithms reaches
LEAST = 1e-12  # a posterior of 0 has no logarithm


@dataclass(frozen=True, slots=True)
class TotalCheck:
    """A control total beside what was read: ``unread`` pages have no value in the field."""

    rule: BatchTotal
    found: int
    unread: int

    @property
    def holds(self) -> bool:
        return self.found == self.rule.total and not self.unread

    def __str__(self) -> str:
        if self.holds:
            return f"{self.rule.field} adds up to {self.found} as stated"
        unread = f", {self.unread} pages have no value" if self.unread else ""
        return f"{self.rule.field} adds up to {self.found}, stated are {self.rule.total}{unread}"


def check_total(rule: BatchTotal, values: Sequence[str]) -> TotalCheck:
    """Add up a field over all pages of a batch; ``values`` are digits, "" where a page has none."""
    return TotalCheck(rule, sum(int(value) for value in values if value), sum(not value for value in values))


def assign_unique(field: Field, pages: Sequence[Values]) -> list[Ruled]:
    """Let each value of a roster stand on one page only.

    The most probable assignment of values to pages (Kuhn 1955, "The Hungarian method for the assignment problem"), in
    which a page may also keep a value that another page has, at the odds of a writer's slip (``rules_kept``). Its
    posterior is weighed against the best assignment in which the page has another value (max-marginals).

    Args:
        field: a field with a roster whose values are unique.
        pages: for each page of the batch the field's values with posteriors, best first; a page without a value has
            none or "" for its first.

    Returns:
        For each page its values after the assignment, best first, and why to look at it: its value was changed, or
        stands on another page too. Pages whose best value no other page claims are as they were.
    """
    ruled = [Ruled(values) for values in pages]
    odds = math.log(SLIPS * field.rules_kept / (1 - field.rules_kept))
    for group in _rivals(pages):
        for page, after in zip(group, _assigned([pages[page] for page in group], odds), strict=True):
            ruled[page] = after
    return ruled


def _rivals(pages: Sequence[Values]) -> Iterator[list[int]]:
    """Pages that claim the same values, directly or through others, where two have the same best value."""
    claims: dict[str, list[int]] = {}
    for page, values in enumerate(pages):
        for value, _ in values if values and values[0][0] else ():
            claims.setdefault(value, []).append(page)
    seen: set[int] = set()
    for rivals in claims.values():
        if rivals[0] not in seen:
            group = _connected(rivals[0], pages, claims)
            seen |= set(group)
            if len({pages[page][0][0] for page in group}) < len(group):
                yield group


def _connected(page: int, pages: Sequence[Values], claims: dict[str, list[int]]) -> list[int]:
    group, waiting = {page}, [page]
    while waiting:
        for value, _ in pages[waiting.pop()]:
            found = set(claims.get(value, ())) - group
            group |= found
            waiting += found
    return sorted(group)


def _assigned(pages: Sequence[Values], odds: float) -> list[Ruled]:
    costs, values = _costs(pages, odds)
    picked, least = _solved(costs)
    taken = [values[column] if column < len(values) else page[0][0] for column, page in zip(picked, pages, strict=True)]
    return [
        _judged(page, value, taken.count(value) > 1, _share(costs, row, values, value, least))
        for row, (page, value) in enumerate(zip(pages, taken, strict=True))
    ]


def _costs(pages: Sequence[Values], odds: float) -> tuple[np.ndarray, list[str]]:
    """(pages, values + pages) float: what each value costs each page; in the last columns its best, though taken."""
    values = list(dict.fromkeys(value for page in pages for value, _ in page if value))
    column = {value: index for index, value in enumerate(values)}
    costs = np.full((len(pages), len(values) + len(pages)), IMPOSSIBLE)
    for row, page in enumerate(pages):
        for value, posterior in page:
            if value:
                costs[row, column[value]] = -math.log(max(posterior, LEAST))
        costs[row, len(values) + row] = -math.log(max(page[0][1], LEAST)) + odds
    return costs, values


def _solved(costs: np.ndarray) -> tuple[list[int], float]:
    """The column of each row in the cheapest assignment, and what it costs."""
    rows, columns = linear_sum_assignment(costs)
    return columns.tolist(), float(costs[rows, columns].sum())


def _share(costs: np.ndarray, row: int, values: Sequence[str], value: str, least: float) -> float:
    """The share of the best assignment, against the best in which this page has another value."""
    others = costs.copy()
    others[row, values.index(value)] = IMPOSSIBLE
    others[row, len(values) + row] = IMPOSSIBLE
    _, next_best = _solved(others)
    return 1 / (1 + math.exp(least - next_best))


def _judged(page: Values, value: str, twice: bool, share: float) -> Ruled:
    listed = min(1.0, sum(posterior for _, posterior in page))
    others = [(other, posterior) for other, posterior in page if other != value]
    left = sum(posterior for _, posterior in others) or 1.0
    rest = tuple((other, listed * (1 - share) * posterior / left) for other, posterior in others)
    reasons = [Reason.NOT_UNIQUE] * twice + [Reason.RULE_CHANGED_VALUE] * (value != page[0][0])
    return Ruled(((value, listed * share), *rest), tuple(reasons))
