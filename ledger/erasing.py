"""Images and values removed for good, statistics kept.

What was counted must still count: how many fields there were, which were blank, accepted or answered, and whether the
answers agreed with the machine and with each other. So no row goes. A value becomes a placeholder that says only
whether it is the one that was read (``#1``) or which other of its field (``#2``, ``#3``, ...); no value stays none. The
confidences and the numbers that they were computed from stay, the digits and the other values that were thought of go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    delete,
    distinct,
    func,
    literal,
    select,
    update,
)

from ledger.database import Database
from ledger.review.types import Place, Stage
from ledger.tables import (
    batches,
    corrections,
    crops,
    earlier_readings,
    known_answers,
    known_trials,
    pages,
    readings,
    review_items,
)

_PAGES_AT_ONCE = 500  # of one transaction: reviewers do not wait long, and a crash leaves whole pages
_READ = "#1"
# The columns that hold values, of the tables besides ``readings``; their keys tell the rows of a field apart.
_VALUES: tuple[tuple[Table, tuple[str, ...], tuple[str, ...]], ...] = (
    (corrections, ("id",), ("was", "value")),
    (known_answers, ("page_id", "position"), ("value",)),
    (known_trials, ("page_id", "position", "reviewer"), ("value",)),
    (earlier_readings, ("id",), ("value",)),
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is to be erased, or was: pages, their fields with a value, the images of fields, and people's answers."""

    pages: int
    values: int
    images: int
    answers: int


def find_erasable(connection: Connection, source: str | None, before: datetime | None) -> Erasure:
    """What ``erase`` would remove."""
    chosen = _chosen(source, before)
    of_page = (pages, pages.c.id == readings.c.page_id)
    values = select(func.count()).select_from(readings.join(*of_page)).where(chosen, readings.c.value != "")
    images = select(func.count()).select_from(crops.join(pages, pages.c.id == crops.c.page_id)).where(chosen)
    answers = select(func.count()).select_from(corrections.join(pages, pages.c.id == corrections.c.page_id))
    counts = (select(func.count(distinct(pages.c.id))).where(chosen), values, images, answers.where(chosen))
    return Erasure(*(connection.execute(query).scalar_one() for query in counts))


def erase(database: Database, source: str | None, before: datetime | None) -> Erasure:
    """Erase the pages of a source, or those that were read before a moment, or those that are both.

    Broken off, it goes on when it is called again. At its end no byte of what was removed is left in the database's
    own files; backups, and files that were written from the ledger, are not its own.

    Args:
        database: the ledger's.
        source: the scans, as batches name them; None for all.
        before: the moment; None for all.

    Raises:
        LedgerError: another program holds the database. What was erased is erased; call it again when it is closed.
    """
    with database.read() as connection:
        found = find_erasable(connection, source, before)
        chosen = connection.execute(select(pages.c.id).where(_chosen(source, before))).scalars().all()
    for start in range(0, len(chosen), _PAGES_AT_ONCE):
        with database.write() as connection:
            _erase_pages(connection, chosen[start : start + _PAGES_AT_ONCE])
    database.compact()
    return found


def _chosen(source: str | None, before: datetime | None) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [pages.c.erased_at.is_(None)]
    if source is not None:
        conditions.append(pages.c.batch_id.in_(select(batches.c.id).where(batches.c.source == source)))
    if before is not None:
        conditions.append(pages.c.read_at < before)
    return and_(*conditions)


def _erase_pages(connection: Connection, page_ids: Sequence[int]) -> None:
    placeholders = _Placeholders(connection, page_ids)
    for table, keys, columns in _VALUES:
        _replace_values(connection, table, keys, columns, page_ids, placeholders)
    hidden = {"value": _placeholder(readings.c.value), "alternatives": [], "digits": []}
    connection.execute(update(readings).where(readings.c.page_id.in_(page_ids)).values(hidden))
    earlier = update(earlier_readings).where(earlier_readings.c.page_id.in_(page_ids))
    connection.execute(earlier.values(alternatives=[], digits=[]))
    _close_queue(connection, page_ids)
    connection.execute(delete(crops).where(crops.c.page_id.in_(page_ids)))
    connection.execute(update(pages).where(pages.c.id.in_(page_ids)).values(erased_at=datetime.now(UTC)))


def _placeholder(value: ColumnElement[str]) -> ColumnElement[str]:
    return case((value == "", literal("")), else_=literal(_READ))


def _close_queue(connection: Connection, page_ids: Sequence[int]) -> None:
    """Nobody is asked for what cannot be seen any more."""
    settled = {"stage": Stage.SETTLED.value, "leased_to": None, "leased_until": None}
    items = update(review_items).where(review_items.c.page_id.in_(page_ids))
    connection.execute(items.values(value=_placeholder(review_items.c.value), **settled))
    unanswered = and_(known_trials.c.page_id.in_(page_ids), known_trials.c.answered_at.is_(None))
    connection.execute(delete(known_trials).where(unanswered))


def _replace_values(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    columns: Sequence[str],
    page_ids: Sequence[int],
    placeholders: _Placeholders,
) -> None:
    names = dict.fromkeys(("page_id", "position", *keys, *columns))
    query = select(*(table.c[name] for name in names)).where(table.c.page_id.in_(page_ids))
    changed = []
    for row in connection.execute(query):
        place, cells = Place(row.page_id, row.position), row._mapping
        told = {name: placeholders.of(place, cells[name]) for name in columns}
        changed.append({f"of_{key}": cells[key] for key in keys} | told)
    if changed:
        of_row = and_(*(table.c[key] == bindparam(f"of_{key}") for key in keys))
        connection.execute(update(table).where(of_row), changed)


class _Placeholders:
    """The placeholders of all values that anybody or any model gave to fields of some pages."""

    def __init__(self, connection: Connection, page_ids: Sequence[int]):
        self._values: dict[Place, list[str]] = {}
        self._add(connection, readings, ("value",), page_ids)
        for table, _, columns in _VALUES:
            self._add(connection, table, columns, page_ids)

    def of(self, place: Place, value: str | None) -> str | None:
        return f"#{self._values[place].index(value) + 1}" if value else value

    def _add(self, connection: Connection, table: Table, columns: Iterable[str], page_ids: Sequence[int]) -> None:
        for place, value in _cells(connection, table, columns, page_ids):
            known = self._values.setdefault(place, [])
            if value not in known and (value or table is readings):
                known.append(value)


def _cells(
    connection: Connection, table: Table, columns: Iterable[str], page_ids: Sequence[int]
) -> Iterator[tuple[Place, str]]:
    names = tuple(columns)
    query = select(table.c.page_id, table.c.position, *(table.c[name] for name in names))
    for row in connection.execute(query.where(table.c.page_id.in_(page_ids))):
        yield from ((Place(row.page_id, row.position), row._mapping[name] or "") for name in names)
