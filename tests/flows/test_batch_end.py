"""Rules over a whole batch, on what its pages recorded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.batches.batch_end import apply_batch_rules
from forms.rules import BatchTotal, Roster
from forms.template import Box
from ledger.ledger import Ledger
from reading.readings import FieldReading, PageReading
from tests.drawn_forms import comb, template

IDS = Roster(frozenset({"12", "17"}), unique=True)
FORM = template((replace(comb("id", 0, 0, 2), roster=IDS), comb("amount", 0, 20, 3)))
FORM = replace(FORM, batch_totals=(BatchTotal("amount", 30),))
NOTHING = Box(0, 0, 1, 1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as opened:
        yield opened


def page(scan: str, value: str, confidence: float, other: str) -> PageReading:
    number = FieldReading("id", value, confidence, False, (), ((other, 1 - confidence),), (), NOTHING, b"")
    amount = FieldReading("amount", "10", 1.0, False, (), (), (), NOTHING, b"")
    return PageReading(scan, 1, scan, FORM.name, "1", 0.1, "cnn", 0.95, (number, amount))


def test_unique_values_are_assigned_and_totals_added_up(ledger: Ledger) -> None:
    batch = ledger.open_batch("scans", "f", "1")
    ledger.record_chunk(batch, [page("a", "12", 0.99, "17"), page("b", "12", 0.96, "17"), page("c", "88", 0.9, "89")])
    assert apply_batch_rules(ledger, batch, (FORM,)) == ("amount adds up to 30 as stated",)
    first, second, third = ledger.fields(batch, FORM.name, "id")
    assert (first.values[0][0], first.reasons) == ("12", ())
    assert (second.values[0][0], second.reasons) == ("17", ("rule_changed_value",))
    assert third.values[0] == ("88", 0.9)
    apply_batch_rules(ledger, batch, (FORM,))
    assert ledger.fields(batch, FORM.name, "id") == [first, second, third]


def test_a_form_without_such_rules_changes_nothing(ledger: Ledger) -> None:
    batch = ledger.open_batch("scans", "f", "1")
    ledger.record_chunk(batch, [page("a", "12", 0.99, "17"), page("b", "12", 0.96, "17")])
    before = ledger.fields(batch, FORM.name, "id")
    plain = replace(FORM, fields=(replace(FORM.fields[0], roster=replace(IDS, unique=False)),), batch_totals=())
    assert apply_batch_rules(ledger, batch, (plain,)) == ()
    assert ledger.fields(batch, FORM.name, "id") == before
