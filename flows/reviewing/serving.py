"""``review`` and ``users``: the ledger opened, the forms loaded, and what is wrong said in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.errors import JobError
from flows.learning.correction_events import announced_corrections
from flows.reviewing.csv_follower import CsvFollower
from flows.terminal import say
from forms.errors import FormError, MendableError
from forms.form_file import load_forms
from forms.template import FormTemplate
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.review.types import ReviewPolicy
from ledger.review.users import Role, Users
from review.passwords import password_hash
from review.server import serve
from review.settings import ReviewError, ReviewSettings


def ledger_url(ledger: str | None, out: str | None) -> str:
    """The ledger that is meant: by its address, or in the folder that digitize wrote to.

    Raises:
        JobError: neither is named, or there is none in the folder.
    """
    if ledger is not None:
        return ledger
    if out is None:
        raise JobError("It is not said which ledger.", "Name one with --ledger, or with --out the folder it lies in.")
    file = Path(out).expanduser().absolute() / "formdigits.sqlite"
    if not file.is_file():
        raise JobError(f"There is no ledger {file}.", "Digitize a folder of scans into it first.")
    return f"sqlite:///{file}"


def serve_review(url: str, out: str | None, forms: tuple[str, ...], hide_below: float, **options: Any) -> None:
    """Serve the review page until it is stopped, the CSVs in ``out`` following; ``options`` as in ``ReviewSettings``.

    Raises:
        JobError: a form or the ledger cannot be used, it would be open to anybody, or the address is taken.
    """
    settings = ReviewSettings(forms=_forms(forms), **options)
    with (
        _one_line(),
        Ledger.open(url) as ledger,
        announced_corrections(ledger, url),
        _followed(ledger, out) as answered,
    ):
        serve(ledger, settings, say, ReviewPolicy(blind_below=hide_below), answered)


@contextmanager
def _followed(ledger: Ledger, out: str | None) -> Iterator[Callable[[], None]]:
    """What is to hear of answers, so that the CSVs in ``out`` follow them; nothing hears where no folder is named."""
    if out is None:
        yield lambda: None
        return
    with CsvFollower(ledger, Path(out)) as follower:
        yield follower.answered


def _forms(names: tuple[str, ...]) -> tuple[FormTemplate, ...]:
    try:
        return tuple(form for name in names for form in load_forms(name))
    except FormError as error:
        raise JobError(str(error)) from error


def add_account(url: str, name: str, role: str, password: str | None) -> None:
    """Add somebody; without a password they can only come through a reverse proxy."""
    with _users(url) as users:
        users.add(name, "" if password is None else password_hash(password), Role(role))


def change_password(url: str, name: str, password: str) -> None:
    """Give somebody another password."""
    with _users(url) as users:
        users.set_password(name, password_hash(password))


def change_role(url: str, name: str, role: str) -> None:
    """Let somebody do more, or less."""
    with _users(url) as users:
        users.set_role(name, Role(role))


def remove_account(url: str, name: str) -> None:
    """Let somebody in no longer."""
    with _users(url) as users:
        users.disable(name)


def describe_accounts(url: str) -> Iterator[str]:
    """A line for each account."""
    with _users(url) as users:
        accounts = users.all()
    width = max((len(account.name) for account in accounts), default=0)
    for account in accounts:
        state = "removed" if account.disabled else "by proxy only" if not account.password_hash else ""
        yield f"{account.name:<{width}}  {account.role:<11}  {state}".rstrip()


@contextmanager
def _users(url: str) -> Iterator[Users]:
    with _one_line(), Ledger.open(url) as ledger:
        yield ledger.users()


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except (LedgerError, ReviewError) as error:
        raise JobError(_sentence(error)) from error


def _sentence(error: MendableError) -> str:
    return f"{error.problem[:1].upper()}{error.problem[1:]}: {error.mend}."
