"""The pages that people open."""

from __future__ import annotations

import secrets
from pathlib import PurePath
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from ledger.review.types import Place, Scope, ScopeCount
from ledger.review.users import Role
from review.access import Person, Refused
from review.api import empty_html, item_html
from review.asking import DESK, AskedPlace, AskedScope, OwnForm, Shared, Someone, asked_place, seat_at
from review.context import Context
from review.item_view import item_view
from review.reason_words import WORDS, in_words
from review.refusals import Refusal
from review.rendering import page

CARPET = 60  # crops of one carpet
_SCOPES = 50  # shown of each kind

pages = APIRouter()


@pages.get("/")
def queue(request: Request, context: Shared, person: Someone) -> Response:
    """What there is to review."""
    counts = context.review.scopes()
    batches = [one for one in counts if one.scope.batch is not None][:_SCOPES]
    forms = [one for one in counts if one.scope.form is not None][:_SCOPES]
    unknown = [one.scope.form for one in forms if context.forms.form(one.scope.form or "") is None]
    kinds = [("Batches", _rows(context, batches)), ("Forms, in all batches", _rows(context, forms))]
    return page(request, "queue.html.jinja", {"kinds": kinds, "unknown": unknown})


@pages.get("/review")
def desk(
    request: Request,
    context: Shared,
    person: Someone,
    scope: AskedScope,
    desk: Annotated[str | None, Query(pattern=DESK)] = None,
    item: str | None = None,
) -> Response:
    """One field after the other; ``item`` first, if it is named."""
    if desk is None:
        return _at_new_desk(request)
    seat = seat_at(request, desk)
    if item is not None:
        place = asked_place(item)
        _check_may_look_back(context, person, place)
        first = item_html(request, context.review.item(seat, place))
    else:
        found = context.review.next_items(seat, scope, 1)
        first = item_html(request, found[0]) if found else empty_html(request, context, scope)
    progress = context.review.progress(scope)
    shown = {"query": _query(scope, desk), "first": first, "progress": progress, "name": _name(context, scope)}
    return page(request, "desk.html.jinja", shown)


@pages.get("/values")
def values(request: Request, context: Shared, person: Someone, scope: AskedScope) -> Response:
    """Fields grouped by the value that was read."""
    groups = context.review.value_groups(scope)
    shown = {"query": _query(scope), "groups": groups, "name": _name(context, scope)}
    return page(request, "values.html.jinja", shown)


@pages.get("/carpet")
def carpet(
    request: Request,
    context: Shared,
    person: Someone,
    scope: AskedScope,
    value: Annotated[str, Query(pattern=r"^\d{1,64}$")],
    desk: Annotated[str | None, Query(pattern=DESK)] = None,
) -> Response:
    """Crops that all read the same, to find the odd ones among them."""
    if desk is None:
        return _at_new_desk(request)
    found = context.review.carpet(seat_at(request, desk), scope, value, CARPET)
    views = [item_view(item, context.forms, names_scan=False) for item in found]
    shown = {"query": _query(scope, desk), "value": value, "items": views, "name": _name(context, scope)}
    return page(request, "carpet.html.jinja", shown)


@pages.get("/field")
def history(request: Request, context: Shared, person: Someone, place: AskedPlace) -> Response:
    """What became of a field: who said what, and when."""
    _check_may_look_back(context, person, place)
    item = context.review.item(seat_at(request, "history"), place)
    sees_pages = person.adjudicates or context.settings.show_pages
    changes = [(change, in_words(change.overrides)) for change in context.review.history(place)]
    view = item_view(item, context.forms, names_scan=sees_pages)
    shown = {"item": view, "changes": changes, "answer": item.answer, "batch": item.batch}
    return page(request, "history.html.jinja", shown)


@pages.get("/statistics")
def statistics(request: Request, context: Shared, person: Someone, known: int | None = None) -> Response:
    """How the review goes: everybody's figures for adjudicators, a reviewer's own otherwise."""
    found = context.review.statistics()
    own = person.name.casefold()
    reviewers = [one for one in found.reviewers if person.adjudicates or one.reviewer.casefold() == own]
    shown = {"statistics": found, "reviewers": reviewers, "admin": person.role is Role.ADMIN, "known": known}
    return page(request, "statistics.html.jinja", shown)


@pages.post("/known", dependencies=[OwnForm])
def known_answers(context: Shared, person: Someone, count: Annotated[int, Form(ge=1, le=1000)]) -> Response:
    """Choose fields on which two people agreed, to measure reviewers by."""
    if person.role is not Role.ADMIN:
        raise Refusal(403, "forbidden", "Known answers are chosen by admins.")
    made = 0
    for one in context.review.scopes():
        if one.scope.form is not None:
            made += context.review.know_agreed(one.scope, count - made)
    return RedirectResponse(f"/statistics?known={made}", 303)


@pages.get("/help")
def help_page(request: Request, person: Someone) -> Response:
    """Keys and reasons."""
    reasons = [(str(reason), words) for reason, words in WORDS.items() if reason != "audit_sample"]
    return page(request, "help.html.jinja", {"reasons": reasons})


@pages.get("/sign-in")
def sign_in_page(request: Request, context: Shared, to: str = "/") -> Response:
    """Where people say who they are."""
    if "csrf" not in request.session:
        request.session["csrf"] = secrets.token_urlsafe(24)
    return page(request, "sign_in.html.jinja", {"to": _own_path(to), "refused": "", "name": ""})


@pages.post("/sign-in", dependencies=[OwnForm])
def sign_in(
    request: Request,
    context: Shared,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)] = "",
    to: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Begin a session."""
    refused = context.access.sign_in(request, name, password)
    if isinstance(refused, Refused):
        shown = {"to": _own_path(to), "refused": refused.text, "name": name}
        return page(request, "sign_in.html.jinja", shown, 403)
    return RedirectResponse(_own_path(to), 303)


@pages.post("/sign-out", dependencies=[OwnForm])
def sign_out(request: Request) -> Response:
    """End the session."""
    request.session.clear()
    return RedirectResponse("/sign-in", 303)


def _rows(context: Context, counts: list[ScopeCount]) -> list[dict[str, object]]:
    return [
        {
            "name": _name(context, one.scope, one.name),
            "query": _query(one.scope),
            "settled": one.settled,
            "progress": context.review.progress(one.scope),
        }
        for one in counts
    ]


def _name(context: Context, scope: Scope, name: str | None = None) -> str:
    """What people call a scope: a form's title, or the end of the path that the batch was read from."""
    if scope.form is not None:
        return context.forms.title(scope.form)
    if name is None:
        name = next((one.name for one in context.review.scopes() if one.scope == scope), "")
    return "/".join(PurePath(name).parts[-2:]) or f"Batch {scope.batch}"


def _query(scope: Scope, desk: str | None = None) -> str:
    said = {"batch": scope.batch, "form": scope.form, "desk": desk}
    return urlencode({key: value for key, value in said.items() if value is not None})


def _check_may_look_back(context: Context, person: Person, place: Place) -> None:
    """Raise ``Refusal`` for a reviewer who did not answer the field themselves.

    What others said would tell a second key the first one, and a known answer what is known.
    """
    own = person.name.casefold()
    if not (person.adjudicates or any(said.reviewer.casefold() == own for said in context.review.history(place))):
        raise Refusal(403, "forbidden", "You see the history of fields that you answered.")


def _at_new_desk(request: Request) -> Response:
    """The same page at a desk of its own: its address keeps the desk, so that a reload finds its fields again."""
    return RedirectResponse(request.url.include_query_params(desk=secrets.token_urlsafe(9)), 303)


def _own_path(path: str) -> str:
    """A path of this server, and never an address elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
