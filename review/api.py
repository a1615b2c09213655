"""What the page's script asks for and says, as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ledger.review.types import Answer, Place, ReviewItem, Scope, Seat, Stage, Verdict
from review.asking import (
    ITEM,
    AskedPlace,
    AskedScope,
    OwnForm,
    Seated,
    Shared,
    Someone,
    place_of,
)
from review.context import Context
from review.item_view import item_key, item_view, picture_url
from review.reason_words import in_words
from review.refusals import Refusal
from review.rendering import fragment, progress_words
from review.surroundings import NotThere

MAX_SECONDS = 3600.0  # a field before which somebody went home
Said = dict[str, Any]

api = APIRouter(prefix="/api")
changes = APIRouter(prefix="/api", dependencies=[OwnForm])

ItemKey = Annotated[str, Field(pattern=ITEM)]
ClientKey = Annotated[str, Field(min_length=8, max_length=64)]
Digits = Annotated[str, Field(pattern=r"^[0-9]{0,64}$")]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GivenAnswer(_Said):
    """An answer to one field. ``confirmed``: the reviewer was told which rules it breaks."""

    id: ClientKey
    item: ItemKey
    verdict: Literal[Verdict.VALUE, Verdict.BLANK, Verdict.ILLEGIBLE, Verdict.STRUCK_OUT]
    value: Digits = ""
    seconds: float = Field(ge=0)
    confirmed: bool = False
    seen: int | None = None


class Seen(_Said):
    """A crop of a carpet; ``odd``: it does not read what the others do."""

    id: ClientKey
    item: ItemKey
    odd: bool


class GivenCarpet(_Said):
    """Fields that all read ``value``, but for odd ones."""

    value: Digits
    seconds: float = Field(ge=0)
    items: tuple[Seen, ...] = Field(max_length=200)


class Skipped(_Said):
    """A field to be looked at later."""

    item: ItemKey


class Undone(_Said):
    """The answer to take back, and the key of taking it back."""

    id: ClientKey
    answer: ClientKey


class Held(_Said):
    """Fields that the page shows or holds ready."""

    items: tuple[ItemKey, ...] = Field(max_length=50)


@api.get("/session")
def session(request: Request, person: Someone) -> Said:
    """Whose session it is, and the key that its requests carry."""
    return {"person": person.name, "csrf": request.session["csrf"]}


@api.get("/items")
def items(
    request: Request,
    context: Shared,
    person: Someone,
    seat: Seated,
    scope: AskedScope,
    count: Annotated[int, Query(ge=1, le=10)] = 1,
    held: Annotated[str, Query(max_length=2000)] = "",
) -> Said:
    """The next fields, leased to this desk, without those that it holds already."""
    kept = [place_of(item) for item in held.split()]
    found = context.review.next_items(seat, scope, count, kept)
    return {
        "items": [{"item": item_key(item.place), "html": item_html(request, item)} for item in found],
        "counts": _counts(context, scope),
        "empty": "" if found or kept else empty_html(request, context, scope),
    }


@api.get("/check")
def check(
    context: Shared, seat: Seated, place: AskedPlace, value: Annotated[str, Query(pattern=r"^\d{1,64}$")]
) -> Said:
    """Which rules of its field a typed value breaks, in words."""
    item = context.review.item(seat, place)
    return {"broken": in_words(context.forms.broken(item.form, item.field, value))}


@api.get("/around")
def around(request: Request, context: Shared, person: Someone, seat: Seated, place: AskedPlace) -> Said:
    """The page around a field."""
    if not (person.adjudicates or context.settings.show_pages):
        raise Refusal(403, "forbidden", "Reviewers see the field only.")
    try:
        png = context.surroundings.picture(context.review.item(seat, place))
    except NotThere as error:
        raise Refusal(404, "gone", f"{error.problem}: {error.mend}.") from error
    return {"html": fragment(request, "around.html.jinja", picture=picture_url(png))}


@changes.post("/answers")
def answers(context: Shared, seat: Seated, scope: AskedScope, given: GivenAnswer) -> Said:
    """Record an answer; one that breaks a rule of its field only if that was confirmed."""
    place = place_of(given.item)
    overrides = _overrides(context, seat, place, given)
    seconds = min(given.seconds, MAX_SECONDS)
    saved = context.review.save(
        seat, Answer(place, given.id, given.verdict, given.value, seconds, overrides, given.seen)
    )
    context.answered()
    late = _is_late(context, seat, place)
    return {"known": saved.known, "late": late, "counts": _counts(context, scope)}


@changes.post("/carpets")
def carpets(context: Shared, seat: Seated, scope: AskedScope, given: GivenCarpet) -> Said:
    """Record that fields read the same, all in one transaction; the odd ones stay with this desk."""
    seconds = min(given.seconds, MAX_SECONDS)
    alike = [
        Answer(place_of(seen.item), seen.id, Verdict.VALUE, given.value, seconds)
        for seen in given.items
        if not seen.odd
    ]
    context.review.save_all(seat, alike)
    context.answered()
    return {"odd": len(given.items) - len(alike), "counts": _counts(context, scope)}


@changes.post("/skips")
def skips(context: Shared, seat: Seated, scope: AskedScope, skipped: Skipped) -> Said:
    """Give a field back, to come again after the others."""
    context.review.skip(seat, place_of(skipped.item))
    return {"counts": _counts(context, scope)}


@changes.post("/leases")
def leases(context: Shared, seat: Seated, held: Held) -> Said:
    """Keep fields that somebody still looks at."""
    kept = context.review.renew(seat, [place_of(item) for item in held.items])
    return {"items": [item_key(place) for place in kept]}


@changes.post("/undo")
def undo(request: Request, context: Shared, person: Someone, seat: Seated, scope: AskedScope, undone: Undone) -> Said:
    """Take an answer back; its field lies on this desk again."""
    place = context.review.undo(seat, undone.answer, undone.id)
    context.answered()
    item = context.review.item(seat, place)
    return {"item": item_key(place), "html": item_html(request, item), "counts": _counts(context, scope)}


def item_html(request: Request, item: ReviewItem) -> str:
    """An item as the desk shows it."""
    context: Context = request.app.state.context
    sees_pages = request.state.person.adjudicates or context.settings.show_pages
    view = item_view(item, context.forms, names_scan=sees_pages)
    return fragment(request, "item.html.jinja", item=view, seen=item.answer_id, sees_pages=sees_pages)


def empty_html(request: Request, context: Context, scope: Scope) -> str:
    """What a desk shows that has nothing left."""
    return fragment(request, "done.html.jinja", progress=context.review.progress(scope))


def _overrides(context: Context, seat: Seat, place: Place, given: GivenAnswer) -> tuple[str, ...]:
    if given.verdict is not Verdict.VALUE:
        return ()
    item = context.review.item(seat, place)
    broken = context.forms.broken(item.form, item.field, given.value)
    if broken and not given.confirmed:
        raise Refusal(409, "broken", "The value breaks a rule of its field.", broken=in_words(broken))
    return tuple(str(reason) for reason in broken)


def _is_late(context: Context, seat: Seat, place: Place) -> bool:
    """Whether somebody else had settled the field before, so that this answer is kept and counts for nothing."""
    own = [said for said in context.review.history(place) if said.reviewer.casefold() == seat.reviewer.casefold()]
    return bool(own) and own[-1].verdict is not Verdict.RETRACTED and own[-1].stage is Stage.SETTLED


def _counts(context: Context, scope: Scope) -> str:
    return progress_words(context.counts.progress(scope))
