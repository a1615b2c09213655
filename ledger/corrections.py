"""Corrected rows -> answers in the ledger: every row is recorded, known already, or refused with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from ledger.corrected_csv import CorrectedRow
from ledger.rows import storable
from ledger.tables import corrections, pages, readings

BLANK = "blank"  # typed for a field that holds no value: an empty cell confirms what was read
_ROWS_AT_ONCE = 500

Key = tuple[str, int, str]


class Refusal(StrEnum):
    """Why a row of a corrected CSV does not enter the ledger."""

    UNKNOWN = "the ledger holds no such field"
    OTHER_VALUE = "the value is not the one that was read; if a spreadsheet dropped its leading zeros, import as text"
    NOT_A_NUMBER = "corrected_value must be digits, or blank for a field without a value"
    TWICE = "the file has two different answers for this field"
    OUTDATED = "the ledger holds a newer answer of someone who had this one before"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was left out; ``line`` counts rows of the CSV from 1, its header."""

    line: int
    field: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the filled rows of a CSV: new answers, answers that were there already, and refused rows."""

    recorded: int
    known: int
    refused: tuple[RefusedRow, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    row: CorrectedRow
    key: Key


@dataclass(slots=True)
class _Field:
    """A field of the ledger and what people said about it, oldest first: (value, reviewer)."""

    page_id: int
    position: int
    value: str
    answers: list[tuple[str, str]]


def record_corrections(connection: Connection, rows: Iterable[CorrectedRow]) -> Imported:
    """Record what people answered. Doing it again changes nothing, and no answer is ever overwritten."""
    refused: list[RefusedRow] = []
    recorded = known = 0
    for answers in _parts(_distinct(rows, refused)):
        fields = _fields(connection, answers)
        outcomes = [(answer.row, _outcome(answer, fields.get(answer.key, []))) for answer in answers]
        refused += [_refused(row, outcome) for row, outcome in outcomes if isinstance(outcome, Refusal)]
        recorded += _insert(connection, [outcome for _, outcome in outcomes if isinstance(outcome, dict)])
        known += sum(outcome is None for _, outcome in outcomes)
    return Imported(recorded, known, tuple(sorted(refused, key=lambda row: row.line)))


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> int:
    now = datetime.now(UTC)
    if rows:
        connection.execute(insert(corrections), [row | {"recorded_at": now} for row in rows])
    return len(rows)


def _distinct(rows: Iterable[CorrectedRow], refused: list[RefusedRow]) -> Iterator[_Answer]:
    """One answer a field; rows that contradict each other, or that name no field, are refused."""
    by_key: dict[Key, list[CorrectedRow]] = {}
    for row in rows:
        if row.sha256 and row.field and row.page.isdecimal():
            by_key.setdefault((row.sha256, int(row.page), row.field), []).append(row)
        else:
            refused.append(_refused(row, Refusal.UNKNOWN))
    for key, same in by_key.items():
        if len({(row.corrected_value, row.reviewer) for row in same}) == 1:
            yield _Answer(same[0], key)
        else:
            refused += [_refused(row, Refusal.TWICE) for row in same]


def _refused(row: CorrectedRow, refusal: Refusal) -> RefusedRow:
    return RefusedRow(row.line, row.field, refusal)


def _outcome(answer: _Answer, fields: Sequence[_Field]) -> dict[str, Any] | Refusal | None:
    """The row to insert, why there is none, or None where the ledger has the answer."""
    if not fields:
        return Refusal.UNKNOWN
    field = next((field for field in fields if field.value == answer.row.value), None)
    if field is None:
        return Refusal.OTHER_VALUE
    value = _answered(answer.row)
    if value is None:
        return Refusal.NOT_A_NUMBER
    given = (value, storable(answer.row.reviewer))
    if given in field.answers:
        return None if field.answers[-1] == given else Refusal.OUTDATED
    place = {"page_id": field.page_id, "position": field.position}
    return place | {"value": given[0], "reviewer": given[1]}


def _answered(row: CorrectedRow) -> str | None:
    """The value that a row's reviewer means; None where it cannot be one."""
    typed = row.corrected_value
    if not typed:
        return row.value
    if typed.lower() == BLANK:
        return ""
    return typed if typed.isascii() and typed.isdigit() else None


def _fields(connection: Connection, answers: Sequence[_Answer]) -> dict[Key, list[_Field]]:
    """The fields of the ledger by key, those of the newest batch first: another form may have read the page too."""
    contents = sorted({answer.row.sha256 for answer in answers})
    wanted = (pages.c.sha256, pages.c.page, readings.c.field, readings.c.page_id, readings.c.position, readings.c.value)
    query = select(*wanted).join_from(pages, readings).where(pages.c.sha256.in_(contents))
    found: dict[Key, list[_Field]] = {}
    said = _said(connection, contents)
    for row in connection.execute(query.order_by(pages.c.batch_id.desc())):
        place = (row.page_id, row.position)
        found.setdefault((row.sha256, row.page, row.field), []).append(_Field(*place, row.value, said.get(place, [])))
    return found


def _said(connection: Connection, contents: Sequence[str]) -> dict[tuple[int, int], list[tuple[str, str]]]:
    query = select(corrections).join_from(corrections, pages, corrections.c.page_id == pages.c.id)
    said: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for row in connection.execute(query.where(pages.c.sha256.in_(contents)).order_by(corrections.c.id)):
        said.setdefault((row.page_id, row.position), []).append((row.value, row.reviewer))
    return said


class RecordedAnswers:
    """All answers of one batch, to ask whether a row of a CSV says what the ledger knows."""

    def __init__(self, connection: Connection, batch: int):
        wanted = (pages.c.sha256, pages.c.page, readings.c.field, readings.c.value.label("read"))
        query: Select[Any] = select(*wanted, corrections.c.value, corrections.c.reviewer)
        query = query.join_from(corrections, readings).join(pages, pages.c.id == readings.c.page_id)
        rows = connection.execute(query.where(pages.c.batch_id == batch))
        self._known = {_told(row) for row in rows}

    def __contains__(self, row: CorrectedRow) -> bool:
        page = int(row.page) if row.page.isdecimal() else -1
        return (row.sha256, page, row.field, row.value, _answered(row), row.reviewer) in self._known


def _told(row: Row[Any]) -> tuple[str, int, str, str, str, str]:
    return row.sha256, row.page, row.field, row.read, row.value, row.reviewer


def _parts(answers: Iterable[_Answer]) -> Iterator[list[_Answer]]:
    iterator = iter(answers)
    while part := list(islice(iterator, _ROWS_AT_ONCE)):
        yield part
