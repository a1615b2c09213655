"""What the read path says: a ``PageReading`` of ``FieldReading``s, and why a person should look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from forms.template import Box, FieldKind
from preprocessing.page import PixelBox


class Reason(StrEnum):
    """Why a field is flagged. One vocabulary for the CSV, the ledger, the review page and docs/errors.md."""

    LOW_CONFIDENCE = "low_confidence"
    READERS_DISAGREE = "readers_disagree"  # reading digit by digit and reading the whole strip give different values
    BLANK = "blank"  # a required field without ink
    STRUCK_OUT = "struck_out"
    NOT_A_DIGIT = "not_a_digit"
    TOUCHING_UNRESOLVED = "touching_unresolved"
    INK_BESIDE = "ink_beside"  # something is written beside the boxes: a correction, or a digit too many
    WRONG_LENGTH = "wrong_length"
    PATTERN_MISMATCH = "pattern_mismatch"
    OUT_OF_RANGE = "out_of_range"
    CHECK_DIGIT_FAILED = "check_digit_failed"
    DATE_INVALID = "date_invalid"
    NOT_IN_ROSTER = "not_in_roster"
    NOT_UNIQUE = "not_unique"  # the value of a roster stands on another page of the batch too
    SUM_MISMATCH = "sum_mismatch"  # of a sum that does not hold, or that can't be checked
    RULE_CHANGED_VALUE = "rule_changed_value"  # without the form's rules another value would have been read
    POOR_IMAGE = "poor_image"  # not sure enough, and the ink is hardly darker than the paper
    POOR_REGISTRATION = "poor_registration"
    AUDIT_SAMPLE = "audit_sample"  # accepted, and checked blind: only the ledger says so, the CSV says low_confidence
    AUDIT_FAILED = "audit_failed"  # what people found in the audit sample broke the error rate that was asked for
    UNLIKE_TRAINING = "unlike_training"  # the batch's writing is too far from what acceptance was set on


@dataclass(frozen=True, slots=True)
class DigitReading:
    """One digit of a value: what was read, how sure, and where in the field's crop."""

    digit: str
    probability: float
    box: PixelBox


@dataclass(frozen=True, slots=True)
class Traits:
    """What a field's writing is like, whatever it says: ``reading.drift`` compares many of them.

    ``not_a_digit`` in [0, 1] is the mean probability of being none over the digits of the best way to cut the field (1
    where there are none); the others are those of ``preprocessing.ink_traits.InkTraits``.
    """

    not_a_digit: float
    ink_share: float
    stroke_share: float
    contrast: float


@dataclass(frozen=True, slots=True)
class FieldReading:
    """One field of one page.

    ``value`` is "" for a blank or struck-out field. ``confidence`` is the probability that the whole value is right.
    ``alternatives`` are the next best values with their probabilities, best first. ``crop_png`` is the field as
    scanned, in grey; ``box`` is where it lies on the form. ``traits`` is None where there is no ink.
    ``two_keys``: where people have to look, two of them key it.
    """

    field: str
    value: str
    confidence: float
    needs_review: bool
    reasons: tuple[Reason, ...]
    alternatives: tuple[tuple[str, float], ...]
    digits: tuple[DigitReading, ...]
    box: Box
    crop_png: bytes
    kind: FieldKind = FieldKind.FREEHAND
    threshold: float = 0.0
    signals: Mapping[str, float] | None = None
    traits: Traits | None = None
    two_keys: bool = False


@dataclass(frozen=True, slots=True)
class PageReading:
    """One page that was read: every field of its form, in the form's order."""

    scan: str
    page: int
    sha256: str
    form: str
    form_version: str
    residual_mm: float
    model: str
    threshold: float  # fields with less confidence are flagged
    fields: tuple[FieldReading, ...]
