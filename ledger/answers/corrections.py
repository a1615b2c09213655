"""Corrected rows -> answers in the ledger: every row is recorded, known already, or refused with its reason.

Where a spreadsheet changed what was typed and only one value can have been meant, that value is recorded and the change
is told; what is not certain is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from forms.template import Field
from ledger.answers.corrected_csv import BrokenRow, CorrectedRow
from ledger.answers.matching import FieldName, NamedField, find_fields, plain_answer
from ledger.answers.mending import Habits, Mend, Taken, Unclear, has_lost_digits, is_shown_as, take
from ledger.answers.refusals import Refusal, RefusedRow
from ledger.review.answers import GivenAnswer, record_answers
from ledger.review.standing import person
from ledger.review.types import Source, Verdict
from ledger.rows import storable
from reading.readings import Reason
from reading.rules import broken_rules

# The field of a form by the form's name and version and the field's name; None where the form is not known.
FieldRules = Callable[[str, str, str], Field | None]


def no_rules(_form: str, _version: str, _field: str) -> None:
    """The rules of forms that are not known."""


@dataclass(frozen=True, slots=True)
class MendedRow:
    """A row whose answer was taken for another value than its cell shows; ``line`` is its number in the file."""

    line: int
    field: str
    shown: str
    value: str
    mend: Mend


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the filled rows of a file: new answers, answers that were there already, and refused rows.

    ``mended`` are those among the new answers that were not taken as they stood. ``refused_file`` holds the refused
    rows, to be mended; ``encoding`` is that of a file that is not in Unicode. Of ``unchecked`` forms, each with its
    version, the rules were not known.
    """

    recorded: int
    known: int
    refused: tuple[RefusedRow, ...]
    mended: tuple[MendedRow, ...] = ()
    refused_file: Path | None = None
    encoding: str | None = None
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a row says of a field; ``mend`` is what its cell had suffered, ``overrides`` the rules that it breaks."""

    row: CorrectedRow
    field: NamedField
    verdict: Verdict
    value: str
    mend: Mend | None = None
    overrides: tuple[Reason, ...] = ()

    @property
    def said(self) -> tuple[Verdict, str, str]:
        return self.verdict, self.value, person(self.row.reviewer)


@dataclass(slots=True)
class _Sorted:
    """The rows of a file by what becomes of them."""

    refused: list[RefusedRow] = field(default_factory=list)
    known: int = 0

    def refuse(self, row: CorrectedRow, refusal: Refusal, detail: str = "") -> None:
        self.refused.append(RefusedRow(row.line, row.field, refusal, detail, row.cells))


def record_corrections(
    connection: Connection,
    rows: Iterable[CorrectedRow | BrokenRow],
    rules: FieldRules = no_rules,
    source: Source = Source.CSV,
) -> Imported:
    """Record what people answered. Doing it again changes nothing, and no answer is ever overwritten."""
    outcome = _Sorted()
    asked = list(_asked(connection, _whole(rows, outcome), outcome))
    habits = Habits.of((row.value or "", field.value, row.corrected_value) for row, field in asked)
    answers = [answer for row, field in asked if (answer := _answer(row, field, rules, habits, outcome))]
    new = [answer for answer in _distinct(answers, outcome) if _is_new(answer, outcome)]
    record_answers(connection, [_given(answer, source) for answer in new])
    mended = tuple(_mended(answer, answer.mend) for answer in new if answer.mend)
    refused = tuple(sorted(outcome.refused, key=lambda row: row.line))
    return Imported(len(new), outcome.known, refused, mended)


def _whole(rows: Iterable[CorrectedRow | BrokenRow], outcome: _Sorted) -> Iterator[CorrectedRow]:
    for row in rows:
        if isinstance(row, CorrectedRow):
            yield row
        else:
            outcome.refused.append(RefusedRow(row.line, "", Refusal.BROKEN, cells=row.cells))


def _asked(
    connection: Connection, rows: Iterable[CorrectedRow], outcome: _Sorted
) -> Iterator[tuple[CorrectedRow, NamedField]]:
    """The rows, each with the field of the ledger that it speaks of."""
    named = [(row, _name(row)) for row in rows]
    fields = find_fields(connection, {name for _, name in named})
    for row, name in named:
        found = fields.get(name, [])
        field = _meant(row.value, found)
        if field is not None:
            yield row, field
        else:
            outcome.refuse(row, Refusal.OTHER_VALUE if found else Refusal.UNKNOWN, found[0].value if found else "")


def _meant(value: str | None, found: Sequence[NamedField]) -> NamedField | None:
    """Of fields of one name the one in which ``value`` was read, or what a spreadsheet made of that."""
    if value is None:
        return found[0] if found else None
    exact = (field for field in found if field.value == value)
    shown = (field for field in found if is_shown_as(value, field.value))
    return next(exact, None) or next(shown, None)


def _name(row: CorrectedRow) -> FieldName:
    return row.sha256, int(row.page) if row.page else -1, row.field


def _answer(
    row: CorrectedRow, field: NamedField, rules: FieldRules, habits: Habits, outcome: _Sorted
) -> _Answer | None:
    typed, seen = row.corrected_value, field.holding
    if not typed and row.value is None:
        outcome.refuse(row, Refusal.NOTHING)
        return None
    if plain := plain_answer(typed, field.value):
        return _Answer(row, field, *plain)
    if seen and seen.id == row.seen and is_shown_as(typed, seen.value):
        return _Answer(row, field, seen.verdict, seen.value)
    form = rules(field.form, field.form_version, field.name)
    taken = take(typed, form, field.value, habits)
    if isinstance(taken, Taken):
        overrides = broken_rules(form, taken.value) if form else ()
        return _Answer(row, field, Verdict.VALUE, taken.value, taken.mend, overrides)
    outcome.refuse(row, *_why(typed, taken, form))
    return None


def _why(typed: str, unclear: Unclear, form: Field | None) -> tuple[Refusal, str]:
    if unclear.values:
        return Refusal.UNCLEAR, " or ".join(unclear.values)
    if unclear.broken and form is not None:
        return Refusal.BREAKS_RULES, ", ".join(broken_rules(form, typed.replace(" ", "")))
    return (Refusal.DIGITS_LOST if has_lost_digits(typed) else Refusal.NOT_A_NUMBER), ""


def _distinct(answers: Sequence[_Answer], outcome: _Sorted) -> Iterator[_Answer]:
    """One answer of each person to a field; where a field gets different ones, all of them are refused.

    Where two people have to key a field, they may differ.
    """
    by_place: dict[object, list[_Answer]] = {}
    for answer in answers:
        place, who = answer.field.place, person(answer.row.reviewer)
        by_place.setdefault((place, who) if answer.field.two_keys else place, []).append(answer)
    for same in by_place.values():
        if len({(answer.verdict, answer.value) for answer in same}) == 1:
            yield from {answer.said: answer for answer in reversed(_signed(same))}.values()
        else:
            for answer in same:
                outcome.refuse(answer.row, Refusal.TWICE)


def _signed(same: Sequence[_Answer]) -> Sequence[_Answer]:
    """Of a row that stands there twice, once with a name and once without, the one with the name."""
    return [answer for answer in same if answer.row.reviewer] or same


def _is_new(answer: _Answer, outcome: _Sorted) -> bool:
    """Whether the ledger does not know the answer yet and nobody gave another meanwhile."""
    said = [(one.verdict, one.value, person(one.reviewer)) for one in answer.field.said]
    holding = answer.field.holding
    theirs = [one for one in said if one[2] == answer.said[2] or holding is not None]
    if theirs and theirs[-1] == answer.said:
        outcome.known += 1
    elif holding is None or holding.id == answer.row.seen:
        return True
    elif answer.said in said:
        outcome.refuse(answer.row, Refusal.OUTDATED)
    elif person(holding.reviewer) == answer.said[2] or (holding.verdict, holding.value) == answer.said[:2]:
        return True
    else:
        outcome.refuse(
            answer.row, Refusal.MEANWHILE, f"{holding.reviewer or 'someone'}: {holding.value or holding.verdict}"
        )
    return False


def _given(answer: _Answer, source: Source) -> GivenAnswer:
    return GivenAnswer(
        place=answer.field.place,
        reviewer=storable(answer.row.reviewer),
        source=source,
        verdict=answer.verdict,
        value=answer.value,
        overrides=answer.overrides,
        informed=False,  # of what somebody says at this very moment
        seen=answer.field.holds,
    )


def _mended(answer: _Answer, mend: Mend) -> MendedRow:
    return MendedRow(answer.row.line, answer.row.field, answer.row.corrected_value, answer.value, mend)
