"""A field as a reviewer may see it: what would give away the guess, or that the field is a test, is left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from forms.template import Box
from ledger.audit_sample import Alternatives, FieldKey, disguised
from ledger.review.items import HOLDING, OF_READING, at_bound_places, bound, in_parts
from ledger.review.known_answers import open_trials
from ledger.review.types import ItemDigit, Key, Place, ReviewItem, Seat, Stage, Verdict
from ledger.tables import batches, corrections, crops, pages, readings, review_items
from reading.readings import Reason

_OF_CROP = (crops.c.page_id == readings.c.page_id) & (crops.c.position == readings.c.position)
_OF_FIELD = ("page_id", "position", "field", "value", "confidence", "needs_review", "reasons", "alternatives", "digits")
_OF_PAGE = ("batch_id", "scan", "page", "sha256", "form", "form_version")
_FIELDS: Select[Any] = (
    select(*(readings.c[name] for name in (*_OF_FIELD, "x_mm", "y_mm", "width_mm", "height_mm", "two_keys")))
    .add_columns(*(pages.c[name] for name in _OF_PAGE), batches.c.source, batches.c.audit_key)
    .add_columns(func.coalesce(readings.c.threshold, pages.c.threshold).label("threshold"))
    .add_columns(crops.c.png, review_items.c.stage)
    .join_from(readings, pages)
    .join(batches, batches.c.id == pages.c.batch_id)
    .outerjoin(crops, _OF_CROP)
    .outerjoin(review_items, OF_READING)
    .where(at_bound_places(readings), pages.c.erased_at.is_(None))
)
_HOLDING = select(corrections).join_from(review_items, corrections, HOLDING).where(at_bound_places(review_items))
_UNDO = corrections.alias()
_SAME_FIELD = (_UNDO.c.page_id == corrections.c.page_id) & (_UNDO.c.position == corrections.c.position)
_KEYS = (  # that were not taken back, the first before the second, the newest of each last
    select(corrections)
    .where(at_bound_places(corrections), corrections.c.verdict != Verdict.RETRACTED.value)
    .where(corrections.c.stage.in_([Stage.FIRST.value, Stage.SECOND.value]))
    .where(~select(_UNDO.c.id).where(_UNDO.c.retracts == corrections.c.id, _SAME_FIELD).exists())
    .order_by(corrections.c.stage, corrections.c.id)
)
_UNSURE = (Reason.LOW_CONFIDENCE.value,)


@dataclass(frozen=True, slots=True)
class _Told:
    """What may be known of a reading: as it is, or disguised."""

    confidence: float
    alternatives: Alternatives
    reasons: tuple[str, ...]


def view_items(
    connection: Connection, seat: Seat, places: Collection[Place], blind_below: float
) -> dict[Place, ReviewItem]:
    """The fields at these places as this seat may see them while they are open, without what holds."""
    trials = {place for part in in_parts(places) for place in open_trials(connection, seat, part)}
    items: dict[Place, ReviewItem] = {}
    for part in in_parts(places):
        for row in connection.execute(_FIELDS, bound(part)):
            place = Place(row.page_id, row.position)
            stage = Stage.FIRST if place in trials else Stage(row.stage or 0)
            items[place] = _item(row, stage, blind_below)
    return _with_keys(connection, items)


def view_settled(connection: Connection, item: ReviewItem) -> ReviewItem:
    """The item with the answer that holds."""
    row = connection.execute(_HOLDING, bound([item.place])).first()
    return item if row is None else replace(item, answer_id=row.id, answer=_key(row))


def _item(row: Row[Any], stage: Stage, blind_below: float) -> ReviewItem:
    told = _told(row)
    shown = stage in (Stage.SETTLED, Stage.THIRD) or (not row.two_keys and told.confidence >= blind_below)
    shown = shown and stage is not Stage.SECOND
    return ReviewItem(
        place=Place(row.page_id, row.position),
        batch=row.batch_id,
        source=row.source,
        scan=row.scan,
        page=row.page,
        sha256=row.sha256,
        form=row.form,
        form_version=row.form_version,
        field=row.field,
        guess=row.value if shown else None,
        confidence=told.confidence if shown else None,
        alternatives=tuple((value, chance) for value, chance in told.alternatives) if shown else (),
        digits=tuple(ItemDigit(digit if shown else None, *sides) for digit, _, *sides in row.digits),
        doubtful=_doubtful(row.digits),
        reasons=told.reasons,
        png=row.png or b"",
        box=Box(row.x_mm, row.y_mm, row.width_mm, row.height_mm),
        stage=stage,
    )


def _told(row: Row[Any]) -> _Told:
    """Accepted fields are shown to people as a test only: then they look like doubtful ones."""
    if row.needs_review and row.reasons != Reason.AUDIT_SAMPLE:
        return _Told(row.confidence, row.alternatives, tuple(row.reasons.split(";")))
    field = FieldKey(row.sha256, row.page, row.field)
    return _Told(*disguised(row.audit_key, field, row.threshold, row.alternatives), _UNSURE)


def _doubtful(digits: Sequence[Sequence[Any]]) -> int | None:
    """The place of the least sure digit; None where there is none."""
    return min(range(len(digits)), key=lambda place: digits[place][1], default=None)


def _with_keys(connection: Connection, items: dict[Place, ReviewItem]) -> dict[Place, ReviewItem]:
    """The items, those that wait for a third key with the two answers that differ."""
    third = [place for place, item in items.items() if item.stage is Stage.THIRD]
    said: dict[Place, dict[int, Key]] = {}
    for part in in_parts(third):
        for row in connection.execute(_KEYS, bound(part)):
            said.setdefault(Place(row.page_id, row.position), {})[row.stage] = _key(row)
    return {place: replace(item, keys=tuple(said.get(place, {}).values())) for place, item in items.items()}


def _key(row: Row[Any]) -> Key:
    return Key(row.reviewer, Verdict(row.verdict), row.value)
