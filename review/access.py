"""Who is at the other end of a request: by a name alone, by a password, or by a reverse proxy's word."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from ledger.review.users import Account, Role, Users
from review.login_limit import LoginLimit
from review.passwords import is_password
from review.settings import ReviewSettings, SignIn

MAX_NAME = 60  # characters
_EVERYTHING = Role.ADMIN  # whoever reaches a page without login has the ledger's file too


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in, and what they may do."""

    name: str
    role: Role

    @property
    def adjudicates(self) -> bool:
        """Whether they see both answers where two differ, other people's figures, and the page around a field."""
        return self.role is not Role.REVIEWER


@dataclass(frozen=True, slots=True)
class Refused:
    """Why somebody was not let in."""

    text: str


class Access(Protocol):
    """One way of knowing who it is."""

    def person(self, request: HTTPConnection) -> Person | None:
        """Who sent the request; None for nobody who is known."""

    def sign_in(self, request: HTTPConnection, name: str, password: str) -> Refused | None:
        """Begin a session, or say why not."""


def access_of(settings: ReviewSettings, users: Users) -> Access:
    """The way that the settings ask for."""
    if settings.sign_in is SignIn.HEADER:
        return HeaderAccess(users, settings.user_header or "", settings.trusted_proxies)
    return NameAccess() if settings.sign_in is SignIn.NAME else PasswordAccess(users, LoginLimit())


def begin_session(session: dict[str, Any], **known: str) -> None:
    """A session of its own key, whatever was in it before."""
    session.clear()
    session.update(known, csrf=secrets.token_urlsafe(24), id=secrets.token_urlsafe(12))


class NameAccess:
    """Whoever reaches the page is trusted, and only asked for a name."""

    def person(self, request: HTTPConnection) -> Person | None:
        name = request.session.get("name")
        return Person(name, _EVERYTHING) if name else None

    def sign_in(self, request: HTTPConnection, name: str, password: str) -> Refused | None:
        name = " ".join(name.split())
        if not name or len(name) > MAX_NAME or not name.isprintable():
            return Refused(f"Write a name of at most {MAX_NAME} characters.")
        begin_session(request.session, name=name)
        return None


class PasswordAccess:
    """Accounts of the ledger. A session ends when its account is disabled, or its password or role changes."""

    def __init__(self, users: Users, limit: LoginLimit):
        self._users = users
        self._limit = limit

    def person(self, request: HTTPConnection) -> Person | None:
        name = request.session.get("name")
        account = self._users.find(name) if name else None
        if account is None or account.disabled or request.session.get("since") != account.changed_at.isoformat():
            return None
        return Person(account.name, account.role)

    def sign_in(self, request: HTTPConnection, name: str, password: str) -> Refused | None:
        address = request.client.host if request.client else ""
        tried = name.casefold().strip()[:MAX_NAME]
        wait = self._limit.wait_s(tried, address)
        if wait:
            return Refused(f"Too many wrong passwords: try again in {math.ceil(wait / 60)} min.")
        account = self._passed(tried, password)
        if account is None:
            self._limit.failed(tried, address)
            return Refused("The name or the password is wrong.")
        self._limit.passed(tried, address)
        begin_session(request.session, name=account.name, since=account.changed_at.isoformat())
        return None

    def _passed(self, name: str, password: str) -> Account | None:
        account = self._users.find(name)
        right = is_password(password, account.password_hash if account else None)
        return account if account and right and not account.disabled else None


class HeaderAccess:
    """A reverse proxy has asked who it is; its header counts only from its own addresses."""

    def __init__(self, users: Users, header: str, proxies: tuple[str, ...]):
        self._users = users
        self._header = header
        self._proxies = frozenset(proxies)

    def person(self, request: HTTPConnection) -> Person | None:
        if request.client is None or request.client.host not in self._proxies:
            return None
        names = request.headers.getlist(self._header)
        account = self._users.find(names[0]) if len(names) == 1 and names[0] else None
        if account is None or account.disabled:
            return None
        if request.session.get("name") != account.name:
            begin_session(request.session, name=account.name)
        return Person(account.name, account.role)

    def sign_in(self, request: HTTPConnection, name: str, password: str) -> Refused | None:
        return Refused(f"Sign in at the proxy: it names you in the header {self._header}.")
