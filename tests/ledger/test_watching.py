from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from forms.template import FieldKind
from ledger.ledger import Ledger
from ledger.tables import readings
from ledger.watching import STATISTICS, Group
from reading.readings import Reason, Traits

ZIP = Group("envelope", FieldKind.COMB, "cnn 1")
DATE = Group("envelope", FieldKind.FREEHAND, "cnn 1")


def page(read: Callable, field: Callable, number: int, **changes: object) -> object:
    traits = Traits(0.01, number / 1000, 0.1, 0.6)
    fields = (
        field("zip", "00412", kind=FieldKind.COMB, traits=traits, **changes),
        field("date", "0102", Reason.LOW_CONFIDENCE, kind=FieldKind.FREEHAND, traits=traits),
        field("amount", "", kind=FieldKind.COMB),
    )
    return read(f"{number}.png", 1, "", *fields)


@pytest.fixture
def record(ledger: Ledger, read: Callable, field: Callable) -> Callable[..., int]:
    def add(*numbers: int, source: str = "scans") -> int:
        batch = ledger.open_batch(source, "envelope", "1")
        ledger.record_chunk(batch, [page(read, field, number) for number in numbers])
        return batch

    return add


def flagged(ledger: Ledger, field: str) -> list[str]:
    query = select(readings.c.reasons).where(readings.c.field == field, readings.c.needs_review)
    with ledger._database.read() as connection:
        return list(connection.execute(query).scalars())


def test_the_first_fields_of_a_group_in_any_batch(record: Callable, ledger: Ledger) -> None:
    for batch in (record(1, 2, source="one"), record(3, 4, 5, source="two")):
        assert len(ledger.first_fields(ZIP, 3)) < 3
        ledger.end_watch(batch, [], Reason.UNLIKE_TRAINING)
    record(6, source="two")
    found = ledger.first_fields(ZIP, 3)
    assert len(ledger.first_fields(ZIP, 9)) == 5
    assert tuple(found.samples) == STATISTICS
    assert found.samples["ink_share"] == [0.001, 0.002, 0.003]
    assert found.samples["confidence"] == [0.98765] * 3
    assert len(ledger.first_fields(Group("envelope", FieldKind.COMB, "cnn 2"), 3)) == 0


def test_what_is_new_since_the_last_watch(record: Callable, ledger: Ledger) -> None:
    batch = record(1, 2, 3)
    assert ledger.unwatched_groups(batch) == [ZIP, DATE]
    assert len(ledger.newest_fields(batch, ZIP, 0, 1)) == 3
    ledger.end_watch(batch, [], Reason.UNLIKE_TRAINING)
    assert ledger.unwatched_groups(batch) == []
    record(4)
    assert ledger.newest_fields(batch, ZIP, 0, 1).samples["ink_share"] == [0.004]
    assert ledger.newest_fields(batch, ZIP, 0, 3).samples["ink_share"] == [0.004, 0.003, 0.002]
    last_of_first = ledger.first_fields(ZIP, 2).last_page
    assert len(ledger.first_fields(ZIP, 9)) == 3
    assert ledger.newest_fields(batch, ZIP, last_of_first, 9).samples["ink_share"] == [0.004, 0.003]


def test_only_what_is_new_accepted_and_of_the_group_is_withheld(record: Callable, ledger: Ledger) -> None:
    batch = record(1, 2)
    ledger.end_watch(batch, [], Reason.UNLIKE_TRAINING)
    record(3, 4, 5), record(6, source="other")
    assert ledger.end_watch(batch, [ZIP], Reason.UNLIKE_TRAINING) == 3
    assert flagged(ledger, "zip") == ["unlike_training"] * 3
    assert len(ledger.first_fields(ZIP, 9)) == 2
    assert flagged(ledger, "date") == ["low_confidence"] * 6
    assert flagged(ledger, "amount") == []
    assert ledger.end_watch(batch, [ZIP], Reason.UNLIKE_TRAINING) == 0


def test_the_audit_sample_and_its_newest_answers(
    ledger: Ledger, read: Callable, field: Callable, tmp_path: Path
) -> None:
    batch = ledger.open_batch("scans", "envelope", "1")
    ledger.record_chunk(batch, [page(read, field, number) for number in range(3)], audit_share=1.0)
    content = set(ledger.recorded(batch, [read(f"{n}.png").sha256 for n in range(3)]))
    head = "sha256,page,field,value,corrected_value,reviewer\n"
    for values in (["00413", "", "1"], ["00412", "", "1"]):
        rows = (f"{sha},1,zip,00412,{value},Ada\n" for sha, value in zip(sorted(content)[:2], values, strict=False))
        (tmp_path / "r.csv").write_text(head + "".join(rows))
        ledger.import_corrections(tmp_path / "r.csv")
    found = ledger.audited()
    assert {(each.group, each.field, each.value, each.confidence) for each in found} == {(ZIP, "zip", "00412", 0.98765)}
    assert sorted(each.answer or "" for each in found) == ["", "00412", "00412"]
