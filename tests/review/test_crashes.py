"""Kill review pages while several people work on them at once, and compare the ledger with what they know."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.review_crashes.http_servers import killable_pages
from bench.review_crashes.interleavings import at_once, crash_reviews


def test_pages_that_are_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    counts: Counter[str] = Counter()
    with killable_pages(url) as servers:
        for seed in (1, 2):
            for server in servers:
                server.kill()  # whatever else befalls them
            counts += crash_reviews(url, servers, 1, seed, at_once)
        assert min(server.kills for server in servers) > 0
    assert counts["answers"] > 0
    assert counts["faults"] == 0
