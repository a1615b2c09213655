"""What people answered about fields whose crops were kept: what a site's models can learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, and_, func, select

from forms.template import Box
from ledger.database import Database
from ledger.review.items import HOLDING
from ledger.review.types import Stage, Verdict
from ledger.tables import corrections, crops, pages, readings, review_items


@dataclass(frozen=True, slots=True)
class CorrectedField:
    """A field with the answer that holds, whatever had been read there.

    ``value`` is what people say stands there, ``read`` what the model said; ``box`` is where the form had the field
    when the page was read. ``confirmed``: two people gave this answer. ``png`` is the field's crop, b"" where it is
    gone.
    """

    page_id: int
    position: int
    form: str
    field: str
    box: Box
    sha256: str
    value: str
    read: str
    reviewer: str
    confirmed: bool
    png: bytes


class Lessons:
    """What the ledger knows of people's answers; threads may share it."""

    def __init__(self, database: Database):
        self._database = database

    @property
    def ledger(self) -> str:
        """The database that they are in, without its password."""
        url = self._database.engine.url
        if url.get_backend_name() == "sqlite":  # whatever folder its path is relative to
            url = url.set(database=str(Path(str(url.database)).absolute()))
        return url.render_as_string(hide_password=True)

    def corrected(self) -> list[CorrectedField]:
        """Every field whose value is settled by people, in the order of recording.

        What no person answered is not among them: neither accepted values nor what still waits in the audit sample.
        Nor are fields that people found blank, struck out or illegible.
        """
        with self._database.read() as connection:
            return [_corrected(row) for row in connection.execute(_query())]

    def newest(self) -> int:
        """The number of the newest answer of all, 0 where there is none."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(corrections.c.id))).scalar() or 0

    def count_since(self, number: int) -> int:
        """How many fields are settled with a value by answers that are newer than ``number``."""
        query = select(func.count()).select_from(review_items).join(corrections, HOLDING)
        with self._database.read() as connection:
            return int(connection.execute(query.where(_SETTLED, corrections.c.id > number)).scalar_one())


_SETTLED = and_(review_items.c.stage == Stage.SETTLED.value, corrections.c.verdict == Verdict.VALUE.value)
_PLACE = (readings.c.page_id, readings.c.position)


def _query() -> Select[Any]:
    of_field = [readings.c[name] for name in ("field", "x_mm", "y_mm", "width_mm", "height_mm")]
    answer = (corrections.c.value, readings.c.value.label("read"), corrections.c.reviewer)
    query: Select[Any] = select(*_PLACE, pages.c.form, pages.c.sha256, *of_field, *answer, _people(), crops.c.png)
    query = query.join_from(review_items, corrections, HOLDING)
    query = query.join(readings, _at_place(readings)).join(pages, pages.c.id == readings.c.page_id)
    return query.outerjoin(crops, _at_place(crops)).where(_SETTLED).order_by(*_PLACE)


def _at_place(table: Any) -> Any:
    return and_(table.c.page_id == review_items.c.page_id, table.c.position == review_items.c.position)


def _people() -> Any:
    """How many people gave the answer that holds; what someone took back counts for nothing."""
    given = corrections.alias("given")
    same = and_(
        given.c.page_id == review_items.c.page_id,
        given.c.position == review_items.c.position,
        given.c.stage > Stage.SETTLED.value,
        given.c.verdict == corrections.c.verdict,
        given.c.value == corrections.c.value,
    )
    people = func.count(func.lower(given.c.reviewer).distinct())
    return select(people).where(same).correlate(review_items, corrections).scalar_subquery().label("people")


def _corrected(row: Row[Any]) -> CorrectedField:
    return CorrectedField(
        page_id=row.page_id,
        position=row.position,
        form=row.form,
        field=row.field,
        box=Box(row.x_mm, row.y_mm, row.width_mm, row.height_mm),
        sha256=row.sha256,
        value=row.value,
        read=row.read,
        reviewer=row.reviewer,
        confirmed=row.people > 1,
        png=row.png or b"",
    )
