"""What the user asks for: an error rate, or a confidence; and what that means for each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from forms.template import Field, FieldKind, FormTemplate
from reading.signals import Signals
from reading.trust import Promise, Trust

MIN_CONFIDENCE = 0.95  # where nothing else is asked for and nothing better is known


@dataclass(frozen=True, slots=True)
class Policy:
    """When a field is flagged, and what its confidence is.

    Fields with less confidence than ``min_confidence`` are flagged, but for those that have a promise: a threshold for
    an error rate, by form and field name. Without a ``trust`` the confidence is what the readers say of themselves.
    """

    min_confidence: float = MIN_CONFIDENCE
    trust: Trust | None = None
    promises: Mapping[tuple[str, str], Promise] = field(default_factory=dict)

    def confidence(self, form: str, kind: FieldKind, posterior: float, signals: Signals) -> float:
        """The confidence in a value of that posterior, with these signals."""
        return posterior if self.trust is None else self.trust.confidence(form, kind, signals)

    def threshold(self, form: str, asked: Field) -> float:
        """The least confidence with which this field is accepted."""
        promise = self.promises.get((form, asked.name))
        return self.min_confidence if promise is None else promise.threshold

    def describe(self) -> tuple[str, ...]:
        """What is accepted, a sentence for each kind of field and error rate."""
        sentences = {(p.group.form, p.group.kind, p.max_error): str(p) for p in self.promises.values()}
        return tuple(sentences.values()) or (f"accepts from confidence {self.min_confidence:g} on",)


def promising(
    forms: Sequence[FormTemplate], trust: Trust, max_error: float | None, min_confidence: float | None = None
) -> Policy:
    """The policy that keeps an error rate.

    Args:
        forms: the forms that are read. A field's own ``max_error`` stands above the one asked for.
        trust: what the rate is kept by.
        max_error: the rate for all other fields; None where they are judged by ``min_confidence``.
        min_confidence: the least confidence of any field, whatever its rate; None for ``MIN_CONFIDENCE``, and for
            fields without a rate only.
    """
    rates = list(_rates(forms, max_error))
    known = {key: trust.promise(*key) for key in {(form.name, asked.kind, rate) for form, asked, rate in rates}}
    promises = {
        (form.name, asked.name): _raised(known[form.name, asked.kind, rate], min_confidence or 0.0)
        for form, asked, rate in rates
    }
    return Policy(MIN_CONFIDENCE if min_confidence is None else min_confidence, trust, promises)


def _raised(promise: Promise, least: float) -> Promise:
    return replace(promise, threshold=max(promise.threshold, least))


def _rates(forms: Sequence[FormTemplate], max_error: float | None) -> Iterator[tuple[FormTemplate, Field, float]]:
    for form in forms:
        for asked in form.fields:
            rate = max_error if asked.max_error is None else asked.max_error
            if rate is not None:
                yield form, asked, rate
