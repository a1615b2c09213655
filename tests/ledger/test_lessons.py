"""What can be learned from: answers of people that are settled, and nothing else."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from ledger.ledger import Ledger
from ledger.review.types import Answer, Place, Scope, Seat, Verdict
from reading.readings import Reason

LOW = Reason.LOW_CONFIDENCE


def places(ledger: Ledger, batch: int, reviewer: str) -> dict[str, Place]:
    """The fields that a reviewer is given, by their scans."""
    items = ledger.review().next_items(Seat(reviewer, reviewer), Scope(batch), 20)
    return {item.scan: item.place for item in items}


def say(ledger: Ledger, reviewer: str, place: Place, value: str, verdict: Verdict = Verdict.VALUE) -> str:
    key = uuid4().hex
    ledger.review().save(Seat(reviewer, reviewer), Answer(place, key, verdict, value))
    return key


def test_only_settled_values_of_people_are_lessons(ledger: Ledger, read: Callable, field: Callable) -> None:
    batch = ledger.open_batch("scans", "f", "1")
    flagged = {name: field("zip", "0412", LOW) for name in ("right", "wrong", "blank", "illegible", "undone", "open")}
    flagged["half"] = field("zip", "0412", LOW, two_keys=True)
    pages = [read(name, 1, "", one) for name, one in {**flagged, "accepted": field("zip", "0412")}.items()]
    ledger.record_chunk(batch, pages)
    ledger.record_chunk(batch, [read("sampled", 1, "", field("zip", "0412"))], audit_share=1.0)
    of = places(ledger, batch, "ann")
    assert set(of) == {*flagged, "sampled"}
    for name, value in (("right", "0412"), ("wrong", "0472"), ("half", "0472")):
        say(ledger, "ann", of[name], value)
    say(ledger, "ann", of["blank"], "", Verdict.BLANK)
    say(ledger, "ann", of["illegible"], "", Verdict.ILLEGIBLE)
    ledger.review().undo(Seat("ann", "ann"), say(ledger, "ann", of["undone"], "0472"), uuid4().hex)
    found = ledger.lessons().corrected()
    assert [(one.sha256, one.value, one.read) for one in found] == [
        (read("right").sha256, "0412", "0412"),
        (read("wrong").sha256, "0472", "0412"),
    ]
    assert (found[0].form, found[0].field, found[0].reviewer) == ("envelope", "zip", "ann")
    assert (found[0].png, found[0].box) == (b"\x89PNGzip", field("zip").box)


def test_two_people_confirm_and_the_audit_teaches_once_it_is_answered(
    ledger: Ledger, read: Callable, field: Callable
) -> None:
    batch = ledger.open_batch("scans", "f", "1")
    ledger.record_chunk(batch, [read("twice", 1, "", field("zip", "0412", LOW, two_keys=True))])
    ledger.record_chunk(batch, [read("sampled", 1, "", field("zip", "0412"))], audit_share=1.0)
    of = places(ledger, batch, "ann")
    for reviewer, scan in (("ann", "twice"), ("bob", "twice"), ("ann", "sampled")):
        say(ledger, reviewer, of[scan], "0472")
    assert [(one.value, one.confirmed) for one in ledger.lessons().corrected()] == [("0472", True), ("0472", False)]


def test_new_answers_are_counted_from_a_number_on(ledger: Ledger, read: Callable, field: Callable[..., Any]) -> None:
    batch = ledger.open_batch("scans", "f", "1")
    ledger.record_chunk(batch, [read(f"{n}.png", 1, "", field("zip", "0412", LOW)) for n in range(3)])
    lessons, of = ledger.lessons(), places(ledger, batch, "ann")
    assert (lessons.newest(), lessons.count_since(0)) == (0, 0)
    say(ledger, "ann", of["0.png"], "0472")
    newest = lessons.newest()
    say(ledger, "ann", of["1.png"], "0412")
    say(ledger, "ann", of["2.png"], "", Verdict.BLANK)
    assert (lessons.count_since(0), lessons.count_since(newest)) == (2, 1)


def test_the_ledger_is_named_without_its_password(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger.open("sqlite:///l.sqlite") as ledger:
        assert ledger.lessons().ledger == f"sqlite:///{tmp_path}/l.sqlite"
