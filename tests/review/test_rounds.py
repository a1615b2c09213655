"""Whole rounds of review through the page's own requests, on SQLite and on PostgreSQL."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from ledger.ledger import Ledger
from ledger.review.types import ReviewPolicy, Scope
from tests.review.api_reviewer import ApiReviewer, place
from tests.review.recorded import Doubt, record

Sit = Callable[..., ApiReviewer]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def sit(client: Callable[..., TestClient]) -> Sit:
    def at_desk(name: str, batch: int, policy: ReviewPolicy | None = None) -> ApiReviewer:
        return ApiReviewer(client(policy=policy), name, batch)

    return at_desk


def corrected(ledger: Ledger, batch: int, folder: Path) -> list[str]:
    with ledger.export(batch, folder).readings.open(encoding="utf-8", newline="") as file:
        return [row["corrected_value"] for row in csv.DictReader(file)]


def test_fields_are_given_to_one_saved_and_exported(sit: Sit, url: str, ledger: Ledger, tmp_path: Path) -> None:
    batch = record(url, [Doubt("11", 0.6), Doubt("22", 0.7), Doubt("33", 0.8)])
    anna, ben = sit("Anna", batch), sit("Ben", batch)
    first, second = anna.next(2)
    (third,) = ben.next(2)
    assert len({first, second, third}) == 3
    assert anna.next(2) == [first, second]  # after a reload
    assert anna.answer(first, "11").json() == {"known": False, "late": False, "counts": "2 left, about 4 s"}
    assert anna.answer(second, "", verdict="illegible").status_code == 200
    assert ben.answer(third, "34").json()["counts"] == "0 left"
    assert corrected(ledger, batch, tmp_path) == ["11", "illegible", "34"]
    found = ledger.review().statistics(Scope(batch=batch))
    assert (found.reviewed, found.agreed) == (3, 1)


def test_a_lease_ends_by_itself_unless_it_is_renewed(sit: Sit, url: str) -> None:
    batch = record(url, [Doubt("11")])
    short = ReviewPolicy(lease_s=0.01, known_share=0.0)
    anna, ben, carla = sit("Anna", batch, short), sit("Ben", batch), sit("Carla", batch)
    (item,) = anna.next()
    time.sleep(0.05)
    assert ben.next() == [item]
    assert anna.post("/api/leases", {"items": [item]}).json() == {"items": []}
    assert ben.post("/api/leases", {"items": [item]}).json() == {"items": [item]}
    assert carla.next() == []


def test_skipped_fields_come_last(sit: Sit, url: str) -> None:
    batch = record(url, [Doubt("11", 0.6), Doubt("22", 0.7)])
    anna = sit("Anna", batch)
    first, second = anna.next(2)
    assert anna.post("/api/skips", {"item": first}).status_code == 200
    anna.answer(second, "22")
    assert anna.next(2) == [first]


def test_an_answer_is_taken_back_and_nothing_is_overwritten(sit: Sit, url: str, ledger: Ledger, tmp_path: Path) -> None:
    batch = record(url, [Doubt("11")])
    anna = sit("Anna", batch)
    (item,) = anna.next()
    key, undo = uuid4().hex, uuid4().hex
    anna.answer(item, "9", id=key)
    for _ in range(2):  # as when the first answer was lost on its way
        assert anna.post("/api/undo", {"id": undo, "answer": key}).json()["item"] == item
    assert anna.next() == [item]
    anna.answer(item, "12")
    assert [(c.was, c.value) for c in ledger.review().history(place(item))] == [("11", "9"), ("9", ""), ("11", "12")]
    assert corrected(ledger, batch, tmp_path) == ["12"]
    assert "taken back" in anna.get("/field", item=item).text


def test_two_keys_that_differ_are_decided_by_a_third(sit: Sit, url: str, ledger: Ledger, tmp_path: Path) -> None:
    batch = record(url, [Doubt("123", two_keys=True)])
    anna, ben, carla = (sit(name, batch) for name in ("Anna", "Ben", "Carla"))
    (item,) = anna.next()
    anna.answer(item, "123")
    assert anna.next() == []
    (shown,) = ben.items()
    assert "Anna" not in shown["html"]
    ben.answer(item, "128")
    ben.answer(item, "129")  # their own key, changed before it counts
    assert (anna.next(), ben.next()) == ([], [])
    (shown,) = carla.items()
    assert [shown["html"].count(f"<b>{value}</b>") for value in ("123", "128", "129")] == [1, 0, 1]
    carla.answer(item, "123")
    assert corrected(ledger, batch, tmp_path) == ["123"]
    assert [int(c.stage) for c in ledger.review().history(place(item))] == [1, 2, 2, 3]


def test_a_carpet_is_saved_at_once(sit: Sit, url: str, ledger: Ledger, tmp_path: Path) -> None:
    batch = record(url, [Doubt("7", 0.6), Doubt("7", 0.7), Doubt("7", 0.8)])
    anna = sit("Anna", batch)
    items = anna.next(3)
    seen = [{"id": uuid4().hex, "item": item, "odd": item == items[1]} for item in items]
    for _ in range(2):
        assert anna.post("/api/carpets", {"value": "7", "seconds": 1.0, "items": seen}).json()["odd"] == 1
    assert corrected(ledger, batch, tmp_path) == ["7", "", "7"]
    assert anna.next(3) == [items[1]]


def test_another_server_goes_on_where_one_ended(sit: Sit, url: str) -> None:
    batch = record(url, [Doubt("11"), Doubt("22", 0.9)])
    anna = sit("Anna", batch)
    first, _ = anna.next(2)
    key = uuid4().hex
    anna.answer(first, "11", id=key)
    again = sit("Anna", batch)
    again.browser.cookies = anna.browser.cookies
    again.browser.headers["X-CSRF-Token"] = anna.browser.headers["X-CSRF-Token"]
    assert again.answer(first, "11", id=key).json()["known"] is True


def test_what_is_erased_is_shown_to_nobody_and_counted_still(sit: Sit, url: str, ledger: Ledger) -> None:
    source = f"/scans/{uuid4().hex}"
    batch = record(url, [Doubt("412"), Doubt("22", 0.9)], source)
    anna = sit("Anna", batch)
    first, second = anna.next(2)
    anna.answer(first, "412")
    before = ledger.review().statistics(Scope(batch=batch))
    ledger.erase(source, None)
    assert anna.next(2) == []
    assert anna.answer(second, "22").status_code == 409
    for path in ("/field", "/review"):
        page = anna.get(path, item=first)
        assert (page.status_code, "data:image/png" in page.text) == (409, False)
        assert "it may have been erased" in page.text
    after = ledger.review().statistics(Scope(batch=batch))
    assert (after.reviewed, after.agreed) == (before.reviewed, before.agreed) == (1, 1)
