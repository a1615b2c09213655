"""Reviewers who work on small batches, in turn or at once, and what the ledger holds afterwards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select

from bench.review_crashes.faults import check
from bench.review_crashes.reviewers import FORM, REVIEWERS, Reviewer, act
from forms.template import Box
from ledger.ledger import Ledger
from ledger.review.types import Place, Seat
from ledger.tables import review_items
from reading.readings import FieldReading, PageReading, Reason

_ACTS = 6  # of each reviewer
Work = Callable[[Sequence[Reviewer], Sequence[Any], int, str], Counter[str]]


def in_turn(reviewers: Sequence[Reviewer], servers: Sequence[Any], batch: int, name: str) -> Counter[str]:
    """Let reviewers act one after the other, in an order that ``name`` gives; how often they did what."""
    draw = random.Random(name)
    acts = (act(draw.choice(reviewers), servers, batch, draw) for _ in range(_ACTS * len(reviewers)))
    return sum(acts, Counter())


def at_once(reviewers: Sequence[Reviewer], servers: Sequence[Any], batch: int, name: str) -> Counter[str]:
    """Let all reviewers act at the same time, each on a thread; how often they did what."""

    def work(reviewer: Reviewer) -> Counter[str]:
        draw = random.Random(f"{name} {reviewer.seat.reviewer}")
        return sum((act(reviewer, servers, batch, draw) for _ in range(_ACTS)), Counter())

    with ThreadPoolExecutor(len(reviewers)) as threads:
        return sum(threads.map(work, reviewers), Counter())


def crash_reviews(
    url: str,
    servers: Sequence[Any],
    interleavings: int,
    seed: int,
    work: Work = in_turn,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Counter[str]:
    """Let reviewers work in that many interleavings, and count what happened; ``faults`` should be 0.

    ``tell`` hears how many interleavings are done, and of how many faults so far.
    """
    counts: Counter[str] = Counter(interleavings=interleavings)
    with Ledger.open(url) as ledger:
        for number in range(interleavings):
            counts += _interleaving(ledger, servers, f"{seed}-{number}", work)
            tell(number + 1, counts["faults"])
    counts["kills"] = sum(server.kills for server in servers)
    return counts


def _interleaving(ledger: Ledger, servers: Sequence[Any], name: str, work: Work) -> Counter[str]:
    batch, places = _fill(ledger, name)
    reviewers = [Reviewer(Seat(by, f"desk-{by}-{name}", adjudicates)) for by, adjudicates in REVIEWERS.items()]
    counts = work(reviewers, servers, batch, name)
    shown = servers[0].call("export", batch)
    faults = check(ledger, batch, places, reviewers, shown)
    for fault in faults:
        print(f"<!-- {name}: {fault} -->", flush=True)
    said = {"answers": sum(len(each.saved) for each in reviewers), "undone": sum(len(r.undone) for r in reviewers)}
    return Counter(again=counts["again"], faults=len(faults), **said)


def _fill(ledger: Ledger, name: str) -> tuple[int, dict[Place, tuple[str, str]]]:
    """A batch with two pages of three fields, one of them for two keys."""
    batch = ledger.open_batch(name, FORM, "1")
    ledger.record_chunk(batch, [_page(f"{name}.{number}") for number in range(2)])
    with ledger._database.read() as connection:
        query = select(review_items.c.page_id).where(review_items.c.batch_id == batch).distinct()
        pages = sorted(connection.execute(query).scalars())
    names = ("single", "other", "double")
    return batch, {
        Place(page, position): (f"{name}.{number}", names[position])
        for number, page in enumerate(pages)
        for position in range(3)
    }


def _page(name: str) -> PageReading:
    fields = tuple(
        FieldReading(
            field=field_name,
            value="5",
            confidence=0.7,
            needs_review=True,
            reasons=(Reason.LOW_CONFIDENCE,),
            alternatives=(),
            digits=(),
            box=Box(1.0, 1.0, 1.0, 1.0),
            crop_png=b"",
            threshold=0.9,
            two_keys=field_name == "double",
        )
        for field_name in ("single", "other", "double")
    )
    return PageReading(f"{name}.png", 1, name, FORM, "1", 0.1, "bench", 0.9, fields)
