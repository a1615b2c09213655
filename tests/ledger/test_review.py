"""The review over a real ledger: what is given to whom, what is saved, and what the CSVs make of it."""

import csv
import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ledger.ledger import Ledger
from ledger.review.desk import Review
from ledger.review.known_answers import KnownAnswer
from ledger.review.types import Answer, AnswerError, Key, Place, ReviewPolicy, Saved, Scope, Seat, Stage, Verdict
from reading.readings import DigitReading, Reason

ADA, BOB = Seat("Ada", "a"), Seat("Bob", "b")
CYD = Seat("Cyd", "c", adjudicates=True)
LOW = Reason.LOW_CONFIDENCE
VALUE = Verdict.VALUE
WHOLE_TABLE = re.compile("SCAN (readings|review_items|corrections|crops|pages)")
numbers = itertools.count()


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Work:
    """A batch of three pages: zip (confidence 0.9, 0.8, 0.7), a blank date, an accepted amount, a two-key total."""

    def __init__(self, ledger: Ledger, read: Callable, field: Callable, policy: ReviewPolicy):
        self.ledger, self.clock = ledger, Clock()
        self.batch = ledger.open_batch("scans", "zip", "1")
        pages = [read(f"{number}.png", 1, f"sha{number}", *self._fields(field, number)) for number in range(3)]
        ledger.record_chunk(self.batch, pages)
        self.scope = Scope(batch=self.batch)
        self.review = Review(ledger._database, policy, self.clock, lambda: 0.4)

    def _fields(self, field: Callable, number: int) -> list[Any]:
        sure = 0.9 - number / 10
        total = field("total", "77", LOW, two_keys=True, confidence=0.94)
        return [field("zip", "0412", LOW, confidence=sure), field("date", "", Reason.BLANK), field("amount"), total]

    def give(self, seat: Seat, count: int = 1, **held: Any) -> list[Place]:
        return [item.place for item in self.review.next_items(seat, self.scope, count, **held)]

    def say(self, seat: Seat, place: Place, value: str = "", verdict: Verdict = VALUE, **more: Any) -> Saved:
        more.setdefault("key", f"key {next(numbers)}")
        return self.review.save(seat, Answer(place, verdict=verdict, value=value, **more))

    def place(self, page: int, field: int) -> Place:
        return Place(page, field)

    def exported(self, folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        written = self.ledger.export(self.batch, folder)
        return table(written.readings), table(written.records)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def work(ledger: Ledger, read: Callable, field: Callable) -> Work:
    return Work(ledger, read, field, ReviewPolicy(known_share=0.0))


@pytest.fixture
def sqlite_work(sqlite_ledger: Ledger, read: Callable, field: Callable) -> Work:
    return Work(sqlite_ledger, read, field, ReviewPolicy(known_share=0.0))


ZIPS = [Place(3, 0), Place(2, 0), Place(1, 0)]  # the least sure first


def test_the_least_sure_first_and_nothing_twice(work: Work) -> None:
    assert work.give(ADA, 2) == ZIPS[:2]
    assert work.give(BOB) == ZIPS[2:]
    assert work.give(ADA, 2) == ZIPS[:2]  # after a reload
    assert work.give(ADA, 1, held=ZIPS[:2]) == [Place(1, 3)]
    assert len(work.give(CYD, 99)) == 9 - 4
    assert work.give(Seat("Dot", "d"), 99) == []


def test_a_lease_ends_by_itself_unless_it_is_renewed(work: Work) -> None:
    first, second = work.give(ADA, 2)
    work.clock.now += timedelta(seconds=100)
    assert work.review.renew(ADA, [first]) == [first]
    work.clock.now += timedelta(seconds=100)
    assert work.give(BOB) == [second]
    assert work.review.renew(ADA, [first, second]) == [first]
    work.review.release(ADA)
    assert work.give(BOB, 1, held=[second]) == [first]


def test_prefetching_renews_what_the_page_holds(sqlite_work: Work) -> None:
    held = sqlite_work.give(ADA, 2)
    for _ in range(3):
        sqlite_work.clock.now += timedelta(seconds=100)
        assert not {*sqlite_work.give(ADA, 1, held=held)} & {*held}
        assert not {*sqlite_work.give(BOB, 2)} & {*held}


def test_what_is_skipped_comes_last(work: Work) -> None:
    (first,) = work.give(ADA)
    work.review.skip(ADA, first)
    assert work.give(ADA, 99)[-1] == first


def test_an_answer_is_recorded_once_however_often_it_is_sent(work: Work) -> None:
    (place,) = work.give(ADA)
    answer = Answer(place, "once", VALUE, "0413", seconds=1.5, overrides=("out_of_range",))
    assert [work.review.save(ADA, answer).known for _ in range(3)] == [False, True, True]
    (change,) = work.review.history(place)
    told = (change.reviewer, change.was, change.value, change.seconds, change.overrides, change.counts)
    assert told == ("Ada", "0412", "0413", 1.5, ("out_of_range",), True)
    assert place not in work.give(ADA, 99)
    assert work.ledger.summary(work.batch).checked == 1


def test_undo_is_a_row_and_gives_the_field_back(work: Work) -> None:
    (place,) = work.give(ADA)
    work.say(ADA, place, "0413", key="one")
    with pytest.raises(AnswerError, match="Ada's"):
        work.review.undo(BOB, "one", "undo")
    assert [work.review.undo(ADA, "one", "undo") for _ in range(2)] == [place] * 2
    assert place not in work.give(BOB, 99)
    assert place in work.give(ADA, 99)
    history = work.review.history(place)
    assert [(change.verdict, change.was, change.counts) for change in history] == [
        (VALUE, "0412", False),
        (Verdict.RETRACTED, "0413", False),
    ]
    assert work.review.progress(work.scope).settled == 0


def test_an_answer_that_is_none(sqlite_work: Work) -> None:
    (place,) = sqlite_work.give(ADA)
    for bad in (
        {"value": "12a"},
        {"value": ""},
        {"value": "\uff14"},
        {"value": "1", "verdict": Verdict.BLANK},
        {"verdict": Verdict.RETRACTED},
        {"value": "1", "key": ""},
        {"value": "1", "key": "k" * 101},
        {"value": "1", "place": Place(99, 0)},
    ):
        with pytest.raises(AnswerError):
            sqlite_work.say(ADA, bad.pop("place", place), **bad)
    with pytest.raises(AnswerError):
        sqlite_work.review.undo(ADA, "nothing", "undo")
    assert sqlite_work.review.history(place) == []


def test_what_was_erased_can_neither_be_answered_nor_come_back(sqlite_work: Work) -> None:
    first, second = sqlite_work.give(ADA, 2)
    sqlite_work.say(ADA, first, "0413", key="one")
    sqlite_work.ledger.erase("scans", None)
    with pytest.raises(AnswerError, match="no such field"):
        sqlite_work.say(ADA, second, "0413")
    with pytest.raises(AnswerError, match="no such field"):
        sqlite_work.review.undo(ADA, "one", "undo")
    assert sqlite_work.give(ADA, 99) == []
    assert sqlite_work.review.statistics().reviewed == 1


def test_a_carpet_is_saved_as_a_whole_or_not_at_all(work: Work) -> None:
    assert [(group.value, group.count) for group in work.review.value_groups(work.scope)] == [("0412", 3)]
    items = work.review.carpet(ADA, work.scope, "0412", 2)
    assert [item.place for item in items] == ZIPS[:2]
    assert [item.place for item in work.review.carpet(BOB, work.scope, "0412", 9)] == ZIPS[2:]
    good = [Answer(place, f"carpet {place}", VALUE, "0412") for place in ZIPS]
    with pytest.raises(AnswerError):
        work.review.save_all(ADA, [*good, Answer(Place(99, 0), "bad", VALUE, "1")])
    assert work.review.progress(work.scope).settled == 0
    assert [saved.known for saved in work.review.save_all(ADA, good)] == [False] * 3
    assert work.review.progress(work.scope).settled == 3


def test_a_guess_that_is_likely_wrong_is_hidden(sqlite_ledger: Ledger, read: Callable, field: Callable) -> None:
    work = Work(sqlite_ledger, read, field, ReviewPolicy(blind_below=0.75, known_share=0.0))
    hidden, shown = work.review.next_items(ADA, work.scope, 2)
    assert (hidden.guess, hidden.confidence, hidden.alternatives, hidden.digits[0].digit) == (None, None, (), None)
    assert (shown.guess, shown.confidence, shown.digits[0].digit) == ("0412", 0.8, "0")
    assert [group.count for group in work.review.value_groups(work.scope)] == [2]


def test_the_doubtful_digit_is_marked(sqlite_ledger: Ledger, read: Callable, field: Callable) -> None:
    box = field("x").digits[0].box
    digits = tuple(DigitReading(digit, sure, box) for digit, sure in (("0", 0.9), ("4", 0.4), ("1", 0.8)))
    batch = sqlite_ledger.open_batch("scans", "zip", "1")
    sqlite_ledger.record_chunk(batch, [read("a.png", 1, "", field("zip", "041", LOW, digits=digits))])
    (item,) = sqlite_ledger.review().next_items(ADA, Scope(form="envelope"))
    assert (item.doubtful, item.png, item.box.width_mm) == (1, b"\x89PNGzip", 48)


def settle_two_keys(work: Work, second: str) -> Place:
    place = work.place(1, 3)
    assert place in work.give(ADA, 99)
    assert work.review.item(ADA, place).guess is None
    work.say(ADA, place, "77")
    work.review.release(ADA)
    assert place not in work.give(ADA, 99)
    work.review.release(ADA)
    item = work.review.next_items(BOB, work.scope)[0]
    assert (item.place, item.stage, item.guess, item.keys) == (place, Stage.SECOND, None, ())
    work.say(BOB, place, second)
    return place


def test_two_keys_that_agree(work: Work, tmp_path: Path) -> None:
    work.say(ADA, Place(2, 3), "77")
    readings, records = work.exported(tmp_path)
    assert (readings[7]["needs_review"], readings[7]["corrected_value"], records[1]["total"]) == ("true", "", "")
    place = settle_two_keys(work, "77")
    assert work.review.item(BOB, place).answer == Key("Bob", VALUE, "77")
    readings, records = work.exported(tmp_path)
    assert (readings[3]["needs_review"], readings[3]["corrected_value"], records[0]["total"]) == ("false", "77", "77")


def test_two_keys_that_differ_go_to_a_third(work: Work, tmp_path: Path) -> None:
    place = settle_two_keys(work, "71")
    for seat in (BOB, Seat("Dot", "d"), Seat("ADA", "e", adjudicates=True)):
        assert place not in work.give(seat, 99)
        work.review.release(seat)
    assert work.exported(tmp_path)[1][0]["total"] == ""
    item = work.review.next_items(CYD, work.scope)[0]
    assert (item.place, item.keys) == (place, (Key("Ada", VALUE, "77"), Key("Bob", VALUE, "71")))
    work.say(CYD, place, "71")
    assert work.exported(tmp_path)[1][0]["total"] == "71"
    assert [change.stage for change in work.review.history(place)] == [1, 2, 3]


def test_a_third_key_sees_the_two_that_count_whatever_else_was_said(work: Work) -> None:
    place = settle_two_keys(work, "71")
    work.say(Seat("Dot", "d"), place, "72")  # late, and no adjudicator's: counts for nothing
    work.say(ADA, place, "70")  # her own key, changed
    item = work.review.next_items(CYD, work.scope)[0]
    assert (item.place, item.keys) == (place, (Key("Ada", VALUE, "70"), Key("Bob", VALUE, "71")))


def test_an_answer_after_the_lease_ended_is_kept_and_hides_nobodys(work: Work) -> None:
    (place,) = work.give(ADA)
    work.clock.now += timedelta(seconds=999)
    assert work.give(BOB) == [place]
    work.say(BOB, place, "0412")
    work.say(ADA, place, "0413")  # from a tab that had been asleep
    progress = work.review.progress(work.scope)
    assert (progress.third, progress.settled) == (1, 0)
    (item,) = work.review.next_items(CYD, work.scope)
    assert {key.value for key in item.keys} == {"0412", "0413"}


def test_a_change_on_purpose_holds(work: Work, tmp_path: Path) -> None:
    (place,) = work.give(ADA)
    work.say(ADA, place, "0413")
    work.say(BOB, place, "0414", seen=work.review.item(BOB, place).answer_id)
    assert work.exported(tmp_path)[0][8]["corrected_value"] == "0414"
    assert [change.was for change in work.review.history(place)] == ["0412", "0413"]


def test_blank_illegible_and_struck_out(work: Work, tmp_path: Path) -> None:
    said = (Verdict.BLANK, Verdict.ILLEGIBLE, Verdict.STRUCK_OUT)
    for place, verdict in zip(ZIPS, said, strict=True):
        work.say(ADA, place, verdict=verdict)
    readings, records = work.exported(tmp_path)
    shown = [(row["corrected_value"], row["needs_review"]) for row in readings if row["field"] == "zip"]
    assert shown == [("struck_out", "false"), ("illegible", "true"), ("blank", "false")]
    assert [row["zip"] for row in records] == [""] * 3
    assert ["zip" in row["to_review"] for row in records] == [False, True, False]
    progress = work.review.progress(work.scope)
    assert (progress.settled, progress.illegible, progress.open) == (3, 1, 6)


def test_an_accepted_field_can_be_corrected_and_be_as_before(work: Work, tmp_path: Path) -> None:
    place = work.place(2, 2)
    work.say(ADA, place, "9", key="odd")
    assert work.exported(tmp_path)[1][1]["amount"] == "9"
    work.review.undo(ADA, "odd", "undo")
    assert work.exported(tmp_path)[1][1]["amount"] == "0412"
    assert place not in work.give(ADA, 99)


def test_nothing_that_reviewers_wait_for_goes_through_a_whole_table(sqlite_work: Work) -> None:
    work, asked = sqlite_work, []
    engine = work.ledger._database.engine
    event.listen(engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3], said[5])))
    held = work.give(ADA, 2)
    more = work.give(ADA, 3, held=held)
    work.review.renew(ADA, held)
    work.review.skip(ADA, more[0])
    answers = [Answer(place, f"all {place}", VALUE, "0412") for place in held]
    work.review.save_all(ADA, answers)
    work.review.undo(ADA, answers[0].key, "undo")
    work.review.history(held[0])
    work.review.item(ADA, held[1])
    queries = [(text, said[0] if many else said) for text, said, many in asked if text.startswith(("SELECT", "UPDATE"))]
    assert len(queries) > 20
    with engine.connect() as connection:
        for text, said in queries:
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", said)]
            assert [step for step in plan if WHOLE_TABLE.match(step)] == []


def test_counts_and_time_left(work: Work) -> None:
    for place, seconds in zip(work.give(ADA, 3), (1.0, 2.0, 9.0), strict=True):
        work.say(ADA, place, "0412", seconds=seconds)
    work.give(BOB, 2)
    progress = work.review.progress(work.scope)
    assert (progress.open, progress.settled, progress.leased) == (6, 3, 2)
    assert (progress.seconds_a_field, progress.seconds_left) == (2.0, 12.0)
    assert [(count.name, count.open, count.settled) for count in work.review.scopes()] == [
        ("scans", 6, 3),
        ("envelope", 6, 3),
    ]


def test_the_audit_sample_cannot_be_told_from_the_rest(sqlite_ledger: Ledger, read: Callable, field: Callable) -> None:
    batch = sqlite_ledger.open_batch("scans", "zip", "1")
    sure = [read(f"{number}.png", 1, f"sha{number}", field("zip", "12")) for number in range(40)]
    sqlite_ledger.record_chunk(batch, sure, audit_share=1.0)
    review = sqlite_ledger.review(ReviewPolicy(blind_below=0.0, known_share=0.0))
    items = review.next_items(ADA, Scope(batch=batch), 99)
    assert {item.reasons for item in items} == {("low_confidence",)}
    assert all(item.confidence is not None and item.confidence < 0.95 for item in items)
    assert [item.confidence for item in items] == sorted(item.confidence for item in items)  # type: ignore[type-var]
    for number, item in enumerate(items):
        review.save(ADA, Answer(item.place, f"{number}", VALUE, "13" if number < 4 else "12"))
    accepted = review.statistics().accepted
    assert (accepted.wrong, accepted.answered) == (4, 40)
    assert sum(each.answer == each.value for each in sqlite_ledger.audited()) == 36


def test_known_answers_measure_reviewers_and_are_no_work(ledger: Ledger, read: Callable, field: Callable) -> None:
    work = Work(ledger, read, field, ReviewPolicy(known_share=0.5, blind_below=0.0))
    accepted = Place(1, 2)
    assert work.review.add_known([KnownAnswer(accepted, VALUE, "0412"), KnownAnswer(Place(99, 0), VALUE, "1")]) == 1
    before = work.review.progress(work.scope)
    items = work.review.next_items(ADA, work.scope, 2)
    known = next(item for item in items if item.place == accepted)
    assert (known.stage, known.reasons, known.answer_id) == (Stage.FIRST, ("low_confidence",), None)
    assert known.confidence is not None
    assert known.confidence < 0.95
    assert [item.place for item in work.review.next_items(ADA, work.scope, 2)].count(accepted) == 1
    answer = Answer(accepted, "test", VALUE, "0413")
    assert [work.review.save(ADA, answer).known for _ in range(2)] == [False, True]
    assert work.review.undo(ADA, "test", "undo") == accepted
    assert not work.review.save(ADA, answer).known
    assert work.review.history(accepted) == []
    assert work.review.undo(ADA, "test", "undo") == accepted
    seen = work.review.item(ADA, accepted)
    assert (seen.stage, seen.answer_id, seen.reasons) == (Stage.FIRST, None, ("low_confidence",))
    work.review.save(ADA, answer)
    assert work.review.progress(work.scope).open == before.open
    assert accepted not in work.give(ADA, 99)
    work.review.release(ADA)
    assert accepted in work.give(BOB, 99)
    (ada,) = work.review.statistics(work.scope).reviewers
    assert (ada.reviewer, ada.answers, ada.known.wrong, ada.known.answered) == ("ada", 0, 1, 1)
    assert work.ledger.summary(work.batch).checked == 0


def test_what_two_people_agreed_on_becomes_known(sqlite_work: Work) -> None:
    settle_two_keys(sqlite_work, "77")
    assert sqlite_work.review.know_agreed(sqlite_work.scope, 9) == 1
    assert sqlite_work.review.know_agreed(sqlite_work.scope, 9) == 0
    mixed = Review(sqlite_work.ledger._database, ReviewPolicy(known_share=1.0), sqlite_work.clock, lambda: 0.4)
    assert Place(1, 3) not in [item.place for item in mixed.next_items(ADA, sqlite_work.scope, 99)]
    mixed.release(ADA)
    assert Place(1, 3) in [item.place for item in mixed.next_items(Seat("Dot", "d"), sqlite_work.scope, 1)]


def test_statistics(work: Work) -> None:
    for place, value, seconds in zip(ZIPS, ("0412", "0413", "0412"), (1.0, 4.0, 2.0), strict=True):
        work.say(ADA, place, value, seconds=seconds, key=f"{place}")
    work.say(BOB, Place(1, 1), verdict=Verdict.BLANK)
    work.say(BOB, Place(2, 1), verdict=Verdict.ILLEGIBLE)
    work.review.undo(ADA, f"{ZIPS[2]}", "undo")
    found = work.review.statistics(work.scope)
    assert (found.reviewed, found.agreed, found.illegible, found.seconds_a_field) == (4, 2, 1, 2.0)
    ada, bob = found.reviewers
    assert (ada.answers, ada.agreed, ada.taken_back) == (3, 2, 1)
    assert (ada.seconds_confirmed, ada.seconds_corrected) == (1.5, 4.0)
    assert (bob.reviewer, bob.answers, bob.agreed) == ("Bob", 2, 1)
    assert work.review.statistics(Scope(form="other")).reviewed == 0


def test_rules_over_the_batch_and_drift_enter_the_queue(sqlite_work: Work) -> None:
    ledger = sqlite_work.ledger
    changed = ledger.fields(sqlite_work.batch, "envelope", "amount")
    ledger.change_fields(changed[:1])
    groups = ledger.unwatched_groups(sqlite_work.batch)
    assert ledger.end_watch(sqlite_work.batch, groups, Reason.UNLIKE_TRAINING) == 2
    assert {Place(1, 2), Place(2, 2), Place(3, 2)} <= {*sqlite_work.give(ADA, 99)}
