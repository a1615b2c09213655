"""``python -m bench.review_crashes``: a row for each database, and what was wrong above it.

Servers are processes with the ledger that reviewers use in turn, or (``--through http``) review pages by uvicorn, to
which all reviewers send their requests at once. Without ``--database`` a SQLite file is tried, and a PostgreSQL server
(pgserver).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.review import postgresql
from bench.review_crashes.http_servers import killable_pages
from bench.review_crashes.interleavings import at_once, crash_reviews, in_turn
from bench.review_crashes.ledger_servers import killable_servers

DATABASES = ("sqlite", "postgresql")
_THROUGH = {"ledger": (killable_servers, in_turn), "http": (killable_pages, at_once)}


def main() -> None:
    """Print what happened on each database."""
    parser = argparse.ArgumentParser(prog="python -m bench.review_crashes", description=__doc__.splitlines()[0])
    parser.add_argument("--interleavings", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--through", choices=_THROUGH, default="ledger")
    parser.add_argument("--database", choices=DATABASES, action="append", help="repeatable")
    options = parser.parse_args()
    print("| database | through | interleavings | servers killed | answers | sent twice | taken back | faults |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for database in options.database or DATABASES:
        with tempfile.TemporaryDirectory(prefix="pg") as folder:
            print(_row(database, options.through, _crash(database, Path(folder), options)), flush=True)


def _crash(database: str, folder: Path, options: argparse.Namespace) -> Counter[str]:
    if database == "postgresql":
        with postgresql(folder) as url:
            return _crash_at(url, options)
    return _crash_at(f"sqlite:///{folder}/ledger.sqlite", options)


def _crash_at(url: str, options: argparse.Namespace) -> Counter[str]:
    servers_of, work = _THROUGH[options.through]
    with servers_of(url) as servers:
        return crash_reviews(url, servers, options.interleavings, options.seed, work, _tell)


def _tell(done: int, faults: int) -> None:
    if done % 20 == 0:
        print(f"{done} interleavings, {faults} faults", file=sys.stderr, flush=True)


def _row(database: str, through: str, counts: Counter[str]) -> str:
    names = ("interleavings", "kills", "answers", "again", "undone", "faults")
    return f"| {database} | {through} | {' | '.join(str(counts[name]) for name in names)} |"


if __name__ == "__main__":
    main()
