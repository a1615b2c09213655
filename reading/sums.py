"""Sums across the fields of a page: the most probable values of all fields together, and what each is worth then.

The fields of a page are read independently, so a choice of a value for each has the product of their posteriors, and
each sum that it breaks costs it the odds of a writer's slip (see ``reading.rules``). Choices are followed field by
field in a beam, cut where they cost more than the best by a margin (Lowerre 1976, "The HARPY speech recognition
system"), and the best is found by deepening (Korf 1985, "Depth-first iterative-deepening"). What is left is normalized,
and a value's posterior is the share of the choices that hold it. Sums that share fields, as rows and columns do, are
settled together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from forms.rules import SumRule
from forms.template import FormTemplate
from reading.combination import Values

MARGINS = (9.2, 6.9, 4.6)  # natural logarithms of 10,000, 1000 and 100: the widest that leaves few enough choices
DEPTHS = (0.0, 0.125, 0.25, 0.5, 1.0)  # shares of what the readers' own best values cost: where the best is sought
MAX_CHOICES = 5000  # followed at once; where there are more, the page is too doubtful to settle
SLIPS = 9  # digits that one digit can be mistaken for


class _Choice(NamedTuple):
    """A value for each of the first fields: what it costs, what each sum lacks so far, and the values' indices."""

    cost: float
    lacking: tuple[int, ...]
    picked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """A field of a group: how it counts in each sum (1 as a part, -1 as a total), and the sums that end with it."""

    name: str
    signs: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Sums that share fields, those fields in an order in which sums end early, and what breaking each sum costs."""

    rules: tuple[SumRule, ...]
    steps: tuple[_Step, ...]
    costs: tuple[float, ...]

    @staticmethod
    def of(rules: Sequence[SumRule], names: Sequence[str]) -> _Group:
        last = [max(map(names.index, _names(rule))) for rule in rules]
        steps = (
            _Step(
                name,
                tuple((name in rule.parts) - (name in rule.totals) for rule in rules),
                tuple(number for number, end in enumerate(last) if end == index),
            )
            for index, name in enumerate(names)
        )
        return _Group(tuple(rules), tuple(steps), tuple(math.log(SLIPS * r.kept / (1 - r.kept)) for r in rules))

    def extended(self, choice: _Choice, step: _Step, pick: int, number: int, cost: float) -> _Choice:
        """A choice with a value for one more field."""
        lacking = tuple(sum_ + sign * number for sum_, sign in zip(choice.lacking, step.signs, strict=True))
        slips = sum(self.costs[rule] for rule in step.ends if lacking[rule])
        return _Choice(choice.cost + cost + slips, lacking, (*choice.picked, pick))

    def broken(self, choice: _Choice) -> list[SumRule]:
        """The sums that a choice for all fields breaks."""
        return [rule for rule, lacking in zip(self.rules, choice.lacking, strict=True) if lacking]


def settle(form: FormTemplate, values: Sequence[Values]) -> tuple[list[Values], set[str]]:
    """Weigh the values of a page's fields by the form's sums.

    Args:
        form: with the sums.
        values: for each field of the form its values with posteriors, best first; a first value of "" is ink without a
            value, none are a field without ink. A field that may stay empty counts as 0 then.

    Returns:
        The same after the sums, for each field the value of the best choice first; and the names of the fields to be
        looked at: all fields of a sum that the best choice breaks, and the totals of a sum that can't be checked,
        because a field of it has no value.
    """
    listed = {field.name: item for field, item in zip(form.fields, values, strict=True)}
    optional = {field.name for field in form.fields if not field.required}
    doubtful: set[str] = set()
    checkable = []
    for rule in form.sums:
        if _is_checkable(rule, listed, optional):
            checkable.append(rule)
        elif not _is_empty(rule, listed):
            doubtful |= set(rule.totals)
    for group in _groups(checkable):
        settled, broken = _settled(group, listed)
        listed |= settled
        doubtful |= {name for rule in broken for name in _names(rule)}
    return [listed[field.name] for field in form.fields], doubtful


def _names(rule: SumRule) -> tuple[str, ...]:
    return (*rule.parts, *rule.totals)


def _is_empty(rule: SumRule, listed: dict[str, Values]) -> bool:
    return not any(listed[name] for name in _names(rule))


def _is_checkable(rule: SumRule, listed: dict[str, Values], optional: set[str]) -> bool:
    """Whether all fields have a value of any likelihood, those that may be empty and are parts apart."""
    if not any(listed[name] for name in rule.totals):
        return False
    return all(all(listed[name][0]) if listed[name] else name in optional for name in _names(rule))


def _groups(rules: Sequence[SumRule]) -> Iterator[_Group]:
    """The sums by the fields that they share, directly or through others."""
    left = list(rules)
    while left:
        members = [left.pop(0)]
        names = dict.fromkeys(_names(members[0]))
        while joined := [rule for rule in left if any(name in names for name in _names(rule))]:
            members += joined
            left = [rule for rule in left if rule not in joined]
            names |= dict.fromkeys(name for rule in joined for name in _names(rule))
        yield _Group.of(members, list(names))


def _settled(group: _Group, listed: dict[str, Values]) -> tuple[dict[str, Values], list[SumRule]]:
    """The fields of a group after its sums, and the sums that the best choice breaks."""
    candidates = [_candidates(listed[step.name]) for step in group.steps]
    (top,) = _choices(group, [field[:1] for field in candidates], math.inf)
    choices = _likely(group, candidates, top.cost)
    if not choices:
        return {}, group.broken(top)
    shares = _shares(choices)
    settled = {
        step.name: _weighed(listed[step.name], choices[0].picked[index], shares[index])
        for index, step in enumerate(group.steps)
        if listed[step.name]
    }
    return settled, group.broken(choices[0])


def _candidates(values: Values) -> list[tuple[int, float]]:
    """Each value as a number, and what it costs over the best; 0 for an empty field."""
    best = values[0][1] if values else 1.0
    return [(int(value), math.log(best / chance)) for value, chance in values if value and chance] or [(0, 0.0)]


def _likely(group: _Group, candidates: Sequence[Sequence[tuple[int, float]]], most: float) -> list[_Choice]:
    """The best choice, which costs at most ``most``, first, and those nearly as good; none where they are too many."""
    found = (_choices(group, candidates, most * depth) for depth in DEPTHS)
    best = next((min(choice.cost for choice in choices) for choices in found if choices), None)
    if best is None:
        return []
    near = (_choices(group, candidates, best + margin) for margin in MARGINS)
    return sorted(next(filter(None, near), []), key=lambda choice: choice.cost)


def _choices(group: _Group, candidates: Sequence[Sequence[tuple[int, float]]], bound: float) -> list[_Choice]:
    """All choices that cost at most ``bound``; none where there are none, or too many to follow."""
    choices = [_Choice(0.0, (0,) * len(group.rules), ())]
    for step, field in zip(group.steps, candidates, strict=True):
        longer = (
            group.extended(choice, step, pick, number, cost)
            for choice in choices
            for pick, (number, cost) in enumerate(field)
            if choice.cost + cost <= bound
        )
        choices = [choice for choice in longer if choice.cost <= bound]
        if len(choices) > MAX_CHOICES:
            return []
    return choices


def _shares(choices: Sequence[_Choice]) -> list[dict[int, float]]:
    """For each field the share of the choices, by their probability, that hold each of its values."""
    weights = [math.exp(choices[0].cost - choice.cost) for choice in choices]
    total = sum(weights)
    shares: list[dict[int, float]] = [{} for _ in choices[0].picked]
    for choice, weight in zip(choices, weights, strict=True):
        for share, pick in zip(shares, choice.picked, strict=True):
            share[pick] = share.get(pick, 0.0) + weight / total
    return shares


def _weighed(values: Values, picked: int, shares: dict[int, float]) -> Values:
    """The values with new posteriors, the picked one first; what was not listed keeps its share."""
    kept = [item for item in values if item[0] and item[1]]
    listed = min(1.0, sum(chance for _, chance in kept))
    weighed = [(value, listed * shares.get(index, 0.0)) for index, (value, _) in enumerate(kept)]
    first = weighed.pop(picked)
    return (first, *sorted(weighed, key=lambda item: -item[1]))
