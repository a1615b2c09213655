"""What a ledger has got wrong after reviewers worked with servers that died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bench.review_crashes.reviewers import Reviewer
from ledger.ledger import Ledger
from ledger.review.standing import Recorded, effective, standing_of
from ledger.review.types import Place, Scope, Stage, Verdict
from ledger.tables import corrections, review_items


def check(
    ledger: Ledger,
    batch: int,
    places: dict[Place, tuple[str, str]],
    reviewers: Sequence[Reviewer],
    shown: dict[tuple[str, str], tuple[str, str]],
) -> list[str]:
    """What the ledger has got wrong."""
    with ledger._database.read() as connection:
        said = connection.execute(
            select(corrections).where(corrections.c.page_id.in_({p.page_id for p in places})).order_by(corrections.c.id)
        ).all()
        items = connection.execute(select(review_items).where(review_items.c.batch_id == batch)).all()
    faults = _compare_keys(Counter(row.client_key for row in said), reviewers)
    for item in items:
        history = [row for row in said if (row.page_id, row.position) == (item.page_id, item.position)]
        faults += _compare_item(item, history, reviewers)
        faults += _compare_export(item, history, shown[places[Place(item.page_id, item.position)]])
    progress = ledger.review().progress(Scope(batch=batch))
    if progress.open + progress.settled != len(places):
        faults.append(f"{progress} of {len(places)} fields")
    return faults


def _compare_keys(recorded: Counter[str], reviewers: Sequence[Reviewer]) -> list[str]:
    sent = {answer.key for reviewer in reviewers for answer in reviewer.saved}
    undone = {f"undo {key}" for reviewer in reviewers for key in reviewer.undone}
    faults = [f"{key} is there {count} times" for key, count in recorded.items() if count != 1]
    faults += [f"{key} is lost" for key in (sent | undone) - {*recorded}]
    return faults + [f"{key} comes from nowhere" for key in {*recorded} - sent - undone]


def _compare_item(item: Any, rows: Sequence[Any], reviewers: Sequence[Reviewer]) -> list[str]:
    history = [
        Recorded(row.id, row.reviewer, Verdict(row.verdict), row.value, Stage(row.stage), row.retracts) for row in rows
    ]
    standing = standing_of(history, item._mapping["keys"], flagged=True)
    faults = []
    if (standing.stage.value, standing.answer_id) != (item.stage, item.answer_id):
        faults.append(f"the queue has {item}, its answers amount to {standing}")
    given = {answer.key: (r.seat.reviewer, answer) for r in reviewers for answer in r.saved}
    for row in rows:
        by, answer = given.get(row.client_key, (row.reviewer, None))
        if answer and (by, answer.verdict, answer.value) != (row.reviewer, row.verdict, row.value):
            faults.append(f"{row} is not what {by} said: {answer}")
    return faults


def _compare_export(item: Any, rows: Sequence[Any], shown: tuple[str, str]) -> list[str]:
    """What the CSV shows, by the words of the manual: one key or two that agree, or a third; else nothing."""
    history = [Recorded(r.id, r.reviewer, Verdict(r.verdict), r.value, Stage(r.stage), r.retracts) for r in rows]
    answers = effective(history)
    newest = {stage: [row for row in answers if row.stage is stage][-1:] for stage in Stage}
    keys = [*newest[Stage.FIRST], *newest[Stage.SECOND]]
    agreed = len({(row.verdict, row.value) for row in keys}) == 1
    enough = len(keys) >= item._mapping["keys"]
    holds = newest[Stage.THIRD] or (sorted(keys, key=lambda row: row.id)[-1:] if agreed and enough else [])
    words = (holds[0].value or holds[0].verdict.value) if holds else ""
    is_open = not holds or holds[0].verdict is Verdict.ILLEGIBLE
    expected = (words, str(is_open).lower())
    return [] if shown == expected else [f"the CSV has {shown}, not {expected}"]
