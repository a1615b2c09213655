"""How long a reviewer waits for the next field and for an answer to be saved, in a large ledger with many at work.

    python -m bench.review [--fields 1000000] [--flagged 100000] [--reviewers 8] [--answers 200] [--url URL ...]

Without ``--url`` a SQLite file and a PostgreSQL server (pgserver) are set up in a temporary folder. Reviewers are
threads of one process, as in the review page's server, each with a database connection of its own; they answer at once,
or after a pause of ``--pause`` seconds on average. *CPU* is this process's.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Table, func, insert, literal, select, text

from forms.template import Box
from ledger.ledger import Ledger
from ledger.review.types import Answer, ReviewPolicy, Scope, Seat, Verdict
from ledger.tables import crops, pages, readings, review_items
from preprocessing.page import PixelBox
from preprocessing.pictures import encode_png
from reading.readings import DigitReading, FieldReading, PageReading, Reason

FIELDS_A_PAGE = 20
PAGES_READ = 1000  # as a run records them; the others are copies of their rows
PAGES_AT_ONCE = 500
FORM = "bench"


@dataclass(slots=True)
class Waits:
    """Seconds that reviewers waited."""

    next_item: list[float] = field(default_factory=list)
    save: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of both together


def main() -> None:
    """Print a row for each database and pause."""
    parser = argparse.ArgumentParser(prog="bench.review", description=__doc__.splitlines()[0])
    parser.add_argument("--fields", type=int, default=1_000_000)
    parser.add_argument("--flagged", type=int, default=100_000)
    parser.add_argument("--reviewers", type=int, default=8)
    parser.add_argument("--answers", type=int, default=200, help="of each reviewer")
    parser.add_argument("--pause", type=float, action="append", help="seconds; repeatable; default 0 and 1")
    parser.add_argument("--url", action="append", help="of an empty ledger; repeatable")
    options = parser.parse_args()
    print("| database | pause, s | answers/s | next p50, ms | p95 | max | save p50, ms | p95 | max | CPU, ms | load |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="pg") as folder, ledgers(options.url, Path(folder)) as urls:
        for url in urls:
            _measure_ledger(url, options)


@contextmanager
def ledgers(given: Sequence[str] | None, folder: Path) -> Iterator[Sequence[str]]:
    """The URLs that are given, or those of empty ledgers in ``folder``, one in SQLite and one in PostgreSQL."""
    if given:
        yield given
        return
    with postgresql(folder) as server:
        yield f"sqlite:///{folder}/ledger.sqlite", server


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL server of its own with its data in ``folder``; the URL of an empty database."""
    import pgserver

    server = pgserver.get_server(str(folder / "pg"))
    server.psql("CREATE DATABASE ledger")
    try:
        yield server.get_uri("ledger")
    finally:
        server.cleanup()


def _measure_ledger(url: str, options: argparse.Namespace) -> None:
    with Ledger.open(url) as ledger:
        began = time.perf_counter()
        batch = fill(ledger, options.fields, options.flagged)
        print(f"<!-- {ledger.summary(batch)}, filled in {time.perf_counter() - began:.0f} s -->", flush=True)
        for pause in options.pause or (0.0, 1.0):
            began = time.perf_counter()
            waits = review(ledger, Scope(batch=batch), options.reviewers, options.answers, pause)
            print(row(url.split(":")[0], pause, waits, time.perf_counter() - began), flush=True)
        print(f"<!-- {_aside(ledger, Scope(batch=batch))} -->", flush=True)


def fill(ledger: Ledger, fields: int, flagged: int) -> int:
    """Record a batch of ``fields`` fields of which ``flagged`` are, evenly spread; only those have crops."""
    batch = ledger.open_batch("bench", FORM, str(fields))
    every = fields // flagged
    draw = np.random.default_rng(0)
    sheets = fields // FIELDS_A_PAGE
    read = min(sheets, PAGES_READ)
    for first in range(0, read, PAGES_AT_ONCE):
        numbers = range(first, min(read, first + PAGES_AT_ONCE))
        ledger.record_chunk(batch, [_page(number, every, draw) for number in numbers])
    for copy in range(1, sheets // read):
        _copy(ledger, batch, copy)
    return batch


def _copy(ledger: Ledger, batch: int, copy: int) -> None:
    """Once more the rows of the pages that were read, as other pages."""
    with ledger._database.write() as connection:
        ids = select(func.min(pages.c.id), func.count(), func.max(pages.c.id)).where(pages.c.batch_id == batch)
        first, count, last = connection.execute(ids).one()
        shift, until = last + 1 - first, first + count // copy
        for table in (pages, readings, crops, review_items):
            connection.execute(insert(table).from_select(table.c.keys(), _shifted(table, shift, until, copy)))
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('pages_id_seq', (SELECT max(id) FROM pages))"))


def _shifted(table: Table, shift: int, until: int, copy: int) -> Any:
    page = table.c.id if table is pages else table.c.page_id
    changed = {page.name: page + shift} | {
        name: table.c[name] + literal(f" {copy}") for name in _UNIQUE if table is pages
    }
    return select(*(changed.get(column.name, column) for column in table.c)).where(page < until)


_UNIQUE = ("scan", "scan_order", "sha256")


def _page(number: int, every: int, draw: np.random.Generator) -> PageReading:
    fields = tuple(_field(number * FIELDS_A_PAGE + place, place, every, draw) for place in range(FIELDS_A_PAGE))
    return PageReading(f"{number}.png", 1, f"{number:064x}", FORM, "1", 0.1, "bench", 0.95, fields)


def _field(number: int, place: int, every: int, draw: np.random.Generator) -> FieldReading:
    doubtful = number % every == every - 1
    value = f"{draw.integers(10_000):04d}"
    digits = tuple(DigitReading(digit, 0.9, PixelBox(20 * k, 4, 20 * k + 16, 30)) for k, digit in enumerate(value))
    return FieldReading(
        field=f"field_{place + 1}",
        value=value,
        confidence=float(draw.uniform(0.3, 0.95)) if doubtful else 0.99,
        needs_review=doubtful,
        reasons=(Reason.LOW_CONFIDENCE,) if doubtful else (),
        alternatives=((f"{draw.integers(10_000):04d}", 0.03),),
        digits=digits,
        box=Box(20.0, 10.0 * place, 40.0, 8.0),
        crop_png=_CROP if doubtful else b"",
        threshold=0.95,
    )


_CROP = encode_png(np.random.default_rng(1).integers(0, 255, (32, 80), dtype=np.uint8))


def review(ledger: Ledger, scope: Scope, reviewers: int, answers: int, pause: float) -> Waits:
    """Let ``reviewers`` threads give ``answers`` answers each."""
    waits = Waits()
    threads = [
        threading.Thread(target=_review, args=(ledger, scope, number, answers, pause, waits))
        for number in range(reviewers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def _review(ledger: Ledger, scope: Scope, number: int, answers: int, pause: float, waits: Waits) -> None:
    page, seat = ledger.review(ReviewPolicy(known_share=0.0)), Seat(f"reviewer {number}", uuid.uuid4().hex)
    draw = np.random.default_rng(number)
    for _ in range(answers):
        time.sleep(float(draw.exponential(pause)) if pause else 0.0)
        began, worked = time.perf_counter(), time.thread_time()
        (item,) = page.next_items(seat, scope)
        given = time.perf_counter()
        page.save(seat, Answer(item.place, uuid.uuid4().hex, Verdict.VALUE, item.guess or "1", 1.0))
        waits.next_item.append(given - began)
        waits.save.append(time.perf_counter() - given)
        waits.cpu.append(time.thread_time() - worked)


def row(database: str, pause: float, waits: Waits, seconds: float) -> str:
    """A row of the table."""
    cells = [database, f"{pause:g}", f"{len(waits.save) / seconds:.0f}"]
    for waited in (waits.next_item, waits.save):
        cells += [f"{1000 * np.quantile(waited, share):.1f}" for share in (0.5, 0.95, 1.0)]
    cells += [f"{1000 * np.mean(waits.cpu):.1f}", f"{os.getloadavg()[0]:.0f}"]
    return f"| {' | '.join(cells)} |"


def _aside(ledger: Ledger, scope: Scope) -> str:
    """What is asked less often, in ms."""
    page = ledger.review()
    asked = {
        "progress": lambda: page.progress(scope),
        "value groups": lambda: page.value_groups(scope),
        "scopes": page.scopes,
        "statistics": lambda: page.statistics(scope),
    }
    return ", ".join(f"{name} {_milliseconds(ask):.0f} ms" for name, ask in asked.items())


def _milliseconds(ask) -> float:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
