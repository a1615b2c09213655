"""How long a browser waits for the next fields and for an answer to be saved, through the page's own server.

    python -m bench.review_pages [--fields 1000000] [--flagged 100000] [--reviewers 8] [--answers 60] [--pause 1]

As ``bench.review``, but with the server as a process of its own (uvicorn on loopback) and what the page's script asks
of it: three fields ahead with their pictures, and an answer with the rules checked and the counts told. *CPU* is the
server's, for both together.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import numpy as np

from bench.review import Waits, fill, ledgers, row
from ledger.ledger import Ledger
from ledger.review.types import ReviewPolicy
from review.server import serve
from review.settings import ReviewSettings


def main() -> None:
    """Print a row for each database."""
    parser = argparse.ArgumentParser(prog="python -m bench.review_pages", description=__doc__.splitlines()[0])
    parser.add_argument("--fields", type=int, default=1_000_000)
    parser.add_argument("--flagged", type=int, default=100_000)
    parser.add_argument("--reviewers", type=int, default=8)
    parser.add_argument("--answers", type=int, default=60, help="of each reviewer")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds before each answer, on average")
    options = parser.parse_args()
    print("| database | pause, s | answers/s | next p50, ms | p95 | max | save p50, ms | p95 | max | CPU, ms | load |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="pg") as folder, ledgers(None, Path(folder)) as urls:
        for url in urls:
            print(_measured(url, options), flush=True)


def _measured(url: str, options: argparse.Namespace) -> str:
    with Ledger.open(url) as ledger:
        batch = fill(ledger, options.fields, options.flagged)
    with served(url) as (address, pid):
        before = _cpu_s(pid)
        began, waits = time.perf_counter(), Waits()
        threads = [
            threading.Thread(target=_review, args=(address, batch, number, options, waits))
            for number in range(options.reviewers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        waits.cpu = [(_cpu_s(pid) - before) / max(1, len(waits.save))]
    return row(url.split(":")[0], options.pause, waits, time.perf_counter() - began)


@contextmanager
def served(url: str) -> Iterator[tuple[str, int]]:
    """The address of a review page over the ledger at ``url``, and its process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(url, theirs), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{re.findall(r'[0-9]+', ours.recv())[-1]}", process.pid or 0
    process.terminate()
    process.join()


def _serve(url: str, pipe: Connection) -> None:
    with Ledger.open(url) as ledger:
        serve(ledger, ReviewSettings(port=0), pipe.send, ReviewPolicy(known_share=0.0))


def _review(address: str, batch: int, number: int, options: argparse.Namespace, waits: Waits) -> None:
    """Answer as the page's script does: with two more fields held, so that each answer asks for new ones."""
    draw, query = np.random.default_rng(number), f"batch={batch}&desk=reviewer-{number}"
    held: list[str] = []
    with httpx.Client(base_url=address, trust_env=False, timeout=60.0) as browser:
        _sign_in(browser, f"reviewer {number}")
        for _ in range(options.answers):
            time.sleep(float(draw.exponential(options.pause)) if options.pause else 0.0)
            began = time.perf_counter()
            asked = browser.get(f"/api/items?{query}&count=3&held={' '.join(held)}").raise_for_status()
            given = time.perf_counter()
            held += [item["item"] for item in asked.json()["items"]]
            said = {"id": uuid.uuid4().hex, "item": held.pop(0), "verdict": "value", "value": "1234", "seconds": 1.0}
            sent = time.perf_counter()
            browser.post(f"/api/answers?{query}", json=said).raise_for_status()
            waits.next_item.append(given - began)
            waits.save.append(time.perf_counter() - sent)


def _sign_in(browser: httpx.Client, name: str) -> None:
    csrf = re.findall(r'data-csrf="([^"]+)"', browser.get("/sign-in").text)[0]
    browser.post("/sign-in", data={"name": name, "csrf": csrf})
    browser.headers["X-CSRF-Token"] = browser.get("/api/session").raise_for_status().json()["csrf"]


def _cpu_s(pid: int) -> float:
    """Seconds of processor time of a process so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
