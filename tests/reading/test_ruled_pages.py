"""The rules of a form in the read path: from prepared pages to readings that say what a rule did."""

from dataclasses import replace

import numpy as np
import pytest

from forms.rules import Roster, SumRule
from forms.template import FormTemplate
from preprocessing.page import CellState, PixelBox
from reading.pipeline import PreparedField, PreparedPage, PreparedPiece, finish_pages
from reading.policy import Policy
from reading.readings import FieldReading, Reason
from tests.drawn_forms import comb, template

FORM = template((comb("id", 20, 20, 2), comb("copy", 20, 40, 2)))
DIGITS = ((1, 0.95, 7), (7, 0.6, 1))  # for each cell what is read, how sure, and what else it may be


class Known:
    """Says the same of every field: 17, or 11, 77 and 71."""

    name = "known"

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        rows = np.full((2, 11), 1e-6)
        for row, (digit, sure, other) in zip(rows, DIGITS, strict=True):
            row[digit], row[other] = sure, 1 - sure
        return np.tile(rows, (len(images) // 2, 1))


def prepared(form: FormTemplate) -> PreparedPage:
    pieces = tuple(PreparedPiece(n, n + 1, PixelBox(9 * n, 0, 9 * n + 8, 9), 0.0) for n in range(2))
    images, ink = np.zeros((2, 28, 28), np.uint8), (CellState.INK,) * 2
    fields = (PreparedField(field, b"", 2, pieces, images, None, ink, False, None) for field in form.fields)
    return PreparedPage("a.png", 1, "", form, 0.1, tuple(fields))


def read(form: FormTemplate) -> tuple[FieldReading, ...]:
    return finish_pages([prepared(form)], Known(), Policy())[0].fields


def test_without_rules_the_likeliest_is_read():
    assert [field.value for field in read(FORM)] == ["17", "17"]


@pytest.mark.parametrize(
    ("there", "kept", "value", "reason"),
    [
        ("11", 0.99, "11", Reason.RULE_CHANGED_VALUE),
        ("77", 0.99, "77", Reason.RULE_CHANGED_VALUE),
        ("77", 0.5, "17", Reason.NOT_IN_ROSTER),
        ("99", 0.99, "17", Reason.NOT_IN_ROSTER),
    ],
)
def test_a_rule_changes_a_value_or_flags_it(there, kept, value, reason):
    asked = replace(FORM.fields[0], roster=Roster(frozenset({there})), rules_kept=kept)
    number, copy = read(replace(FORM, fields=(asked, FORM.fields[1])))
    assert number.value == value
    assert reason in number.reasons
    assert number.needs_review
    assert (value == "17") or ("17" in dict(number.alternatives))
    assert "".join(digit.digit for digit in number.digits) == value
    assert copy.value == "17"


def test_a_rule_that_holds_makes_surer_and_accepts():
    asked = replace(FORM.fields[0], roster=Roster(frozenset({"17", "22"})))
    number, copy = read(replace(FORM, fields=(asked, FORM.fields[1])))
    assert (number.value, number.reasons) == ("17", ())
    assert number.confidence > 0.95 > copy.confidence


def test_a_sum_across_fields_is_part_of_reading():
    parts = replace(FORM.fields[0], max_value=11)
    ruled = replace(FORM, fields=(parts, FORM.fields[1]), sums=(SumRule(("id",), ("copy",)),))
    assert [field.value for field in read(ruled)] == ["11", "11"]
    assert all(Reason.RULE_CHANGED_VALUE in field.reasons for field in read(ruled))
