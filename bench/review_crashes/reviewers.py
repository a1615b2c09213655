"""Reviewers as a server meets them: what each sends, and what its browser knows of that."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.review.types import Answer, Place, ReviewPolicy, Scope, Seat, Verdict

REVIEWERS = {"Ada": False, "Bob": False, "Cyd": False, "Dot": True}  # name -> whether they decide where others differ
FORM = "crash"
POLICY = ReviewPolicy(lease_s=0.03, blind_below=0.0, known_share=0.0)
_DRAW = {"save": 10, "undo": 2, "again": 2, "skip": 1, "pause": 1, "late": 2}


@dataclass(slots=True)
class Reviewer:
    """What a reviewer's browser knows: answers that the server confirmed, and what it may have to send again."""

    seat: Seat
    saved: list[Answer] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    seen: list[Place] = field(default_factory=list)


def act(reviewer: Reviewer, servers: Sequence[Any], batch: int, draw: random.Random) -> Counter[str]:
    """Let a reviewer do something, and now and then somebody write the CSVs; how often it was which."""
    kind = draw.choices(list(_DRAW), list(_DRAW.values()))[0]
    server = draw.choice(servers)
    done = _ACT[kind](reviewer, server, Scope(batch=batch), draw)
    if draw.random() < 0.1:
        server.call("export", batch, kill_at=moment(draw))
    return Counter({kind: done})


def moment(draw: random.Random) -> float | None:
    """When the server is killed: mostly not, otherwise within the time that a call takes, as a share of it."""
    return draw.random() if draw.random() < 0.06 else None


def _save(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    places = server.call("next_items", reviewer.seat, scope, 2, kill_at=moment(draw))
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
    server.call("save", reviewer.seat, answer, kill_at=moment(draw))
    reviewer.saved.append(answer)


def _again(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    if not reviewer.saved:
        return 0
    saved = server.call("save", reviewer.seat, draw.choice(reviewer.saved), kill_at=moment(draw))
    if not saved.known:
        raise AssertionError("an answer that was confirmed is not known")
    return 1


def _undo(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    left = [answer for answer in reviewer.saved if answer.key not in reviewer.undone]
    if not left:
        return 0
    key = left[-1].key
    server.call("undo", reviewer.seat, key, f"undo {key}", kill_at=moment(draw))
    reviewer.undone.append(key)
    return 1


def _skip(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    for place in reviewer.seen[:1]:
        server.call("skip", reviewer.seat, place, kill_at=moment(draw))
    return 1


def _pause(reviewer: Reviewer, server: Any, scope: Scope, draw: random.Random) -> int:
    time.sleep(POLICY.lease_s)
    return 1


_ACT = {"save": _save, "undo": _undo, "again": _again, "skip": _skip, "pause": _pause, "late": _late}
