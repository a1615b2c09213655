"""A field over a whole batch: what rules over it are given, and what they change."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.ledger import Ledger
from ledger.settling import RecordedField
from reading.readings import Reason


def test_a_field_over_a_batch_with_answers_and_blanks(
    ledger: Ledger, read: Callable[..., Any], field: Callable[..., Any], tmp_path: Path
) -> None:
    batch, other = ledger.open_batch("scans", "f", "1"), ledger.open_batch("elsewhere", "f", "1")
    names = ("a.png", "b.png", "c.png")
    fields = (field("zip", "0412"), field("zip", "0412", Reason.LOW_CONFIDENCE), field("zip", "", Reason.BLANK))
    ledger.record_chunk(batch, [read(n, 1, "", f, field("no", "7")) for n, f in zip(names, fields, strict=True)])
    ledger.record_chunk(other, [read("a.png")])
    table = ledger.export(batch, tmp_path).readings
    text = table.read_bytes().decode()
    table.write_bytes(text.replace("low_confidence,,", "low_confidence,0472,").encode())
    ledger.import_corrections(table)
    sure, answered, blank = ledger.fields(batch, "envelope", "zip")
    assert (sure.values[0], sure.values[1][0]) == (("0412", 0.98765), "0472")
    assert (answered.values, answered.answered) == ((("0472", 1.0),), True)
    assert blank.values == ()
    assert ledger.fields(batch, "other form", "zip") == []


def test_what_a_rule_changes_is_flagged_and_leaves_the_audit(
    ledger: Ledger, read: Callable[..., Any], field: Callable[..., Any]
) -> None:
    batch = ledger.open_batch("scans", "f", "1")
    ledger.record_chunk(batch, [read("a.png", 1, "", field("zip", "0412"), field("no", "7"))], audit_share=1.0)
    (zip_,) = ledger.fields(batch, "envelope", "zip")
    reasons = (*zip_.reasons, "not_unique")
    ledger.change_fields([replace(zip_, values=(("0472", 0.7), ("0412", 0.2)), reasons=reasons)])
    ledger.change_fields([])
    changed = RecordedField(zip_.page_id, zip_.position, (("0472", 0.7), ("0412", 0.2)), ("not_unique",), False)
    assert ledger.fields(batch, "envelope", "zip") == [changed]
    assert ledger.summary(batch).reasons == {"audit_sample": 1, "not_unique": 1}
