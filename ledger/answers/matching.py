"""The fields of the ledger that rows of a CSV speak of, with what people said about them so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from ledger.answers.corrected_csv import CorrectedRow
from ledger.review.items import OF_READING
from ledger.review.standing import Recorded, effective
from ledger.review.types import Place, Stage, Verdict
from ledger.tables import corrections, pages, readings, review_items

WORDS = {verdict.value: verdict for verdict in (Verdict.BLANK, Verdict.ILLEGIBLE, Verdict.STRUCK_OUT)}
_CONTENTS_AT_ONCE = 500

FieldName = tuple[str, int, str]  # sha256 of the scan, page, field


@dataclass(frozen=True, slots=True)
class NamedField:
    """A field of the ledger; ``said`` are its answers that were not taken back, oldest first; ``holds``: one's id."""

    place: Place
    form: str
    form_version: str
    name: str
    value: str
    two_keys: bool
    holds: int | None
    said: list[Recorded] = field(default_factory=list)

    @property
    def holding(self) -> Recorded | None:
        """The answer that holds; None where none does."""
        return next((answer for answer in self.said if answer.id == self.holds), None)


def find_fields(connection: Connection, names: Collection[FieldName]) -> dict[FieldName, list[NamedField]]:
    """The fields of these names, those of the newest batch first: another form may have read the page too.

    What was erased is not among them: nobody's answer brings a value back.
    """
    found: dict[FieldName, list[NamedField]] = {}
    contents = sorted({sha256 for sha256, _, _ in names})
    for start in range(0, len(contents), _CONTENTS_AT_ONCE):
        part = contents[start : start + _CONTENTS_AT_ONCE]
        said = _said(connection, part)
        for row in connection.execute(_fields_of(part)):
            place = Place(row.page_id, row.position)
            name = (row.sha256, row.page, row.field)
            of_row = (row.form, row.form_version, row.field, row.value, bool(row.two_keys), row.answer_id)
            found.setdefault(name, []).append(NamedField(place, *of_row, effective(said.get(place, []))))
    return found


def _fields_of(contents: Sequence[str]) -> Select[Any]:
    of_page = (pages.c.sha256, pages.c.page, pages.c.form, pages.c.form_version)
    of_field = [readings.c[name] for name in ("page_id", "position", "field", "value", "two_keys")]
    query: Select[Any] = select(*of_page, *of_field, review_items.c.answer_id)
    query = query.join_from(pages, readings).outerjoin(review_items, OF_READING)
    query = query.where(pages.c.sha256.in_(contents), pages.c.erased_at.is_(None))
    return query.order_by(pages.c.batch_id.desc())


def _said(connection: Connection, contents: Sequence[str]) -> dict[Place, list[Recorded]]:
    names = ("id", "reviewer", "verdict", "value", "stage", "retracts", "page_id", "position")
    query = select(*(corrections.c[name] for name in names))
    query = query.join_from(corrections, pages, corrections.c.page_id == pages.c.id)
    said: dict[Place, list[Recorded]] = {}
    for row in connection.execute(query.where(pages.c.sha256.in_(contents)).order_by(corrections.c.id)):
        said.setdefault(Place(row.page_id, row.position), []).append(_recorded(row))
    return said


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(row.id, row.reviewer, Verdict(row.verdict), row.value, Stage(row.stage), row.retracts)


def plain_answer(typed: str, read: str) -> tuple[Verdict, str] | None:
    """What a corrected cell says that is empty (what was read is right) or a word; None where it is a value."""
    if not typed:
        return (Verdict.VALUE if read else Verdict.BLANK), read
    verdict = WORDS.get(typed.lower().replace(" ", "_").replace("-", "_"))
    return None if verdict is None else (verdict, "")


class RecordedAnswers:
    """All answers of one batch, to ask whether a row of a CSV says what the ledger knows."""

    def __init__(self, connection: Connection, batch: int):
        wanted = (pages.c.sha256, pages.c.page, readings.c.field, readings.c.value.label("read"))
        query: Select[Any] = select(*wanted, corrections.c.verdict, corrections.c.value, corrections.c.reviewer)
        query = query.join_from(corrections, readings).join(pages, pages.c.id == readings.c.page_id)
        self._known = {tuple(row) for row in connection.execute(query.where(pages.c.batch_id == batch))}

    def __contains__(self, row: CorrectedRow) -> bool:
        page = int(row.page) if row.page else -1
        said = plain_answer(row.corrected_value, row.value or "") or (Verdict.VALUE, row.corrected_value)
        return (row.sha256, page, row.field, row.value, *said, row.reviewer) in self._known
