"""Answers into the ledger, and an undo. Nothing is overwritten: each is a row of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ledger.review.histories import LockedField, append_rows, lock_fields
from ledger.review.items import in_parts
from ledger.review.standing import Recorded, effective, person, stage_of
from ledger.review.types import Answer, AnswerError, Place, Seat, Source, Verdict
from ledger.rows import storable
from ledger.tables import corrections

_MAX_KEY = 100  # characters; a UUID has 36
_KNOWN_KEYS = select(corrections.c.client_key).where(
    corrections.c.client_key.in_(bindparam("client_keys", expanding=True))
)


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
            fields = lock_fields(connection, part)
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
    fields: dict[Place, LockedField],
    outcomes: dict[int, bool],
) -> None:
    """Record one answer a field."""
    known = _known_keys(connection, [answer.key for _, answer in answers if answer.key])
    fresh = [answer for _, answer in answers if answer.key not in known]
    outcomes |= {number: answer.key not in known for number, answer in answers}
    rows = [_correction(answer, fields[answer.place]) for answer in fresh]
    append_rows(connection, [(fields[answer.place], row) for answer, row in zip(fresh, rows, strict=True)])


def _known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    if not keys:
        return set()
    return set(connection.execute(_KNOWN_KEYS, {"client_keys": keys}).scalars())


def _correction(given: GivenAnswer, field: LockedField) -> dict[str, Any]:
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
    field = lock_fields(connection, [place])[place]
    undone = next((row for row in effective(field.history) if row.id == found.id), None)
    if undone is not None:
        append_rows(connection, [(field, _retraction(seat, field, undone, key))])
    return place


def _retraction(seat: Seat, field: LockedField, undone: Recorded, key: str) -> dict[str, Any]:
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


def _check(answer: Answer) -> None:
    if not 0 < len(answer.key) <= _MAX_KEY or storable(answer.key) != answer.key:
        raise AnswerError("the answer has no key that could tell it from others", f"send 1 to {_MAX_KEY} characters")
    if answer.verdict is Verdict.RETRACTED:
        raise AnswerError("an undo is no answer", "take the answer back instead")
    has_value = answer.value.isascii() and answer.value.isdigit()
    if has_value != (answer.verdict is Verdict.VALUE) or (answer.value and not has_value):
        raise AnswerError(f"{answer.value!r} does not go with {answer.verdict}", "type digits, or nothing")
