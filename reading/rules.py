"""Rules as evidence: what the rules of a form make of the values that were read, and what they leave to be looked at.

A value that breaks a rule was either misread or is a slip of the writer. Which, is weighed as in a noisy channel
(Kernighan, Church and Gale 1990, "A spelling correction program based on a noisy channel model", section 2): the
readers' posterior times the prior chance of what was written. The form states how often writers keep their rules
(``rules_kept``). A slip turns one digit into one of nine others, so a value that breaks the rules has a ninth of the
chance of a slip. At 0.99 the odds are 891 to 1: a value of posterior 0.999 that breaks a rule stays, and is flagged, if
what would keep the rule has less than 0.0011.

What was not listed counts as keeping the rules: nothing says that it breaks them, and no value gains from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forms.template import Field, FormTemplate
from reading.check_digits import keeps_check_digit
from reading.combination import Values
from reading.dates import is_date
from reading.readings import Reason
from reading.sums import SLIPS, settle

LISTED = 48  # values to be decoded of a field with rules: the one that keeps them may be far down
ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class Ruled:
    """A field after its rules: values with the posteriors that they leave, best first, and reasons to look at it."""

    values: Values
    reasons: tuple[Reason, ...] = ()


def is_ruled(form: FormTemplate, field: Field) -> bool:
    """Whether rules of the form speak of the field, so that more of its values are worth knowing."""
    return _has_rules(field) or any(field.name in (*rule.parts, *rule.totals) for rule in form.sums)


def apply_rules(form: FormTemplate, values: Sequence[Values]) -> list[Ruled]:
    """What the form's rules make of a page.

    Args:
        form: with the rules of its fields, and sums across them.
        values: for each field of the form, in its order, the values that were read with their posteriors, best first.
            A first value of "" is ink without a digit, no values are a field without ink: rules leave both as they are.

    Returns:
        For each field its values, the posteriors weighed by all rules, at most 1 + ``ALTERNATIVES`` of them and what
        the readers held best among them; and the reasons: rules that the best value breaks, and whether it is another
        than the readers' best.
    """
    weighed = [reweigh(field, listed) for field, listed in zip(form.fields, values, strict=True)]
    settled, mismatched = settle(form, weighed)
    return [
        _ruled(field, before, after, field.name in mismatched)
        for field, before, after in zip(form.fields, values, settled, strict=True)
    ]


def reweigh(field: Field, values: Values) -> Values:
    """The posteriors of a field's values after its own rules, best first (Bayes; see the module).

    The listed posteriors and what they leave to 1 are weighed and brought to 1 again.
    """
    if not _has_rules(field) or not values or not values[0][0]:
        return values
    broken = (1 - field.rules_kept) / SLIPS / field.rules_kept
    weighed = [(value, chance * (broken if value and breaks(field, value) else 1.0)) for value, chance in values]
    others = max(0.0, 1 - sum(chance for _, chance in values))
    total = sum(chance for _, chance in weighed) + others
    return tuple(sorted(((value, chance / total) for value, chance in weighed), key=lambda item: -item[1]))


def breaks(field: Field, value: str) -> bool:
    """Whether a value breaks any of the field's own rules, pattern and range among them."""
    return not (matches_pattern(field, value) and is_in_range(field, value)) or bool(_broken(field, value))


def broken_rules(field: Field, value: str) -> tuple[Reason, ...]:
    """Which of the field's own rules a value that a person typed breaks, its length among them; digits only."""
    reasons = [] if field.min_length <= len(value) <= field.max_length else [Reason.WRONG_LENGTH]
    if not matches_pattern(field, value):
        reasons.append(Reason.PATTERN_MISMATCH)
    if not is_in_range(field, value):
        reasons.append(Reason.OUT_OF_RANGE)
    return (*reasons, *_broken(field, value))


def _has_rules(field: Field) -> bool:
    stated = (field.check_digit, field.date, field.roster, field.pattern, field.min_value, field.max_value)
    return any(rule is not None for rule in stated)


def _broken(field: Field, value: str) -> list[Reason]:
    """The reasons for the rules that only this module knows."""
    reasons = []
    if field.check_digit is not None and not keeps_check_digit(field.check_digit, value):
        reasons.append(Reason.CHECK_DIGIT_FAILED)
    if field.date is not None and not is_date(field.date, value):
        reasons.append(Reason.DATE_INVALID)
    if field.roster is not None and value not in field.roster.values:
        reasons.append(Reason.NOT_IN_ROSTER)
    return reasons


def matches_pattern(field: Field, value: str) -> bool:
    """Whether the field asks for no pattern, or the whole value has it."""
    return field.pattern is None or re.fullmatch(field.pattern, value) is not None


def is_in_range(field: Field, value: str) -> bool:
    """Whether the value as a number lies within the field's range, where it has one."""
    low, high = field.min_value, field.max_value
    return (low is None or int(value) >= low) and (high is None or int(value) <= high)


def _ruled(field: Field, before: Values, after: Values, mismatched: bool) -> Ruled:
    reasons = _broken(field, after[0][0]) if after and after[0][0] else []
    if mismatched:
        reasons.append(Reason.SUM_MISMATCH)
    if after and after[0][0] != before[0][0]:
        reasons.append(Reason.RULE_CHANGED_VALUE)
    return Ruled(_shortened(before, after), tuple(reasons))


def _shortened(before: Values, after: Values) -> Values:
    """The best values, with what the readers held best in the last place if it is not among them."""
    best = after[: 1 + ALTERNATIVES]
    if not before or any(value == before[0][0] for value, _ in best):
        return tuple(best)
    return (*best[:-1], next(item for item in after if item[0] == before[0][0]))
