from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.batches import page_reading
from flows.batches.page_reading import NewScan, PageReader
from preprocessing.page import PageProblem, ProblemReason
from preprocessing.scans import ScanFile

INTERNAL = ProblemReason.INTERNAL_ERROR


def fake_pages(file: ScanFile, sha256: str) -> Iterator[Any]:
    """A scan's name says what its pages are: ``ok``, ``bad`` (a problem), ``unprepared``, ``unfinished``, ``raise``."""
    for number, kind in enumerate(file.name.split("+"), start=1):
        if kind == "raise":
            raise RuntimeError("decoder fell over")
        if kind == "bad":
            yield PageProblem(file.name, number, sha256, ProblemReason.BLANK_PAGE, "")
        else:
            yield SimpleNamespace(scan=file.name, page=number, sha256=sha256, kind=kind)


def fake_prepare(page: Any, _forms: Any) -> Any:
    if page.kind == "unprepared":
        raise ValueError("no such thing\nas this")
    return page


class FakeFinish:
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, prepared: Sequence[Any], _classifier: Any, _policy: Any, _strings: Any) -> list[str]:
        self.sizes.append(len(prepared))
        if any(page.kind == "unfinished" for page in prepared):
            raise ZeroDivisionError
        return [f"{page.scan}:{page.page}" for page in prepared]


@pytest.fixture
def finish(monkeypatch: pytest.MonkeyPatch) -> FakeFinish:
    finish = FakeFinish()
    monkeypatch.setattr(page_reading, "open_scan", fake_pages)
    monkeypatch.setattr(page_reading, "prepare_page", fake_prepare)
    monkeypatch.setattr(page_reading, "finish_pages", finish)
    return finish


def read(*names: str) -> tuple[list[Any], tuple[str, ...]]:
    nothing: Any = None
    reading = PageReader((), nothing, nothing).read([NewScan(ScanFile(n, Path(n), 1, 1), "sha") for n in names])
    results = [(r.scan, r.page, r.reason) if isinstance(r, PageProblem) else r for r in reading.results]
    return results, reading.tracebacks


@pytest.mark.parametrize(
    ("names", "expected", "tracebacks"),
    [
        (["ok", "ok+ok"], ["ok:1", "ok+ok:1", "ok+ok:2"], 0),
        (["bad+ok"], [("bad+ok", 1, ProblemReason.BLANK_PAGE), "bad+ok:2"], 0),
        (["raise", "ok"], [("raise", 0, INTERNAL), "ok:1"], 1),
        (["ok+raise", "ok"], ["ok+raise:1", ("ok+raise", 2, INTERNAL), "ok:1"], 1),
        (["unprepared+ok"], [("unprepared+ok", 1, INTERNAL), "unprepared+ok:2"], 1),
        (["ok", "unfinished", "bad"], ["ok:1", ("unfinished", 1, INTERNAL), ("bad", 1, ProblemReason.BLANK_PAGE)], 1),
        ([], [], 0),
    ],
)
def test_one_page_never_costs_another(
    names: list[str], expected: list[Any], tracebacks: int, finish: FakeFinish
) -> None:
    results, texts = read(*names)
    assert results == expected
    assert len(texts) == tracebacks


def test_the_classifier_is_called_once_a_chunk(finish: FakeFinish) -> None:
    read("ok", "ok+ok", "bad", "ok")
    assert finish.sizes == [4]


def test_a_chunk_of_long_files_is_classified_in_parts(finish: FakeFinish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_reading, "MAX_PREPARED_PAGES", 3)
    results, _ = read("ok+ok+ok+ok+ok", "ok")
    assert len(results) == 6
    assert finish.sizes == [3, 3]


def test_the_detail_is_one_line_and_the_traceback_whole(finish: FakeFinish) -> None:
    nothing: Any = None
    reading = PageReader((), nothing, nothing).read([NewScan(ScanFile("unprepared", Path("x"), 1, 1), "sha")])
    problem = reading.results[0]
    assert isinstance(problem, PageProblem)
    assert "ValueError: no such thing as this" in problem.detail
    assert "\n" not in problem.detail
    assert "fake_prepare" in reading.tracebacks[0]
