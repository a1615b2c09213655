"""What a request says, checked: who sends it, from which desk, about which fields."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Query, Request

from ledger.review.types import Place, Scope, Seat
from review.access import Person, begin_session
from review.context import Context
from review.refusals import Refusal

ITEM = r"^\d{1,18}-\d{1,9}$"
DESK = r"^[A-Za-z0-9_-]{8,32}$"


def context_of(request: Request) -> Context:
    """The parts that requests share."""
    found: Context = request.app.state.context
    return found


Shared = Annotated[Context, Depends(context_of)]


def signed_in(request: Request, context: Shared) -> Person:
    """Who sends the request. Raises ``Refusal`` where nobody is signed in."""
    person = context.access.person(request)
    if person is None:
        raise Refusal(401, "signed_out", "You are not signed in.")
    if "csrf" not in request.session:
        begin_session(request.session, **{k: v for k, v in request.session.items() if k in ("name", "since")})
    request.state.person = person
    return person


Someone = Annotated[Person, Depends(signed_in)]


async def own_form(request: Request) -> None:
    """Raise ``Refusal`` unless a page of the same sign-in sent the request (CSRF)."""
    token = request.headers.get("x-csrf-token")
    if token is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        token = str((await request.form()).get("csrf", ""))
    expected = request.session.get("csrf")
    from_elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if not expected or token != expected or from_elsewhere:
        raise Refusal(403, "csrf", "This page is out of date: load it again and repeat what you did.")


OwnForm = Depends(own_form)


def asked_scope(batch: int | None = None, form: Annotated[str | None, Query(max_length=200)] = None) -> Scope:
    """The fields that are reviewed: of a batch, or of a form."""
    if (batch is None) == (form is None):
        raise Refusal(422, "invalid", "A review is of a batch or of a form.")
    return Scope(batch, form)


AskedScope = Annotated[Scope, Depends(asked_scope)]


def seated(request: Request, person: Someone, desk: Annotated[str, Query(pattern=DESK)]) -> Seat:
    """Who reviews, and where: each tab is a desk of its own, so that two tabs do not hold the same fields."""
    return seat_at(request, desk)


def seat_at(request: Request, desk: str) -> Seat:
    """The desk of whoever is signed in."""
    person: Person = request.state.person
    return Seat(person.name, f"{request.session['id']} {desk}", person.adjudicates)


Seated = Annotated[Seat, Depends(seated)]


def place_of(item: str) -> Place:
    """The field that an item's key names, ``12-3``."""
    if not re.match(ITEM, item):
        raise Refusal(422, "invalid", "There is no such field.")
    page_id, position = map(int, item.split("-"))
    return Place(page_id, position)


def asked_place(item: str) -> Place:
    """The field that the query names."""
    return place_of(item)


AskedPlace = Annotated[Place, Depends(asked_place)]
