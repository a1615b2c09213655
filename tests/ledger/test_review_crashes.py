"""Kill the servers of several reviewers for real, and compare the ledger with what the reviewers know."""

from bench.review_crashes import crash_reviews


def test_servers_that_are_killed(url: str) -> None:
    counts = crash_reviews(url, 4, seed=1)
    assert counts["kills"] > 0
    assert counts["answers"] > 20
    assert counts["faults"] == 0
