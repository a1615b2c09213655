"""From fields whose truth is known to a calibration, and to what its confidences are worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from forms.template import FieldKind
from reading.calibration import Calibration, Rescaling
from reading.drift import Reference, reference_of
from reading.fitting import fit, fit_rescaling
from reading.readings import FieldReading, Reason, Traits
from reading.signals import Signals
from reading.trust import TrustGroup, tally

TRAITS = tuple(one.name for one in fields(Traits))
KEPT_OF_CALIBRATION = 400  # numbers of each statistic: the file stays small


@dataclass(frozen=True, slots=True)
class CheckedField:
    """A value that was read, and whether it is right.

    ``acceptable``: nothing but its confidence would flag it. ``signals`` and ``traits`` are None where they were not
    kept.
    """

    kind: FieldKind
    confidence: float
    acceptable: bool
    right: bool
    signals: Signals | None = None
    traits: Traits | None = None


def checked(reading: FieldReading, truth: str) -> CheckedField | None:
    """A reading beside its truth; None where no value was read: no confidence speaks of such a field."""
    if reading.signals is None:
        return None
    acceptable, right = is_acceptable(reading.reasons), reading.value == truth
    return CheckedField(reading.kind, reading.confidence, acceptable, right, reading.signals, reading.traits)


def is_acceptable(reasons: Iterable[str]) -> bool:
    """Whether a field with these reasons is flagged for nothing but its confidence."""
    return set(reasons) <= {Reason.LOW_CONFIDENCE}


def fit_calibration(fields: Sequence[CheckedField]) -> Calibration:
    """The calibration of fields of one kind, of which signals were kept.

    Raises:
        ValueError: all are right, or all wrong.
    """
    known = [field for field in fields if field.signals is not None]
    return fit([field.signals for field in known if field.signals is not None], [field.right for field in known])


def group_of(
    fields: Sequence[CheckedField], calibration: Calibration, form: str | None, kind: FieldKind, source: str
) -> TrustGroup:
    """What the calibration's confidences are worth on other fields than those it was fitted on."""
    sure = [calibration.confidence(field.signals or {}) for field in fields]
    return _group([*zip(sure, fields, strict=True)], form, kind, source, None)


def site_group(
    fields: Sequence[CheckedField], form: str, kind: FieldKind, source: str, before: Rescaling | None
) -> TrustGroup:
    """What confidences are worth at a site, on its own scale if its fields tell one.

    A scale needs values that are right and values that are wrong; it keeps the order of fields, and so what a
    threshold accepts, so that the same fields may tell the scale and the thresholds.

    Args:
        fields: checked fields of one form and kind, with the confidences that they were given.
        form: the form's name.
        kind: the fields' kind.
        source: what they are, in words that follow their number.
        before: the scale on which their confidences were given.
    """
    try:
        new = fit_rescaling([field.confidence for field in fields], [field.right for field in fields])
    except ValueError:
        return _group([(field.confidence, field) for field in fields], form, kind, source, before)
    sure = [new.apply(field.confidence) for field in fields]
    return _group([*zip(sure, fields, strict=True)], form, kind, source, new if before is None else new.after(before))


def _group(
    rows: Sequence[tuple[float, CheckedField]],
    form: str | None,
    kind: FieldKind,
    source: str,
    rescaling: Rescaling | None,
) -> TrustGroup:
    acceptable = [(confidence, field.right) for confidence, field in rows if field.acceptable]
    counted = tally([confidence for confidence, _ in acceptable], [right for _, right in acceptable])
    return TrustGroup(form, kind, source, len(rows), counted, rescaling, _reference(rows))


def _reference(rows: Sequence[tuple[float, CheckedField]]) -> Reference:
    """What the fields are like, to compare others with: their confidences, and their traits if all have them."""
    samples = {"confidence": [confidence for confidence, _ in rows]}
    traits = [field.traits for _, field in rows if field.traits is not None]
    if len(traits) == len(rows):
        samples |= {name: [getattr(one, name) for one in traits] for name in TRAITS}
    told = {name: [float(f"{number:.4g}") for number in sample] for name, sample in samples.items()}
    return reference_of(told, KEPT_OF_CALIBRATION)
