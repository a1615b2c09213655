"""An item of the ledger -> what the page shows of it."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass

from ledger.review.types import Place, ReviewItem, Stage
from review.form_library import FormLibrary
from review.reason_words import in_words
from review.rule_words import rule_in_words

_MARGIN_PX = 2  # between a doubtful digit and the line around it
_PNG_SIZE = struct.Struct(">II")  # width and height, 16 bytes into the file: the PNG specification, 5.3 and 11.2.2


@dataclass(frozen=True, slots=True)
class Crop:
    """A field's picture as a data: URL, its size in px, and the doubtful digit's (left, top, width, height) on it."""

    url: str
    width: int
    height: int
    doubtful: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class ItemView:
    """What one item looks like.

    ``guess`` is "" where it is hidden; ``doubtful`` counts the guess's digits from 0. ``broken`` says which rules the
    guess breaks. ``where`` is "" for those who may not know the scan's name.
    """

    key: str
    title: str
    label: str
    where: str
    rule: str
    reasons: list[str]
    crop: Crop | None
    guess: str
    doubtful: int | None
    least: int
    broken: list[str]
    third: bool
    given: list[tuple[str, str, str]]


def item_key(place: Place) -> str:
    """What an item is called in addresses: ``12-3``."""
    return f"{place.page_id}-{place.position}"


def item_view(item: ReviewItem, forms: FormLibrary, *, names_scan: bool) -> ItemView:
    """What the page shows of ``item``; the scan's name for those who may see pages."""
    field = forms.field(item.form, item.field)
    third = item.stage is Stage.THIRD
    guess = "" if third else item.guess or ""  # beside two answers the machine's would be a third vote
    return ItemView(
        key=item_key(item.place),
        title=forms.title(item.form),
        label=forms.label(item.form, item.field),
        where=f"{item.scan}, page {item.page}" if names_scan else "",
        rule=rule_in_words(field) if field else "",
        reasons=in_words(item.reasons),
        crop=crop_of(item),
        guess=guess,
        doubtful=item.doubtful if guess and len(item.digits) == len(guess) else None,
        least=field.min_length if field else 1,
        broken=in_words(forms.broken(item.form, item.field, guess)),
        third=third,
        given=[(key.reviewer, str(key.verdict), key.value) for key in item.keys],
    )


def crop_of(item: ReviewItem) -> Crop | None:
    """The field's picture; None where none was kept."""
    if not item.png:
        return None
    width, height = _PNG_SIZE.unpack_from(item.png, 16)
    marked = None if item.doubtful is None else item.digits[item.doubtful]
    mark = None
    if marked is not None:
        left, top = max(0, marked.left - _MARGIN_PX), max(0, marked.top - _MARGIN_PX)
        right, bottom = min(width, marked.right + _MARGIN_PX), min(height, marked.bottom + _MARGIN_PX)
        mark = (left, top, right - left, bottom - top)
    return Crop(picture_url(item.png), width, height, mark)


def picture_url(png: bytes) -> str:
    """A PNG as a data: URL."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
