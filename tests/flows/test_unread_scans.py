from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from flows.batches.unread_scans import UnreadScans, chunk_size, chunked
from preprocessing.page import PageProblem, ProblemReason
from preprocessing.scans import ScanFile


def file(name: str) -> ScanFile:
    return ScanFile(name, Path(name), 1, 1)


class Recorded:
    """A ledger that holds these contents."""

    def __init__(self, **known: str):
        self.known = known

    def __call__(self, sha256s: Collection[str]) -> dict[str, str]:
        return {sha256: name for sha256, name in self.known.items() if sha256 in sha256s}


@pytest.mark.parametrize(
    ("files", "workers", "size"),
    [
        *[(0, 1, 1), (10, 1, 10), (64, 1, 64), (1024, 1, 64), (1025, 1, 65), (3200, 2, 100)],
        *[(3200, 1, 200), (10**6, 4, 200), (100, 8, 13), (3, 8, 1), (1000, 2, 64)],
    ],
)
def test_chunk_size(files: int, workers: int, size: int) -> None:
    assert chunk_size(files, workers) == size


def test_chunks_keep_every_file_in_order() -> None:
    files = [file(str(number)) for number in range(7)]
    assert [[one.name for one in chunk] for chunk in chunked(files, 3)] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


@pytest.mark.parametrize(
    ("known", "scans", "new", "duplicates"),
    [
        ({}, {"a": "1", "b": "2"}, ["a", "b"], {}),
        ({"1": "a"}, {"a": "1", "b": "2"}, ["b"], {}),
        ({"1": "a"}, {"b": "1"}, [], {"b": "a"}),
        ({}, {"a": "1", "b": "1", "c": "1"}, ["a"], {"b": "a", "c": "a"}),
        ({"1": "z"}, {"a": "1", "b": "1"}, [], {"a": "z", "b": "z"}),
    ],
)
def test_a_scan_is_known_by_its_content(
    known: dict[str, str], scans: dict[str, str], new: list[str], duplicates: dict[str, str]
) -> None:
    sifted = UnreadScans(Recorded(**known)).sift([file(name) for name in scans], list(scans.values()))
    assert [scan.file.name for scan in sifted.new] == new
    assert {problem.scan: problem.detail.split(":")[0] for problem in sifted.problems} == {
        name: f"The same content as {first}" for name, first in duplicates.items()
    }


def test_content_that_another_chunk_still_reads_is_not_read_twice() -> None:
    ledger = Recorded()
    unread = UnreadScans(ledger)
    assert unread.sift([file("a")], ["1"]).new
    assert not unread.sift([file("b")], ["1"]).new
    ledger.known["1"] = "a"
    unread.recorded(["1"])
    assert not unread.sift([file("c")], ["1"]).new


def test_content_whose_reading_came_to_nothing_is_read_when_it_comes_again() -> None:
    unread = UnreadScans(Recorded())
    unread.sift([file("a")], ["1"])
    unread.recorded(["1"])
    assert unread.sift([file("b")], ["1"]).new


def test_a_file_that_cannot_be_hashed_keeps_its_problem() -> None:
    problem = PageProblem("a", 0, "", ProblemReason.VANISHED, "gone")
    sifted = UnreadScans(Recorded()).sift([file("a"), file("b")], [problem, "2"])
    assert sifted.problems == (problem,)
    assert [scan.file.name for scan in sifted.new] == ["b"]
