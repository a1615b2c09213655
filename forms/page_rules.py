"""Rules across the fields of a page or a batch as a form file states them -> declared rules, and what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from forms.entries import BatchTotalEntry, SumEntry, shown
from forms.errors import Fault
from forms.rules import BatchTotal, SumRule
from forms.template import Field


def sum_of(entry: SumEntry, fields: Sequence[Field], place: str) -> tuple[SumRule | None, list[Fault]]:
    """A sum over fields of a page, and what is wrong with it."""
    parts, faults = _named(entry.of, fields, f"{place}, of")
    totals, more = _named(entry.equals, fields, f"{place}, equals")
    faults += more
    if not faults:
        faults += _impossible(parts, totals, place)
    rule = SumRule(tuple(field.name for field in parts), tuple(field.name for field in totals), entry.kept)
    return (None if faults else rule), faults


def batch_total_of(
    entry: BatchTotalEntry, fields: Sequence[Field], place: str
) -> tuple[BatchTotal | None, list[Fault]]:
    """A control total of a batch, and what is wrong with it."""
    _, faults = _named([entry.field], fields, f"{place}, field", joker=False)
    return (None if faults else BatchTotal(entry.field, entry.total)), faults


def _named(
    names: Sequence[str], fields: Sequence[Field], place: str, joker: bool = True
) -> tuple[list[Field], list[Fault]]:
    """The fields that are named, ``*`` standing for anything, each once."""
    found: dict[str, Field] = {}
    faults = []
    for name in names:
        matching = [field for field in fields if field.name == name or (joker and fnmatchcase(field.name, name))]
        if not matching:
            faults.append(Fault(place, f"there is no field {shown(name)}", _nearest(name, fields)))
        faults += [
            Fault(place, f"the field {shown(field.name)} is named twice", "Name it once.")
            for field in matching
            if field.name in found
        ]
        found |= {field.name: field for field in matching}
    return list(found.values()), faults


def _nearest(name: str, fields: Sequence[Field]) -> str:
    close = difflib.get_close_matches(name, [field.name for field in fields], n=1, cutoff=0.5)
    if "{n}" in name:
        return f"Write {shown(name.replace('{n}', '*'))} for all repetitions."
    return f"Did you mean {close[0]}?" if close else "Name fields of this form."


def _impossible(parts: Sequence[Field], totals: Sequence[Field], place: str) -> Iterator[Fault]:
    both = [field.name for field in parts if field in totals]
    if both:
        yield Fault(place, f"{shown(both[0])} stands on both sides", "Take it out of one.")
    for one, other, side in ((parts, totals, "of"), (totals, parts, "equals")):
        least, most = sum(map(_least, one)), sum(map(_most, other))
        if least > most:
            problem = f"is {least} at least, and the other side {most} at most: it can never hold"
            yield Fault(f"{place}, {side}", problem, "Make the ranges or lengths of the fields agree with it.")


def _least(field: Field) -> int:
    return (field.min_value or 0) if field.required else 0


def _most(field: Field) -> int:
    written = 10**field.max_length - 1
    return written if field.max_value is None else min(written, field.max_value)
