"""The commands ``review`` and ``users``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

ROLES = ["reviewer", "adjudicator", "admin"]


def _ledger_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--out", metavar="DIR", help="The folder that digitize wrote to, in place of --ledger."),
        click.option("--ledger", metavar="URL", help="Database of the ledger.  [default: formdigits.sqlite in --out]"),
    ):
        command = option(command)
    return command


def _ledger_url(ledger: str | None, out: str | None) -> str:
    from flows.reviewing.serving import ledger_url

    return ledger_url(ledger, out)


@click.command()
@_ledger_options
@click.option("--form", "forms", multiple=True, help="The forms that the scans were read with; as often as you like.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any free one.")
@click.option("--login", is_flag=True, help="Ask for passwords on 127.0.0.1 too.")
@click.option("--user-header", metavar="NAME", help="The header in which a reverse proxy names who signed in there.")
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    metavar="ADDRESS",
    multiple=True,
    default=("127.0.0.1", "::1"),
    show_default=True,
    help="Where that proxy is; no other is believed.",
)
@click.option("--public-name", "public_names", metavar="NAME", multiple=True, help="A name by which browsers reach it.")
@click.option("--https", is_flag=True, help="A proxy encrypts: send cookies over encrypted connections only.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Encrypt here: a PEM file, with --private-key.")
@click.option("--private-key", type=click.Path(path_type=Path), help="The key of --certificate.")
@click.option("--show-pages", is_flag=True, help="Let reviewers, too, see what lies around a field.")
@click.option(
    "--hide-below",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Guesses less sure than this are hidden, and typed blind.",
)
def review(ledger: str | None, out: str | None, **options: Any) -> None:
    """Serve the page where people check what was flagged."""
    from flows.reviewing.serving import serve_review

    serve_review(_ledger_url(ledger, out), out, **options)


@click.group()
def users() -> None:
    """Who may review, where a password is asked for."""


@users.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True)
@click.option("--no-password", is_flag=True, help="For people whom a reverse proxy signs in.")
@_ledger_options
def add_user(name: str, role: str, no_password: bool, ledger: str | None, out: str | None) -> None:
    """Add NAME; the password is asked for, or read from a pipe."""
    from flows.reviewing.serving import add_account

    add_account(_ledger_url(ledger, out), name, role, None if no_password else _password())
    click.echo(f"{name} may sign in as {role}.")


@users.command("password")
@click.argument("name")
@_ledger_options
def set_password(name: str, ledger: str | None, out: str | None) -> None:
    """Give NAME another password; their sessions end."""
    from flows.reviewing.serving import change_password

    change_password(_ledger_url(ledger, out), name, _password())
    click.echo(f"{name} has a new password.")


@users.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@_ledger_options
def set_role(name: str, role: str, ledger: str | None, out: str | None) -> None:
    """Give NAME another ROLE; their sessions end."""
    from flows.reviewing.serving import change_role

    change_role(_ledger_url(ledger, out), name, role)
    click.echo(f"{name} is {role} now.")


@users.command("list")
@_ledger_options
def list_users(ledger: str | None, out: str | None) -> None:
    """List everybody, and what they may do."""
    from flows.reviewing.serving import describe_accounts

    click.echo("\n".join(describe_accounts(_ledger_url(ledger, out))))


@users.command("remove")
@click.argument("name")
@_ledger_options
def remove_user(name: str, ledger: str | None, out: str | None) -> None:
    """Let NAME in no longer; what they answered stays."""
    from flows.reviewing.serving import remove_account

    remove_account(_ledger_url(ledger, out), name)
    click.echo(f"{name} can no longer sign in.")


def _password() -> str:
    """From the terminal, unseen and twice; or the first line of a pipe."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
