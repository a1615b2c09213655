"""The vocabulary of the review: what is given to people, what they answer, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from forms.errors import MendableError
from forms.template import Box


class AnswerError(MendableError):
    """An answer, or an undo, that cannot be taken; and what to do about it."""


class Verdict(StrEnum):
    """What a person says of a field. All but ``VALUE`` have no value."""

    VALUE = "value"
    BLANK = "blank"
    ILLEGIBLE = "illegible"  # nobody can say: the field stays open in the CSVs
    STRUCK_OUT = "struck_out"
    RETRACTED = "retracted"  # the row of an undo; no answer


class Source(StrEnum):
    """Where an answer came from."""

    PAGE = "page"
    CSV = "csv"
    LABEL_STUDIO = "label_studio"


class Stage(IntEnum):
    """The key that a field waits for. In an answer: which one it was, ``SETTLED`` for one that counts for nothing."""

    SETTLED = 0
    FIRST = 1
    SECOND = 2
    THIRD = 3  # of an adjudicator, who sees the first two


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One field of one page."""

    page_id: int
    position: int


@dataclass(frozen=True, slots=True)
class Scope:
    """The fields of a batch, or of a form in all batches: exactly one of the two."""

    batch: int | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        if (self.batch is None) == (self.form is None):
            raise ValueError("a scope is either a batch or a form")


@dataclass(frozen=True, slots=True)
class Seat:
    """A reviewer at work. Leases belong to the ``session``; ``adjudicates``: whether third keys are theirs to give."""

    reviewer: str
    session: str
    adjudicates: bool = False


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """How fields are given out.

    A lease ends by itself after ``lease_s`` seconds. Below the confidence ``blind_below`` the guess is hidden. Of what
    a reviewer is given, ``known_share`` on average are fields whose answer is known.
    """

    lease_s: float = 120.0
    blind_below: float = 0.5
    known_share: float = 0.02


@dataclass(frozen=True, slots=True)
class ItemDigit:
    """A digit of the guess (None where that is hidden), and where it lies in the crop, in px."""

    digit: str | None
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Key:
    """What one person said."""

    reviewer: str
    verdict: Verdict
    value: str


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A field as a reviewer may see it.

    Where the ``guess`` is hidden it is None, and all that would tell it is left out: ``confidence``, ``alternatives``,
    digits. ``doubtful`` is the place of the least sure digit in ``digits``. ``png`` is b"" where there is no crop;
    ``box`` is the field on the form. ``keys`` holds the first two answers where the third is wanted. ``answer`` holds
    now, with ``answer_id``: to change it on purpose, give that back as ``Answer.seen``.
    """

    place: Place
    batch: int
    source: str
    scan: str
    page: int
    sha256: str
    form: str
    form_version: str
    field: str
    guess: str | None
    confidence: float | None
    alternatives: tuple[tuple[str, float], ...]
    digits: tuple[ItemDigit, ...]
    doubtful: int | None
    reasons: tuple[str, ...]
    png: bytes
    box: Box
    stage: Stage
    keys: tuple[Key, ...] = ()
    answer_id: int | None = None
    answer: Key | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reviewer says of a field.

    ``key`` is made by the client, and unique: an answer that is sent again is recorded once. ``seconds`` it took;
    ``overrides`` are the codes of rules that the reviewer overrode. ``seen`` is the ``ReviewItem.answer_id`` that they
    saw and mean to change.
    """

    place: Place
    key: str
    verdict: Verdict
    value: str = ""
    seconds: float | None = None
    overrides: tuple[str, ...] = ()
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """An answer that is in the ledger; ``known``: it had been there already."""

    place: Place
    known: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a field's history: from ``was`` to ``value``. ``counts``: it has a part in what holds now."""

    id: int
    when: datetime
    reviewer: str
    source: Source
    verdict: Verdict
    was: str
    value: str
    seconds: float | None
    overrides: tuple[str, ...]
    stage: Stage
    retracts: int | None
    counts: bool


@dataclass(frozen=True, slots=True)
class ValueGroup:
    """Fields that read the same value and wait for their first key."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scope is.

    ``open`` fields wait for a key, ``second`` and ``third`` of them for that one, and ``leased`` of them are before
    someone. ``settled`` includes ``illegible``. ``seconds_a_field`` is the median of the last answers, None without
    any; ``seconds_left`` what one person would need.
    """

    open: int
    second: int
    third: int
    leased: int
    settled: int
    illegible: int
    seconds_a_field: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class ScopeCount:
    """A scope with its name, and how many of its fields are open and settled."""

    scope: Scope
    name: str
    open: int
    settled: int
