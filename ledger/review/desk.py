"""The review as its page needs it: fields given out, answers saved, undone and counted. Threads may share it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from ledger.database import Database
from ledger.review.answers import GivenAnswer, record_answers, undo_answer
from ledger.review.histories import history_of
from ledger.review.items import at_places
from ledger.review.known_answers import (
    KnownAnswer,
    add_known,
    answer_trial,
    draw_trials,
    know_agreed,
    own_trials,
    retract_trial,
    return_trials,
)
from ledger.review.queue import (
    Desk,
    free_fields,
    free_of_value,
    lease,
    own_leases,
    progress,
    release,
    renew,
    scopes,
    skip,
    value_groups,
)
from ledger.review.statistics import Statistics, statistics
from ledger.review.types import (
    Answer,
    AnswerError,
    Change,
    Place,
    Progress,
    ReviewItem,
    ReviewPolicy,
    Saved,
    Scope,
    ScopeCount,
    Seat,
    Stage,
    ValueGroup,
)
from ledger.review.views import view_items, view_settled
from ledger.tables import crops

Clock = Callable[[], datetime]
_DRAW = random.SystemRandom().random


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Review:
    """The fields of a ledger that people look at.

    Args:
        database: the ledger's.
        policy: how fields are given out.
        clock: the present moment, in UTC; by it leases end.
        draw: a number in [0, 1), by which known answers are mixed in.
    """

    def __init__(
        self,
        database: Database,
        policy: ReviewPolicy,
        clock: Clock = _utc_now,
        draw: Callable[[], float] = _DRAW,
    ):
        self._database = database
        self.policy = policy
        self._clock = clock
        self._draw = draw

    def next_items(self, seat: Seat, scope: Scope, count: int = 1, held: Collection[Place] = ()) -> list[ReviewItem]:
        """Up to ``count`` fields for a seat, leased to it: first those that it has already, then new ones.

        The leases of ``held``, which the page has and does not want again, are renewed.
        """
        desk = self._desk(seat, scope)
        with self._database.write_leases() as connection:
            return self._views(connection, seat, self._give(connection, desk, count, held))

    def carpet(self, seat: Seat, scope: Scope, value: str, count: int) -> list[ReviewItem]:
        """Up to ``count`` fields that all read ``value``, leased to the seat; never those whose guess is hidden."""
        desk = self._desk(seat, scope)
        with self._database.write_leases() as connection:
            places = free_of_value(connection, desk, value, self.policy.blind_below, count)
            lease(connection, desk, places)
            return self._views(connection, seat, places)

    def value_groups(self, scope: Scope, least: int = 2) -> list[ValueGroup]:
        """The values that ``carpet`` can be asked for, with at least ``least`` fields; the most frequent first."""
        with self._database.read() as connection:
            return value_groups(connection, scope, self.policy.blind_below, least)

    def item(self, seat: Seat, place: Place) -> ReviewItem:
        """One field and, where it is settled, what holds; without a lease.

        Raises:
            AnswerError: the ledger holds no such field, or it was erased.
        """
        with self._database.read() as connection:
            found = view_items(connection, seat, [place], self.policy.blind_below)
            if place not in found:
                raise AnswerError("the ledger holds no such field", "go back to the queue: it may have been erased")
            item = found[place]
            return view_settled(connection, item) if item.stage is Stage.SETTLED else item

    def crop(self, place: Place) -> bytes:
        """A field's crop as PNG; b"" where there is none."""
        with self._database.read() as connection:
            return connection.execute(select(crops.c.png).where(at_places(crops, [place]))).scalar() or b""

    def renew(self, seat: Seat, places: Collection[Place]) -> list[Place]:
        """Go on with the leases of these fields; returns those that the seat has."""
        now = self._clock()
        with self._database.write_leases() as connection:
            return renew(connection, seat, places, now, now + timedelta(seconds=self.policy.lease_s))

    def release(self, seat: Seat) -> None:
        """All that is leased to the session can be given to others."""
        with self._database.write_leases() as connection:
            release(connection, seat)
            return_trials(connection, seat)

    def skip(self, seat: Seat, place: Place) -> None:
        """Give a field back; it comes again after all that were skipped less often."""
        with self._database.write_leases() as connection:
            skip(connection, seat, place)

    def save(self, seat: Seat, answer: Answer) -> Saved:
        """Record an answer; again, with the same ``key``, it changes nothing.

        Raises:
            AnswerError: the ledger holds no such field, or this is no answer.
        """
        return self.save_all(seat, [answer])[0]

    def save_all(self, seat: Seat, answers: Sequence[Answer]) -> list[Saved]:
        """Record answers in one transaction, as ``save`` does.

        Raises:
            AnswerError: one of them cannot be taken; then none is recorded.
        """
        given = [GivenAnswer.of(seat, answer) for answer in answers]
        with self._database.write() as connection:
            trials = [answer_trial(connection, seat, answer) for answer in answers]
            work = [each for each, trial in zip(given, trials, strict=True) if trial is None]
            recorded = iter(record_answers(connection, work))
            return [trial or Saved(each.place, not next(recorded)) for each, trial in zip(given, trials, strict=True)]

    def undo(self, seat: Seat, answer_key: str, key: str) -> Place:
        """Take an answer back, by a row of its own with this ``key``; the field is leased to the session again.

        Raises:
            AnswerError: there is no such answer, or it is someone else's.
        """
        now = self._clock()
        with self._database.write() as connection:
            place = retract_trial(connection, seat, answer_key)
            if place is None:
                place = undo_answer(connection, seat, answer_key, key)
                if place is None:
                    raise AnswerError("there is no such answer", "reload the page")
                renew(connection, seat, [place], now, now + timedelta(seconds=self.policy.lease_s))
        return place

    def history(self, place: Place) -> list[Change]:
        """All that people said about a field, oldest first."""
        with self._database.read() as connection:
            return history_of(connection, place)

    def progress(self, scope: Scope) -> Progress:
        """How far a scope is, and how long the rest takes."""
        with self._database.read() as connection:
            return progress(connection, scope, self._clock())

    def scopes(self) -> list[ScopeCount]:
        """Batches, the newest first, and forms, as far as there is or was something to review."""
        with self._database.read() as connection:
            return scopes(connection)

    def statistics(self, scope: Scope | None = None) -> Statistics:
        """What was reviewed, how fast and how well; in the whole ledger, or in a scope."""
        with self._database.read() as connection:
            return statistics(connection, scope)

    def add_known(self, fields: Iterable[KnownAnswer]) -> int:
        """Remember what fields hold, to measure reviewers by; returns how many are new."""
        with self._database.write() as connection:
            return add_known(connection, fields)

    def know_agreed(self, scope: Scope, count: int) -> int:
        """Remember up to ``count`` fields on whose answer two people agreed; returns how many are new."""
        with self._database.write() as connection:
            return know_agreed(connection, scope, count)

    def _desk(self, seat: Seat, scope: Scope) -> Desk:
        return Desk(seat, scope, self._clock(), self.policy.lease_s)

    def _give(self, connection: Connection, desk: Desk, count: int, held: Collection[Place]) -> list[Place]:
        """The places to be shown; what the seat has is leased on."""
        own = own_leases(connection, desk)
        trials = own_trials(connection, desk.seat, desk.scope)
        shown = [place for place in (*own, *trials) if place not in held][:count]
        new = free_fields(connection, desk, count - len(shown)) if len(shown) < count else []
        drawn = draw_trials(connection, desk.seat, desk.scope, sum(self._draw() < self.policy.known_share for _ in new))
        new = new[: len(new) - len(drawn)]
        lease(connection, desk, [*own, *new])
        return [*shown, *self._mixed(new, drawn)]

    def _mixed(self, new: Sequence[Place], drawn: Iterable[Place]) -> list[Place]:
        mixed = list(new)
        for place in drawn:
            mixed.insert(int(self._draw() * (len(mixed) + 1)), place)
        return mixed

    def _views(self, connection: Connection, seat: Seat, places: Sequence[Place]) -> list[ReviewItem]:
        found = view_items(connection, seat, places, self.policy.blind_below)
        return [found[place] for place in places if place in found]
