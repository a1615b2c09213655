"""Batches: scans of one source, read by one state of one form."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from ledger.database import Database
from ledger.tables import batches

_COLUMNS = (batches.c.id, batches.c.source, batches.c.form, batches.c.form_digest, batches.c.opened_at)


@dataclass(frozen=True, slots=True)
class Batch:
    """Scans of one source, read by one state of one form; ``source`` and ``form`` are as the user named them."""

    id: int
    source: str
    form: str
    form_digest: str
    opened_at: datetime


def all_batches(connection: Connection) -> list[Batch]:
    """The newest first."""
    rows = connection.execute(select(*_COLUMNS).order_by(batches.c.id.desc())).all()
    return [Batch(*row) for row in rows]


def is_batch(connection: Connection, key: int) -> bool:
    """Whether there is a batch of this id."""
    return connection.execute(select(batches.c.id).where(batches.c.id == key)).first() is not None


def open_batch(database: Database, source: str, form: str, form_digest: str) -> int:
    """The id of the batch of these three, which is made if there is none."""
    query = select(batches.c.id).filter_by(source=source, form=form, form_digest=form_digest)
    with database.read() as connection:
        found = connection.execute(query).scalar()
    if found is not None:
        return found
    made = {"opened_at": datetime.now(UTC), "audit_key": secrets.token_hex(16)}
    # Another program may open the same batch at this moment: then its batch is the batch.
    with suppress(IntegrityError), database.write() as connection:
        connection.execute(insert(batches).values(source=source, form=form, form_digest=form_digest, **made))
    with database.read() as connection:
        return connection.execute(query).scalar_one()
