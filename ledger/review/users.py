"""Who may review: accounts in the ledger. Passwords are hashed elsewhere; here a hash is a text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from secrets import token_hex
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger.database import Database
from ledger.errors import LedgerError
from ledger.review.items import insert_or_leave
from ledger.review.standing import person
from ledger.rows import storable
from ledger.tables import accounts, secrets

_MAX_NAME = 100  # characters
_COOKIES = "cookies"


class Role(StrEnum):
    """What someone may do; each may do what those before may."""

    REVIEWER = "reviewer"
    ADJUDICATOR = "adjudicator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who may log in, unless ``disabled``. What was opened before ``changed_at`` (UTC) counts no more."""

    name: str
    role: Role
    password_hash: str
    changed_at: datetime
    disabled: bool


class Users:
    """The accounts of a ledger; names are compared without regard to case."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, name: str, password_hash: str, role: Role) -> None:
        """Make an account; that of somebody who was removed is theirs again, with this password and role.

        Raises:
            LedgerError: the name is empty, too long or taken.
        """
        shown = storable(name.strip())
        if not 0 < len(shown) <= _MAX_NAME:
            raise LedgerError(f"{name!r} cannot be a user's name", f"use 1 to {_MAX_NAME} characters")
        row = {"name": person(shown), "shown_name": shown, "password_hash": password_hash, "role": role.value}
        new = row | {"changed_at": datetime.now(UTC), "disabled": False}
        removed = (accounts.c.name == person(shown)) & accounts.c.disabled
        try:
            with self._database.write() as connection:
                if not connection.execute(update(accounts).where(removed).values(new)).rowcount:
                    connection.execute(insert(accounts).values(new))
        except IntegrityError as error:
            mend = "choose another name, or change that user's password"
            raise LedgerError(f"there is a user {shown!r} already", mend) from error

    def find(self, name: str) -> Account | None:
        """The account of that name, disabled or not."""
        with self._database.read() as connection:
            row = connection.execute(select(accounts).where(accounts.c.name == person(name))).first()
        return None if row is None else _account(row)

    def all(self) -> list[Account]:
        """All accounts by name."""
        with self._database.read() as connection:
            return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]

    def set_password(self, name: str, password_hash: str) -> None:
        """Give another password. Raises ``LedgerError`` where there is no such user."""
        self._change(name, password_hash=password_hash)

    def set_role(self, name: str, role: Role) -> None:
        """Give another role. Raises ``LedgerError`` where there is no such user."""
        self._change(name, role=role.value)

    def disable(self, name: str) -> None:
        """Let someone log in no more; what they answered stays. Raises ``LedgerError`` where there is no such user."""
        self._change(name, disabled=True)

    def cookie_key(self) -> str:
        """What signs the cookies of those who are logged in: the same for all servers of the ledger, at all times."""
        with self._database.write() as connection:
            insert_or_leave(connection, secrets, [{"name": _COOKIES, "value": token_hex(32)}])
            return str(connection.execute(select(secrets.c.value).where(secrets.c.name == _COOKIES)).scalar_one())

    def _change(self, name: str, **values: Any) -> None:
        change = update(accounts).where(accounts.c.name == person(name))
        with self._database.write() as connection:
            found = connection.execute(change.values(**values, changed_at=datetime.now(UTC))).rowcount
        if not found:
            raise LedgerError(f"there is no user {name!r}", "look at the list of users")


def _account(row: Row[Any]) -> Account:
    return Account(row.shown_name, Role(row.role), row.password_hash, row.changed_at, row.disabled)
