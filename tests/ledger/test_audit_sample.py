import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ledger.audit_sample import FieldKey, disguised, with_audit_sample
from ledger.ledger import Ledger
from ledger.tables import batches, readings
from reading.readings import Reason

KEY, OTHER_KEY = "00" * 16, "01" * 16


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sampled(read: Callable, key: str, share: float, count: int = 2000) -> set[str]:
    pages = [with_audit_sample(read(f"{number}.png"), key, share) for number in range(count)]
    return {page.scan for page in pages if page.fields[0].reasons == (Reason.AUDIT_SAMPLE,)}


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
def test_the_share_is_kept(share: float, read: Callable) -> None:
    expected = 2000 * share
    spread = 4 * (expected * (1 - share)) ** 0.5
    assert abs(len(sampled(read, KEY, share)) - expected) <= spread


def test_the_same_secret_draws_the_same_and_another_does_not(read: Callable) -> None:
    first = sampled(read, KEY, 0.1)
    assert sampled(read, KEY, 0.1) == first
    assert len(sampled(read, OTHER_KEY, 0.1) & first) < 0.3 * len(first)


def test_what_was_flagged_or_blank_is_not_drawn(read: Callable, field: Callable) -> None:
    page = read("a.png", 1, "", field("zip", "1", Reason.WRONG_LENGTH), field("date", ""), field("amount", "12"))
    found = with_audit_sample(page, KEY, 1.0).fields
    assert [each.reasons for each in found] == [(Reason.WRONG_LENGTH,), (), (Reason.AUDIT_SAMPLE,)]
    assert [each.needs_review for each in found] == [True, False, True]


def test_a_drawn_field_looks_doubtful() -> None:
    confidences = []
    for number in range(500):
        key = FieldKey("X", number, "zip")
        confidence, shown = disguised(KEY, key, 0.9, [("472", 3e-6), ("112", 1e-6)])
        assert disguised(KEY, key, 0.9, ()) == (confidence, [])
        assert [value for value, _ in shown] == ["472", "112"]
        assert shown[1][1] <= shown[0][1] <= confidence
        assert sum(probability for _, probability in shown) <= 1 - confidence
        confidences.append(confidence)
    tenths = [sum(0.09 * tenth <= each < 0.09 * (tenth + 1) for each in confidences) for tenth in range(10)]
    assert min(tenths) > 25
    assert sum(tenths) == 500


@pytest.fixture
def batch(ledger: Ledger, read: Callable, field: Callable) -> int:
    made = ledger.open_batch("scans", "zip", "1")
    sure = {"confidence": 0.99998, "alternatives": (("0472", 1e-5),)}
    pages = [read(f"{number}.png", 1, "", field("zip", "0412", **sure)) for number in range(60)]
    doubtful = [
        read(f"d{number}.png", 1, "", field("zip", "0412", Reason.LOW_CONFIDENCE, confidence=number / 70))
        for number in range(60)
    ]
    ledger.record_chunk(made, [*pages, *doubtful], audit_share=0.5)
    return made


def test_the_csv_does_not_tell_which_fields_are_the_sample(ledger: Ledger, batch: int, tmp_path: Path) -> None:
    written = ledger.export(batch, tmp_path)
    with ledger._database.read() as connection:
        drawn = connection.execute(select(readings).where(readings.c.reasons == Reason.AUDIT_SAMPLE)).all()
    assert 15 < len(drawn) < 45
    assert all(row.confidence == 0.99998 and row.needs_review for row in drawn)
    rows = table(written.readings)
    flagged = [row for row in rows if row["needs_review"] == "true"]
    assert len(flagged) == 60 + len(drawn)
    assert {row["reasons"] for row in flagged} == {"low_confidence"}
    assert max(float(row["confidence"]) for row in flagged) <= 0.95
    assert {row["confidence"] for row in rows if row["needs_review"] == "false"} == {"1.0000"}
    assert "audit" not in written.readings.read_text() + written.records.read_text()
    assert sum(row["zip"] == "" for row in table(written.records)) == 60 + len(drawn)
    secret = ledger.export(batch, tmp_path).readings.read_bytes()
    assert secret == written.readings.read_bytes()


def test_each_batch_has_its_own_secret(ledger: Ledger) -> None:
    first, second = (ledger.open_batch(source, "zip", "1") for source in ("one", "two"))
    with ledger._database.read() as connection:
        keys = connection.execute(select(batches.c.audit_key).order_by(batches.c.id)).scalars().all()
    assert first != second
    assert len({*keys}) == 2
    assert all(len(bytes.fromhex(key)) == 16 for key in keys)


def test_another_secret_shows_another_confidence(ledger: Ledger, batch: int, tmp_path: Path) -> None:
    before = ledger.export(batch, tmp_path).readings.read_bytes()
    with ledger._database.write() as connection:
        connection.execute(update(batches).values(audit_key=OTHER_KEY))
    assert ledger.export(batch, tmp_path).readings.read_bytes() != before
