"""What a field is reported as, and every reason that it is flagged for."""

from dataclasses import replace

import pytest

from forms.template import Box, Field, FieldKind
from preprocessing.page import CellState
from reading.combination import Values
from reading.decision import BLANK_CONFIDENCE, Evidence, decide
from reading.readings import Reason

INK, EMPTY, STRUCK_OUT = CellState.INK, CellState.EMPTY, CellState.STRUCK_OUT


def field(**stated) -> Field:
    return Field("f", FieldKind.COMB, (Box(0, 0, 5, 5),), **({"min_length": 2, "max_length": 3} | stated))


def decoded(value: str, confidence: float = 0.99) -> Values:
    return ((value, confidence), ("99", 1 - confidence))


def evidence(*states: CellState, ignored: int = 0, truncated: bool = False, residual_share: float = 0.1) -> Evidence:
    return Evidence(states or (INK, INK), ignored, truncated, residual_share)


NOTHING: Values = ()
LOW = Reason.LOW_CONFIDENCE
CASES = [
    (field(), decoded("12"), evidence(), "12", ()),
    (field(), decoded("12", 0.95), evidence(), "12", ()),
    (field(), decoded("12", 0.9499), evidence(), "12", (Reason.LOW_CONFIDENCE,)),
    (field(), decoded("007"), evidence(), "007", ()),
    (field(), decoded("1"), evidence(), "1", (Reason.WRONG_LENGTH,)),
    (field(), decoded("1234"), evidence(), "1234", (Reason.WRONG_LENGTH,)),
    (field(), decoded("12"), evidence(INK, EMPTY, INK), "12", (Reason.WRONG_LENGTH,)),
    (field(), decoded("12"), evidence(EMPTY, INK, INK), "12", ()),
    (field(), decoded("12"), evidence(INK, INK, EMPTY), "12", ()),
    (field(pattern="1."), decoded("12"), evidence(), "12", ()),
    (field(pattern="1"), decoded("12"), evidence(), "12", (Reason.PATTERN_MISMATCH,)),
    (field(min_value=12, max_value=12), decoded("12"), evidence(), "12", ()),
    (field(min_value=13), decoded("12"), evidence(), "12", (Reason.OUT_OF_RANGE,)),
    (field(max_value=11), decoded("012"), evidence(), "012", (Reason.OUT_OF_RANGE,)),
    (field(), decoded("12"), evidence(ignored=1), "12", (Reason.NOT_A_DIGIT,)),
    (field(), decoded("12", 0.9), replace(evidence(), readers_agree=False), "12", (LOW, Reason.READERS_DISAGREE)),
    (field(), decoded("12"), replace(evidence(), readers_agree=False), "12", (Reason.READERS_DISAGREE,)),
    (field(), decoded("12", 0.9), replace(evidence(), contrast=0.1), "12", (LOW, Reason.POOR_IMAGE)),
    (field(), decoded("12", 0.9), replace(evidence(), contrast=0.2), "12", (LOW,)),
    (field(), decoded("12"), replace(evidence(), contrast=0.1), "12", ()),
    (field(), decoded("12"), evidence(truncated=True), "12", (Reason.TOUCHING_UNRESOLVED,)),
    (field(), decoded("12"), evidence(residual_share=0.9), "12", (Reason.POOR_REGISTRATION,)),
    (field(), NOTHING, evidence(EMPTY, EMPTY), "", (Reason.BLANK,)),
    (field(required=False), NOTHING, evidence(EMPTY, EMPTY), "", ()),
    (field(), decoded(""), evidence(STRUCK_OUT, STRUCK_OUT), "", (Reason.STRUCK_OUT,)),
    (field(required=False), decoded(""), evidence(STRUCK_OUT, EMPTY), "", (Reason.STRUCK_OUT,)),
    (field(), decoded(""), evidence(INK), "", (Reason.NOT_A_DIGIT,)),
    (
        field(pattern="4..", max_value=3),
        decoded("5", 0.2),
        evidence(INK, truncated=True, ignored=2, residual_share=1.0),
        "5",
        (
            Reason.LOW_CONFIDENCE,
            Reason.WRONG_LENGTH,
            Reason.PATTERN_MISMATCH,
            Reason.OUT_OF_RANGE,
            Reason.NOT_A_DIGIT,
            Reason.TOUCHING_UNRESOLVED,
            Reason.POOR_REGISTRATION,
        ),
    ),
]


@pytest.mark.parametrize(("asked", "values", "known", "value", "reasons"), CASES)
def test_a_field_is_decided(asked, values, known, value, reasons):
    found, confidence, why = decide(asked, values, known, 0.95)
    assert (found, set(why)) == (value, set(reasons))
    assert len(why) == len(set(why))
    assert confidence == (values[0][1] if values else BLANK_CONFIDENCE)


@pytest.mark.parametrize(("threshold", "is_flagged"), [(0.0, False), (0.9, False), (0.91, True), (1.0, True)])
def test_the_user_sets_the_threshold(threshold, is_flagged):
    reasons = decide(field(), decoded("12", 0.9), evidence(), threshold)[2]
    assert (Reason.LOW_CONFIDENCE in reasons) == is_flagged


def test_a_struck_out_cell_beside_digits_is_looked_at():
    assert decide(field(), decoded("12"), evidence(INK, INK, STRUCK_OUT), 0.95)[2]
