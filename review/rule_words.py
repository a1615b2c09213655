"""What a field's rules ask for, in words."""

from __future__ import annotations

from collections.abc import Iterator

from forms.rules import CheckScheme
from forms.template import Field

_SCHEMES = {
    CheckScheme.ABA: "an ABA routing number",
    CheckScheme.LUHN: "a Luhn check digit",
    CheckScheme.MOD11: "a check digit modulo 11",
    CheckScheme.ISBN10: "an ISBN-10",
    CheckScheme.MOD97: "check digits by ISO 7064 MOD 97-10",
    CheckScheme.IBAN: "the digits of an IBAN",
    CheckScheme.VERHOEFF: "a Verhoeff check digit",
    CheckScheme.EAN: "an EAN or GTIN",
    CheckScheme.ISBN13: "an ISBN-13",
}


def rule_in_words(field: Field) -> str:
    """One line, such as ``2 or 3 digits; from 20 to 250``."""
    return "; ".join(_parts(field))


def _parts(field: Field) -> Iterator[str]:
    yield _digits(field.min_length, field.max_length)
    if field.date is not None:
        written = " or ".join(field.date.formats)
        yield f"a date as {written}, {field.date.first:%Y-%m-%d} to {field.date.last:%Y-%m-%d}"
    elif field.pattern is not None and field.pattern != rf"\d{{{field.max_length}}}":
        yield f"pattern {field.pattern}"
    if field.min_value is not None and field.max_value is not None:
        yield f"from {field.min_value} to {field.max_value}"
    if field.check_digit is not None:
        yield _SCHEMES[field.check_digit.scheme]
    if field.roster is not None:
        yield f"one of {len(field.roster.values):,} known values"
    if not field.required:
        yield "may be empty"


def _digits(least: int, most: int) -> str:
    if least == most:
        return "1 digit" if most == 1 else f"{most} digits"
    return f"{least} {'or' if most == least + 1 else 'to'} {most} digits"
