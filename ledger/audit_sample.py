"""The blind audit sample: which accepted fields people check without being told, and how their rows are disguised.

What a field shares with the flagged ones is all that a reviewer may see of it. So the ledger calls its reason
``audit_sample``, and the CSV shows it as a field of low confidence: with that reason, with a confidence below the
threshold and with alternatives to match. Everything is drawn by a keyed hash (HMAC, RFC 2104) of what is on the page,
so that a rerun draws the same and nobody without the batch's secret can tell which fields were drawn.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reading.readings import FieldReading, PageReading, Reason

Alternatives = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class FieldKey:
    """What a field's draw depends on."""

    sha256: str
    page: int
    field: str


def with_audit_sample(reading: PageReading, key: str, share: float) -> PageReading:
    """The reading, where ``share`` in [0, 1] of the accepted fields, on average, are flagged as ``audit_sample``.

    Fields that were read as blank are not drawn: among flagged ones they would stand out.
    """
    return replace(reading, fields=tuple(_sampled(field, reading, key, share) for field in reading.fields))


def _sampled(field: FieldReading, reading: PageReading, key: str, share: float) -> FieldReading:
    if field.needs_review or not field.value:
        return field
    if _draw(key, "audit", FieldKey(reading.sha256, reading.page, field.field)) >= share:
        return field
    return replace(field, needs_review=True, reasons=(Reason.AUDIT_SAMPLE,))


def disguised(key: str, field: FieldKey, threshold: float, alternatives: Alternatives) -> tuple[float, Alternatives]:
    """A confidence and alternatives for a drawn field as flagged fields have them; the same at each call.

    Confidences of fields that are flagged as doubtful lie about evenly below the threshold, and their alternatives
    hold any part of what is left of 1: so measured on real amounts.
    """
    confidence = threshold * _draw(key, "confidence", field)
    left = _draw(key, "alternatives", field) * (1 - confidence)
    total = sum(probability for _, probability in alternatives)
    scale = left / total if total else 0.0
    return confidence, [(value, min(scale * probability, confidence)) for value, probability in alternatives]


def _draw(key: str, purpose: str, field: FieldKey) -> float:
    """A number in [0, 1), uniform over fields."""
    text = "\0".join((purpose, field.sha256, str(field.page), field.field))
    digest = hmac.digest(bytes.fromhex(key), text.encode(), hashlib.sha256)
    return int.from_bytes(digest[:6]) / 2**48
