"""Rules that written values keep: check digits, dates, rosters, sums. What a form file declares, checked.

A rule here only says what must hold; ``reading.rules`` says what follows for what was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

FIRST_DAY = date(1900, 1, 1)  # of a date without a window
LAST_DAY = date(2099, 12, 31)
USUALLY_KEPT = 0.99  # people slip in about one number in a hundred that they copy


class CheckScheme(StrEnum):
    """How a number is protected by its check digits."""

    ABA = "aba"  # routing numbers of US banks: weights 3, 7, 1
    LUHN = "luhn"  # ISO/IEC 7812: cards, IMEI, many customer numbers
    MOD11 = "mod11"  # weights, the sum divisible by 11
    ISBN10 = "isbn10"  # mod 11 with weights 10 to 1
    MOD97 = "mod97"  # ISO/IEC 7064 MOD 97-10: two check digits at the end
    IBAN = "iban"  # the digits of an IBAN behind its two letters
    VERHOEFF = "verhoeff"
    EAN = "ean"  # GS1: EAN-8, UPC-A, EAN-13, GTIN-14, SSCC-18
    ISBN13 = "isbn13"  # EAN-13 that starts with 978 or 979


_LENGTHS = {
    CheckScheme.ABA: (9,),
    CheckScheme.MOD11: tuple(range(2, 11)),  # the eleventh digit from the right would have the weight 11, which is none
    CheckScheme.ISBN10: (10,),
    CheckScheme.EAN: (8, 12, 13, 14, 18),
    CheckScheme.ISBN13: (13,),
    CheckScheme.MOD97: tuple(range(3, 65)),
    CheckScheme.IBAN: tuple(range(13, 33)),
}
_ANY_LENGTH = tuple(range(2, 65))


@dataclass(frozen=True, slots=True)
class CheckDigit:
    """A number with check digits.

    ``weights`` belong to ``mod11``: one for each digit, the check digit included, left to right; empty for n, .., 2, 1.
    ``country`` belongs to ``iban``: the two letters in front of the field.
    """

    scheme: CheckScheme
    weights: tuple[int, ...] = ()
    country: str = ""

    @property
    def lengths(self) -> tuple[int, ...]:
        """The numbers of digits that the scheme knows."""
        return (len(self.weights),) if self.weights else _LENGTHS.get(self.scheme, _ANY_LENGTH)


@dataclass(frozen=True, slots=True)
class DateRule:
    """A day of the calendar from ``first`` to ``last``, both included.

    ``formats`` are such as ``ddmmyyyy`` or ``yymmdd``; a value of any of them is a date. A year of two digits is of the
    century that brings it into the window.
    """

    formats: tuple[str, ...]
    first: date = FIRST_DAY
    last: date = LAST_DAY


@dataclass(frozen=True, slots=True)
class Roster:
    """The values that there are. ``unique``: each stands on one page of a batch only."""

    values: frozenset[str]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class SumRule:
    """The fields ``parts`` of a page add up to the fields ``totals`` of it.

    One field on each side makes an equality. ``kept`` is the share of pages on which the writer got it right.
    """

    parts: tuple[str, ...]
    totals: tuple[str, ...]
    kept: float = USUALLY_KEPT


@dataclass(frozen=True, slots=True)
class BatchTotal:
    """The field ``field`` of all pages of a batch adds up to ``total``."""

    field: str
    total: int
