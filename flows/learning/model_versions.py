"""``models``: the store of models as people ask for it and change it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from flows.errors import JobError
from flows.learning.chosen_models import model_store
from mnist_model.bundle import ModelError
from mnist_model.model_store import ModelStore
from mnist_model.versions import SHIPPED_VERSION, Promotion, VersionCard


def describe_versions(models: str | None, ledger_url: str | None) -> Iterator[str]:
    """A block of lines for each version, the newest first; the one in use has a star.

    Raises:
        JobError: nothing says where they are, or they cannot be read.
    """
    try:
        store = model_store(models, ledger_url)
        promotions, current = store.promotions(), store.current_number()
        for number in reversed(store.numbers()):
            yield f"{'*' if number == current else ' '} {number}  {_readers(store, number)}"
            yield from (f"     {line}" for line in (*_made(store, number), *_history(number, promotions)))
    except ModelError as error:
        raise JobError(str(error)) from error


def versions_json(models: str | None, ledger_url: str | None) -> Iterator[str]:
    """The same for programs.

    Raises:
        JobError: as ``describe_versions``.
    """
    try:
        store = model_store(models, ledger_url)
        content = {
            "in_use": store.current_number(),
            "versions": [_as_dict(store, number) for number in store.numbers()],
            "promotions": [asdict(one) for one in store.promotions()],
        }
    except ModelError as error:
        raise JobError(str(error)) from error
    yield json.dumps(content, indent=2)


def promote_version(
    number: int, models: str | None, ledger_url: str | None, by: str, why: str, *, although_refused: bool
) -> str:
    """Take a version into use.

    Raises:
        JobError: there is none, it is damaged, in use already, or refused by the gate and that was not overruled.
    """
    store = model_store(models, ledger_url)
    try:
        card = store.version(number).card
        if card is not None and card.refused and not although_refused:
            raise JobError(
                f"Version {number} was refused: {'; '.join(card.refused)}.",
                "To use it all the same: --although-refused.",
            )
        return _said(store, store.promote(number, by, why))
    except ModelError as error:
        raise JobError(str(error)) from error


def rollback_version(models: str | None, ledger_url: str | None, by: str, why: str) -> str:
    """Go back to the version that was in use before.

    Raises:
        JobError: there was none, or it is damaged.
    """
    store = model_store(models, ledger_url)
    try:
        return _said(store, store.rollback(by, why))
    except ModelError as error:
        raise JobError(str(error)) from error


def _said(store: ModelStore, promotion: Promotion) -> str:
    readers = store.version(promotion.version).readers
    return f"Version {promotion.version} is in use from the next run on: {readers}"


def _readers(store: ModelStore, number: int) -> str:
    try:
        return store.version(number).readers
    except ModelError as error:
        return f"damaged: {error.problem}"


def _made(store: ModelStore, number: int) -> Iterator[str]:
    card = _card(store, number)
    if card is None:
        return
    yield f"trained {card.created} from version {card.parent} on {card.ledger}"
    yield from (f"on {what}: sha256 {digest}" for what, digest in card.trained_on.items())
    yield ", ".join(f"{name} {figure:g}" for name, figure in card.figures.items())
    yield from (f"refused: {reason}" for reason in card.refused)


def _history(number: int, promotions: Sequence[Promotion]) -> Iterator[str]:
    if number == SHIPPED_VERSION:
        yield "ships with the software"
    for promotion in promotions:
        if promotion.version == number:
            how = "gone back to" if promotion.is_rollback else "taken into use"
            yield f"{how} {promotion.at} by {promotion.by}{': ' if promotion.why else ''}{promotion.why}"


def _as_dict(store: ModelStore, number: int) -> dict[str, object]:
    card = _card(store, number)
    return {"version": number, "readers": _readers(store, number), **({} if card is None else asdict(card))}


def _card(store: ModelStore, number: int) -> VersionCard | None:
    """What is known of a version; None for what ships, and for a version that is damaged."""
    try:
        return store.version(number).card
    except ModelError:
        return None
