"""Check digits: whether a number is one that its scheme could have issued.

Each scheme catches every digit that is read as another. Of two neighbours read in the wrong order ``mod11``,
``isbn10``, ``mod97``, ``iban`` and ``verhoeff`` catch all, ``luhn`` all but 09 and 90, ``aba``, ``ean`` and ``isbn13``
all that are not five apart. For ``mod11`` this holds where neighbours have different weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from forms.rules import CheckDigit, CheckScheme

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the digit sum of twice a digit
_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)  # Verhoeff's permutation


def keeps_check_digit(rule: CheckDigit, value: str) -> bool:
    """Whether ``value``, digits only, its check digits among them, is sound by ``rule``; never for a wrong length."""
    return len(value) in rule.lengths and _CHECKS[rule.scheme](rule, value)


def _weighted(value: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(value, weights, strict=True))


def _aba(_: CheckDigit, value: str) -> bool:
    """American Bankers Association, routing number policy: weights 3, 7, 1."""
    return _weighted(value, (3, 7, 1) * 3) % 10 == 0


def _luhn(_: CheckDigit, value: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right counts twice."""
    kept, doubled = value[::-2], value[-2::-2]
    return (sum(map(int, kept)) + sum(_DOUBLED[int(digit)] for digit in doubled)) % 10 == 0


def _mod11(rule: CheckDigit, value: str) -> bool:
    """Weights n, .., 2, 1 where the rule states none; a number whose check digit would be 10 is not issued."""
    return _weighted(value, rule.weights or range(len(value), 0, -1)) % 11 == 0


def _mod97(_: CheckDigit, value: str) -> bool:
    """ISO/IEC 7064, MOD 97-10."""
    return int(value) % 97 == 1


def _iban(rule: CheckDigit, value: str) -> bool:
    """ISO 13616-1: country and check digits go behind the account, letters count as 10 to 35, then MOD 97-10."""
    country = "".join(str(int(letter, 36)) for letter in rule.country)
    return int(value[2:] + country + value[:2]) % 97 == 1


def _verhoeff(_: CheckDigit, value: str) -> bool:
    """Verhoeff 1969, "Error detecting decimal codes", section 4: the dihedral group of order ten."""
    total = 0
    for place, digit in enumerate(map(int, reversed(value))):
        for _turn in range(place % 8):
            digit = _PERMUTED[digit]
        total = _times(total, digit)
    return total == 0


def _times(a: int, b: int) -> int:
    """The product in the dihedral group: 0 to 4 are turns, 5 to 9 reflections."""
    turn = a + b if a < 5 else a - b
    return turn % 5 + 5 * ((a < 5) != (b < 5))


def _ean(_: CheckDigit, value: str) -> bool:
    """GS1 General Specifications, section 7.9: from the right, digits count once and three times in turn."""
    return (sum(map(int, value[::-2])) + 3 * sum(map(int, value[-2::-2]))) % 10 == 0


def _isbn13(rule: CheckDigit, value: str) -> bool:
    return value.startswith(("978", "979")) and _ean(rule, value)


_CHECKS: dict[CheckScheme, Callable[[CheckDigit, str], bool]] = {
    CheckScheme.ABA: _aba,
    CheckScheme.LUHN: _luhn,
    CheckScheme.MOD11: _mod11,
    CheckScheme.ISBN10: _mod11,
    CheckScheme.MOD97: _mod97,
    CheckScheme.IBAN: _iban,
    CheckScheme.VERHOEFF: _verhoeff,
    CheckScheme.EAN: _ean,
    CheckScheme.ISBN13: _isbn13,
}
