"""Rules over a whole batch, applied when its pages are read and before its CSV is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from forms.template import Field, FormTemplate
from ledger.ledger import Ledger
from ledger.settling import RecordedField
from reading.batch_rules import assign_unique, check_total
from reading.rules import Ruled


def apply_batch_rules(ledger: Ledger, batch: int, forms: Sequence[FormTemplate]) -> tuple[str, ...]:
    """Assign unique values of rosters, and add up what has a control total. Applied again, it changes nothing.

    Returns:
        A sentence for each control total.
    """
    for form in forms:
        for field in form.fields:
            if field.roster is not None and field.roster.unique:
                _assign(ledger, batch, form, field)
    return tuple(
        str(
            check_total(rule, [f.values[0][0] if f.values else "" for f in ledger.fields(batch, form.name, rule.field)])
        )
        for form in forms
        for rule in form.batch_totals
    )


def _assign(ledger: Ledger, batch: int, form: FormTemplate, field: Field) -> None:
    recorded = ledger.fields(batch, form.name, field.name)
    assigned = assign_unique(field, [one.values for one in recorded])
    ledger.change_fields(
        [
            _changed(before, after)
            for before, after in zip(recorded, assigned, strict=True)
            if after.reasons and not before.answered
        ]
    )


def _changed(before: RecordedField, after: Ruled) -> RecordedField:
    reasons = dict.fromkeys((*before.reasons, *(reason.value for reason in after.reasons)))
    return replace(before, values=tuple(after.values), reasons=tuple(reasons))
