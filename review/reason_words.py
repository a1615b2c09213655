"""Why a field is flagged, in a sentence for the person who looks at it; docs/errors.md says more of each reason."""

from __future__ import annotations

from collections.abc import Iterable

from reading.readings import Reason

WORDS = {
    Reason.LOW_CONFIDENCE: "It is not sure enough what is written.",
    Reason.READERS_DISAGREE: "Read digit by digit and read as a whole, it gives two different numbers.",
    Reason.BLANK: "Nothing is written, and the form asks for a value.",
    Reason.STRUCK_OUT: "Something is struck out.",
    Reason.NOT_A_DIGIT: "Something as large as a digit is none.",
    Reason.TOUCHING_UNRESOLVED: "Digits run into each other.",
    Reason.INK_BESIDE: "Something is written beside the boxes.",
    Reason.WRONG_LENGTH: "The number of digits is not what the form asks for.",
    Reason.PATTERN_MISMATCH: "It does not have the form that the value should have.",
    Reason.OUT_OF_RANGE: "It is smaller or larger than the form allows.",
    Reason.CHECK_DIGIT_FAILED: "The check digit does not fit.",
    Reason.DATE_INVALID: "It is no date, or none in the time that the form allows.",
    Reason.NOT_IN_ROSTER: "It is not on the list of known values.",
    Reason.NOT_UNIQUE: "Another page has the same value, and each should occur once.",
    Reason.SUM_MISMATCH: "The sum that it belongs to does not hold, or cannot be checked.",
    Reason.RULE_CHANGED_VALUE: "By its ink alone another value, which breaks a rule of the form, would be likelier.",
    Reason.POOR_IMAGE: "The ink is hardly darker than the paper.",
    Reason.POOR_REGISTRATION: "The page fits its form only just: look whether the whole field is in the picture.",
    Reason.AUDIT_SAMPLE: "It is not sure enough what is written.",  # the sample looks like everything else
    Reason.AUDIT_FAILED: "So far too many values of this kind were wrong, so all are looked at.",
    Reason.UNLIKE_TRAINING: "The writing of this batch is unlike what was seen before.",
}


def in_words(reasons: Iterable[str]) -> list[str]:
    """A sentence for each reason, each once; a code of a newer version as it is."""
    known = {str(reason): words for reason, words in WORDS.items()}
    return list(dict.fromkeys(known.get(reason, reason) for reason in reasons))
