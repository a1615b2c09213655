"""Review pages by uvicorn on loopback, killed in the middle of the requests of people who signed in."""

from __future__ import annotations

import multiprocessing
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import httpx

from bench.review_crashes.ledger_servers import LedgerServer
from bench.review_crashes.reviewers import FORM, POLICY, REVIEWERS
from ledger.ledger import Ledger
from ledger.review.types import Answer, Place, Saved, Scope, Seat
from ledger.review.users import Role
from review.item_view import item_key
from review.passwords import password_hash
from review.server import serve
from review.settings import ReviewSettings

_CALL_S = 0.03  # about what a request takes, beside those of others
_TRIES = 400
_BUSY = 503  # the ledger is: the page's script asks again
_PASSWORD = "right horse staple"


@dataclass(slots=True)
class Exporter:
    """A program that writes CSVs from the ledger, killed as the others are; it has one task at a time."""

    program: LedgerServer
    lock: threading.Lock = field(default_factory=threading.Lock)

    def export(self, batch: int, kill_at: float | None) -> Any:
        with self.lock:
            return self.program.call("export", batch, kill_at=kill_at)


@dataclass(slots=True)
class PageServer:
    """A review page in a process of its own; threads may call it at once.

    ``browsers`` are those of the reviewers: signed in, with the session's key for changes.
    """

    context: Any
    url: str
    exporter: Exporter
    browsers: dict[str, httpx.Client]
    port: int = 0
    process: Any = None
    kills: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start it where it was before, or on any free port."""
        ours, theirs = self.context.Pipe()
        self.process = self.context.Process(target=_serve, args=(self.url, self.port, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.port = int(re.findall(r"\d+", ours.recv())[-1])
        ours.close()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

    def kill(self) -> None:
        with self.lock:
            self.kills += self.process.is_alive()
            self.process.kill()

    def call(self, name: str, *arguments: Any, kill_at: float | None = None) -> Any:
        """What the page says to a reviewer; what it did not confirm is sent again until it does.

        ``kill_at``: when the server is killed, as a share of the time that a request takes.
        """
        if name == "export":
            return self.exporter.export(*arguments, kill_at)
        with self._killed(kill_at):
            said = self._ask(*_REQUESTS[name](*arguments))
        return _ANSWERS[name](said, *arguments)

    @contextmanager
    def _killed(self, at: float | None) -> Iterator[None]:
        if at is None:
            yield
            return
        killer = threading.Timer(at * _CALL_S, self.kill)
        killer.start()
        yield
        killer.join()

    def _ask(self, seat: Seat, method: str, path: str, body: Any = None) -> Any:
        for _ in range(_TRIES):
            process, address = self.process, f"http://127.0.0.1:{self.port}{path}"
            try:
                answer = self.browsers[seat.reviewer].request(method, address, json=body)
            except httpx.TransportError:
                self._replace(process)
                continue
            if answer.status_code < 300:
                return answer.json()
            if answer.status_code != _BUSY:
                raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
            time.sleep(_CALL_S)
        raise AssertionError(f"{method} {path} was never answered")

    def _replace(self, process: Any) -> None:
        """Start a new server in place of one that has died."""
        with self.lock:
            process.join(1.0)
            if process is self.process and not process.is_alive():
                self.start()


def _next_items(seat: Seat, scope: Scope, count: int) -> tuple[Seat, str, str]:
    return seat, "GET", f"/api/items?batch={scope.batch}&desk={seat.session}&count={count}"


def _save(seat: Seat, answer: Answer) -> tuple[Seat, str, str, Any]:
    said = {"verdict": answer.verdict, "value": answer.value, "seconds": answer.seconds}
    return seat, "POST", _change("answers", seat), {"id": answer.key, "item": item_key(answer.place), **said}


def _undo(seat: Seat, answer_key: str, key: str) -> tuple[Seat, str, str, Any]:
    return seat, "POST", _change("undo", seat), {"id": key, "answer": answer_key}


def _skip(seat: Seat, place: Place) -> tuple[Seat, str, str, Any]:
    return seat, "POST", _change("skips", seat), {"item": item_key(place)}


def _change(what: str, seat: Seat) -> str:
    return f"/api/{what}?form={FORM}&desk={seat.session}"


_REQUESTS: dict[str, Callable[..., Any]] = {"next_items": _next_items, "save": _save, "undo": _undo, "skip": _skip}
_ANSWERS: dict[str, Callable[..., Any]] = {
    "next_items": lambda said, *_: [_place(one["item"]) for one in said["items"]],
    "save": lambda said, _, answer: Saved(answer.place, said["known"]),
    "undo": lambda said, *_: _place(said["item"]),
    "skip": lambda *_: None,
}


def _place(item: str) -> Place:
    return Place(*map(int, item.split("-")))


def _serve(url: str, port: int, pipe: Connection) -> None:
    with Ledger.open(url) as ledger:
        serve(ledger, ReviewSettings(port=port, login=True), pipe.send, POLICY)


@contextmanager
def killable_pages(url: str) -> Iterator[list[PageServer]]:
    """Two review pages over the ledger at ``url``, in which the reviewers have signed in."""
    _add_accounts(url)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    exporter = Exporter(LedgerServer(context, url))
    browsers = {name: httpx.Client(timeout=30.0, follow_redirects=False, trust_env=False) for name in REVIEWERS}
    servers = [PageServer(context, url, exporter, browsers) for _ in range(2)]
    for server in (exporter.program, *servers):
        server.start()
    for name, browser in browsers.items():
        _sign_in(browser, name, f"http://127.0.0.1:{servers[0].port}")
    yield servers
    for server in (exporter.program, *servers):
        server.stop()
    for browser in browsers.values():
        browser.close()


def _add_accounts(url: str) -> None:
    kept = password_hash(_PASSWORD)
    with Ledger.open(url) as ledger:
        for name, adjudicates in REVIEWERS.items():
            ledger.users().add(name, kept, Role.ADJUDICATOR if adjudicates else Role.REVIEWER)


def _sign_in(browser: httpx.Client, name: str, address: str) -> None:
    csrf = re.findall(r'data-csrf="([^"]+)"', browser.get(f"{address}/sign-in").text)[0]
    browser.post(f"{address}/sign-in", data={"name": name, "password": _PASSWORD, "csrf": csrf})
    browser.headers["X-CSRF-Token"] = browser.get(f"{address}/api/session").raise_for_status().json()["csrf"]
