"""Answers into the ledger, an undo, and a field's history. Nothing is overwritten: each is a row of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from ledger.review.items import (
    OF_READING,
    at_bound_places,
    at_places,
    bound,
    in_parts,
    insert_or_leave,
    new_items,
)
from ledger.review.standing import Recorded, counting, effective, person, stage_of, standing_of
from ledger.review.types import Answer, AnswerError, Change, Place, Seat, Source, Stage, Verdict
from ledger.rows import storable
from ledger.tables import corrections, pages, readings, review_items

_MAX_KEY = 100  # characters; a UUID has 36
_KNOWN_KEYS = select(corrections.c.client_key).where(
    corrections.c.client_key.in_(bindparam("client_keys", expanding=True))
)
_NEW = insert(corrections).returning(corrections.c.id, sort_by_parameter_order=True)
_MOVE = update(review_items).where(
    review_items.c.page_id == bindparam("of_page"), review_items.c.position == bindparam("at")
)
_LOCKED: Select[Any] = (
    select(*(review_items.c[name] for name in ("page_id", "position", "keys", "answer_id")))
    .add_columns(readings.c.value, readings.c.needs_review)
    .join_from(review_items, readings, OF_READING)
    .join(pages, pages.c.id == review_items.c.page_id)
    .where(at_bound_places(review_items), pages.c.erased_at.is_(None))
    .order_by(review_items.c.page_id, review_items.c.position)
    .with_for_update(of=review_items)
)
_HISTORY = select(corrections).where(at_bound_places(corrections)).order_by(corrections.c.id)
_UNKNOWN = ("the ledger holds no such field", "reload: it may have been erased")


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer on its way into the ledger.

    ``informed``: whoever gave it knew what held; otherwise they knew what they had ``seen`` (see ``Answer``). ``key``:
    see there; None where nobody will send it again.
    """

    place: Place
    reviewer: str
    source: Source
    verdict: Verdict
    value: str = ""
    seconds: float | None = None
    overrides: tuple[str, ...] = ()
    key: str | None = None
    adjudicates: bool = True
    informed: bool = True
    seen: int | None = None

    @staticmethod
    def of(seat: Seat, answer: Answer) -> GivenAnswer:
        """What someone at the review page said.

        Raises:
            AnswerError: it is none.
        """
        _check(answer)
        return GivenAnswer(
            place=answer.place,
            reviewer=seat.reviewer,
            source=Source.PAGE,
            verdict=answer.verdict,
            value=answer.value,
            seconds=answer.seconds,
            overrides=answer.overrides,
            key=answer.key,
            adjudicates=seat.adjudicates,
            informed=False,
            seen=answer.seen,
        )


@dataclass(slots=True)
class _Field:
    """A field whose row in the queue is locked, with all that people said about it, oldest first."""

    row: Row[Any]
    history: list[Recorded]

    @property
    def flagged(self) -> bool:
        return bool(self.row.needs_review)

    @property
    def held(self) -> str:
        """The value that holds now."""
        holding = (row.value for row in self.history if row.id == self.row.answer_id)
        return next(holding, self.row.value)


def record_answers(connection: Connection, given: Sequence[GivenAnswer]) -> list[bool]:
    """Record answers, in this order; each moves the field that it is about.

    Returns:
        For each, whether it was recorded now; not those whose ``key`` the ledger has.

    Raises:
        AnswerError: the ledger holds no such field. Then the whole transaction is to be given up.
    """
    outcomes: dict[int, bool] = {}
    for round_ in _rounds(given):
        for part in in_parts(round_):
            fields = _locked(connection, part)
            _record(connection, [(round_[place], given[round_[place]]) for place in part], fields, outcomes)
    return [outcomes[number] for number in range(len(given))]


def _rounds(given: Sequence[GivenAnswer]) -> Iterator[dict[Place, int]]:
    """Numbers of the answers, a dict for those that come first of their field, one for those that come second, ..."""
    rounds: list[dict[Place, int]] = []
    seen: dict[Place, int] = {}
    for number, answer in enumerate(given):
        turn = seen.get(answer.place, 0)
        seen[answer.place] = turn + 1
        if turn == len(rounds):
            rounds.append({})
        rounds[turn][answer.place] = number
    return iter(rounds)


def _record(
    connection: Connection,
    answers: Sequence[tuple[int, GivenAnswer]],
    fields: dict[Place, _Field],
    outcomes: dict[int, bool],
) -> None:
    """Record one answer a field."""
    known = _known_keys(connection, [answer.key for _, answer in answers if answer.key])
    fresh = [answer for _, answer in answers if answer.key not in known]
    outcomes |= {number: answer.key not in known for number, answer in answers}
    rows = [_correction(answer, fields[answer.place]) for answer in fresh]
    _append(connection, [(fields[answer.place], row) for answer, row in zip(fresh, rows, strict=True)])


def _known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    if not keys:
        return set()
    return set(connection.execute(_KNOWN_KEYS, {"client_keys": keys}).scalars())


def _correction(given: GivenAnswer, field: _Field) -> dict[str, Any]:
    seen = field.row.answer_id if given.informed else given.seen
    stage = stage_of(field.history, field.row.keys, field.flagged, given.reviewer, given.adjudicates, seen)
    return {
        "page_id": given.place.page_id,
        "position": given.place.position,
        "value": given.value,
        "reviewer": storable(given.reviewer),
        "source": given.source.value,
        "verdict": given.verdict.value,
        "stage": stage.value,
        "seconds": given.seconds,
        "overrides": ";".join(given.overrides),
        "was": field.held,
        "agreed": given.verdict is not Verdict.ILLEGIBLE and given.value == field.row.value,
        "client_key": given.key,
        "retracts": None,
    }


def _append(connection: Connection, rows: Sequence[tuple[_Field, dict[str, Any]]]) -> None:
    """Insert a row a field, and let its place in the queue follow."""
    if not rows:
        return
    now = datetime.now(UTC)
    ids = connection.execute(_NEW, [row | {"recorded_at": now} for _, row in rows]).scalars().all()
    for key, (field, row) in zip(ids, rows, strict=True):
        field.history.append(_recorded(key, row))
    connection.execute(_MOVE, [_moved(field) for field, _ in rows])


def _recorded(key: int, row: dict[str, Any]) -> Recorded:
    verdict, stage = Verdict(row["verdict"]), Stage(row["stage"])
    return Recorded(key, row["reviewer"], verdict, row["value"], stage, row["retracts"])


def _moved(field: _Field) -> dict[str, Any]:
    """Where a field stands now; whoever had it leased does not need it any more."""
    standing = standing_of(field.history, field.row.keys, field.flagged)
    return {
        "of_page": field.row.page_id,
        "at": field.row.position,
        "stage": standing.stage.value,
        "answer_id": standing.answer_id,
        "first_by": standing.first_by,
        "second_by": standing.second_by,
        "leased_to": None,
        "leased_until": None,
    }


def _locked(connection: Connection, places: Sequence[Place]) -> dict[Place, _Field]:
    """The fields at these places; until the transaction ends nobody else can answer them.

    Raises:
        AnswerError: one of them is not in the ledger.
    """
    found = {Place(row.page_id, row.position): row for row in connection.execute(_LOCKED, bound(places))}
    missing = [place for place in places if place not in found]
    if missing:
        # Fields that were accepted: nobody had to look at them, but someone did.
        insert_or_leave(connection, review_items, new_items(connection, at_places(readings, missing)))
        found |= {Place(row.page_id, row.position): row for row in connection.execute(_LOCKED, bound(missing))}
    if len(found) < len(places):
        raise AnswerError(*_UNKNOWN)
    histories = _histories(connection, places)
    return {place: _Field(row, histories.get(place, [])) for place, row in found.items()}


def _histories(connection: Connection, places: Sequence[Place]) -> dict[Place, list[Recorded]]:
    histories: dict[Place, list[Recorded]] = {}
    for row in connection.execute(_HISTORY, bound(places)).mappings():
        place = Place(row["page_id"], row["position"])
        histories.setdefault(place, []).append(_recorded(row["id"], dict(row)))
    return histories


def undo_answer(connection: Connection, seat: Seat, answer_key: str, key: str) -> Place | None:
    """Take back the answer with the key ``answer_key``; None where there is none. Doing it again changes nothing.

    Raises:
        AnswerError: it is someone else's.
    """
    query = select(corrections.c.id, corrections.c.page_id, corrections.c.position, corrections.c.reviewer)
    found = connection.execute(query.where(corrections.c.client_key == answer_key)).first()
    if found is None:
        return None
    if person(found.reviewer) != person(seat.reviewer):
        raise AnswerError(f"the answer is {found.reviewer}'s", "ask them, or answer the field again")
    place = Place(found.page_id, found.position)
    field = _locked(connection, [place])[place]
    undone = next((row for row in effective(field.history) if row.id == found.id), None)
    if undone is not None:
        _append(connection, [(field, _retraction(seat, field, undone, key))])
    return place


def _retraction(seat: Seat, field: _Field, undone: Recorded, key: str) -> dict[str, Any]:
    return {
        "page_id": field.row.page_id,
        "position": field.row.position,
        "value": "",
        "reviewer": storable(seat.reviewer),
        "source": Source.PAGE.value,
        "verdict": Verdict.RETRACTED.value,
        "stage": undone.stage.value,
        "seconds": None,
        "overrides": "",
        "was": field.held,
        "agreed": None,
        "client_key": key,
        "retracts": undone.id,
    }


def history_of(connection: Connection, place: Place) -> list[Change]:
    """All that people said about a field, oldest first."""
    rows = connection.execute(_HISTORY, bound([place])).all()
    counts = counting([_recorded(row.id, dict(row._mapping)) for row in rows])
    return [_change(row, row.id in counts) for row in rows]


def _change(row: Row[Any], counts: bool) -> Change:
    return Change(
        id=row.id,
        when=row.recorded_at,
        reviewer=row.reviewer,
        source=Source(row.source),
        verdict=Verdict(row.verdict),
        was=row.was,
        value=row.value,
        seconds=row.seconds,
        overrides=tuple(filter(None, row.overrides.split(";"))),
        stage=Stage(row.stage),
        retracts=row.retracts,
        counts=counts,
    )


def _check(answer: Answer) -> None:
    if not 0 < len(answer.key) <= _MAX_KEY or storable(answer.key) != answer.key:
        raise AnswerError("the answer has no key that could tell it from others", f"send 1 to {_MAX_KEY} characters")
    if answer.verdict is Verdict.RETRACTED:
        raise AnswerError("an undo is no answer", "take the answer back instead")
    has_value = answer.value.isascii() and answer.value.isdigit()
    if has_value != (answer.verdict is Verdict.VALUE) or (answer.value and not has_value):
        raise AnswerError(f"{answer.value!r} does not go with {answer.verdict}", "type digits, or nothing")
