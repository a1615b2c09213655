"""Reviews in which servers are killed: no answer may be lost, counted twice, or missing from a field's history.

    python -m bench.review_crashes [--interleavings 1000] [--url URL ...]

In each interleaving several reviewers work on a small batch through their own servers: processes with the ledger, which
are killed by SIGKILL at random moments and started again. What a reviewer sent to a server that died they send again,
with the same key, as the review page does. Exports are written meanwhile. Afterwards the ledger is compared with what
the reviewers know.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.review import postgresql
from forms.template import Box
from ledger.ledger import Ledger
from ledger.review.desk import Review
from ledger.review.standing import Recorded, effective, standing_of
from ledger.review.types import Answer, Place, ReviewPolicy, Scope, Seat, Stage, Verdict
from ledger.tables import corrections, review_items
from reading.readings import FieldReading, PageReading, Reason

REVIEWERS = ("Ada", "Bob", "Cyd", "Dot")
POLICY = ReviewPolicy(lease_s=0.03, blind_below=0.0, known_share=0.0)
_ACTS = 6  # of each reviewer
_DRAW = {"save": 10, "undo": 2, "again": 2, "skip": 1, "pause": 1, "late": 2}


@dataclass(slots=True)
class Reviewer:
    """What a reviewer's browser knows: answers that the server confirmed, and what it may have to send again."""

    seat: Seat
    saved: list[Answer] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    seen: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class Server:
    """A process that answers calls on the ledger."""

    context: Any
    url: str
    process: Any = None
    pipe: Any = None
    kills: int = 0

    def start(self) -> None:
        ours, theirs = self.context.Pipe()
        self.process = self.context.Process(target=_serve, args=(self.url, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.pipe = ours

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def call(self, name: str, *arguments: Any, kill_after_s: float | None = None) -> Any:
        """The method's result; where the server dies on it, a new one is started and asked the same again."""
        while True:
            try:
                self.pipe.send((name, arguments))
                if kill_after_s is not None:
                    self._kill(kill_after_s)
                    kill_after_s = None
                return self.pipe.recv()
            except (EOFError, ConnectionError):
                self.stop()
                self.start()

    def _kill(self, after_s: float) -> None:
        time.sleep(after_s)
        os.kill(self.process.pid, signal.SIGKILL)
        self.kills += 1


def _serve(url: str, pipe: Connection) -> None:
    with Ledger.open(url) as ledger, tempfile.TemporaryDirectory() as folder:
        review = ledger.review(POLICY)
        while True:
            name, arguments = pipe.recv()
            pipe.send(serve_call(ledger, review, Path(folder), name, arguments))


def serve_call(ledger: Ledger, review: Review, folder: Path, name: str, arguments: Sequence[Any]) -> Any:
    """What a server answers."""
    if name == "export":
        return _export(ledger, folder, *arguments)
    result = getattr(review, name)(*arguments)
    return [item.place for item in result] if name == "next_items" else result


def _export(ledger: Ledger, folder: Path, batch: int) -> dict[tuple[str, str], tuple[str, str]]:
    """The answers that readings.csv shows."""
    with ledger.export(batch, folder).readings.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return {(row["sha256"], row["field"]): (row["corrected_value"], row["needs_review"]) for row in rows}


def main() -> None:
    """Print what happened on each database."""
    parser = argparse.ArgumentParser(prog="bench.review_crashes", description=__doc__.splitlines()[0])
    parser.add_argument("--interleavings", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| database | interleavings | servers killed | answers | sent twice | taken back | faults |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgresql(Path(folder)) as server:
        for url in (f"sqlite:///{folder}/ledger.sqlite", server):
            with killable_servers(url) as servers:
                print(_row(url, crash_reviews(url, servers, options.interleavings, options.seed)), flush=True)


def _row(url: str, counts: Counter[str]) -> str:
    names = ("interleavings", "kills", "answers", "again", "undone", "faults")
    return f"| {url.split(':')[0]} | {' | '.join(str(counts[name]) for name in names)} |"


@contextmanager
def killable_servers(url: str) -> Iterator[list[Server]]:
    """Two processes that serve the ledger at ``url``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.review_crashes"])
    servers = [Server(context, url) for _ in range(2)]
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.stop()


def crash_reviews(url: str, servers: Sequence[Any], interleavings: int, seed: int) -> Counter[str]:
    """Let reviewers work in that many interleavings, and count what happened; ``faults`` should be 0."""
    counts: Counter[str] = Counter(interleavings=interleavings)
    with Ledger.open(url) as ledger:
        for number in range(interleavings):
            counts += _interleaving(ledger, servers, random.Random(f"{seed} {number}"), f"{seed} {number}")
    counts["kills"] = sum(server.kills for server in servers)
    return counts


def _interleaving(ledger: Ledger, servers: Sequence[Any], draw: random.Random, name: str) -> Counter[str]:
    batch, places = _fill(ledger, name)
    reviewers = [Reviewer(Seat(by, f"{by} {name}", adjudicates=by == "Dot")) for by in REVIEWERS]
    counts: Counter[str] = Counter()
    for _ in range(_ACTS * len(reviewers)):
        act = draw.choices(list(_DRAW), list(_DRAW.values()))[0]
        reviewer, server = draw.choice(reviewers), draw.choice(servers)
        counts[act] += _ACT[act](reviewer, server, Scope(batch=batch), draw)
        if draw.random() < 0.1:
            server.call("export", batch, kill_after_s=_moment(draw))
    shown = servers[0].call("export", batch)
    faults = check(ledger, batch, places, reviewers, shown)
    for fault in faults:
        print(f"<!-- {name}: {fault} -->", flush=True)
    said = {"answers": sum(len(each.saved) for each in reviewers), "undone": sum(len(r.undone) for r in reviewers)}
    return Counter(again=counts["again"], faults=len(faults), **said)


def _fill(ledger: Ledger, name: str) -> tuple[int, dict[Place, tuple[str, str]]]:
    """A batch with two pages of three fields, one of them for two keys."""
    batch = ledger.open_batch(name, "crash", "1")
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
    return PageReading(f"{name}.png", 1, name, "crash", "1", 0.1, "bench", 0.9, fields)


def _moment(draw: random.Random) -> float | None:
    """When the server is killed: mostly not, otherwise within the time that a call takes."""
    return draw.uniform(0, 0.008) if draw.random() < 0.06 else None


def _save(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    places = server.call("next_items", reviewer.seat, scope, 2, kill_after_s=_moment(draw))
    reviewer.seen = places or reviewer.seen
    if places:
        _answer(reviewer, server, places[0], draw)
    return len(places[:1])


def _late(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    """An answer to what the reviewer saw some time ago."""
    if reviewer.seen:
        _answer(reviewer, server, reviewer.seen[-1], draw)
    return len(reviewer.seen[-1:])


def _answer(reviewer: Reviewer, server: Any, place: Place, draw: random.Random) -> None:
    verdict = draw.choices([Verdict.VALUE, Verdict.BLANK, Verdict.ILLEGIBLE], [8, 1, 1])[0]
    value = draw.choice(("5", "6")) if verdict is Verdict.VALUE else ""
    answer = Answer(place, f"{draw.getrandbits(64):x}", verdict, value, seconds=1.0)
    server.call("save", reviewer.seat, answer, kill_after_s=_moment(draw))
    reviewer.saved.append(answer)


def _again(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    if not reviewer.saved:
        return 0
    saved = server.call("save", reviewer.seat, draw.choice(reviewer.saved), kill_after_s=_moment(draw))
    if not saved.known:
        raise AssertionError("an answer that was confirmed is not known")
    return 1


def _undo(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    left = [answer for answer in reviewer.saved if answer.key not in reviewer.undone]
    if not left:
        return 0
    key = left[-1].key
    server.call("undo", reviewer.seat, key, f"undo {key}", kill_after_s=_moment(draw))
    reviewer.undone.append(key)
    return 1


def _skip(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    for place in reviewer.seen[:1]:
        server.call("skip", reviewer.seat, place, kill_after_s=_moment(draw))
    return 1


def _pause(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    time.sleep(POLICY.lease_s)
    return 1


_ACT = {"save": _save, "undo": _undo, "again": _again, "skip": _skip, "pause": _pause, "late": _late}


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


if __name__ == "__main__":
    main()
