import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merging import TRANSIENT, Merge, Recorded, Result, merge
from preprocessing.page import PageProblem, ProblemReason
from reading.readings import PageReading

R = ProblemReason


class Rows:
    """A batch in memory that obeys merge() and the table's unique constraint."""

    def __init__(self) -> None:
        self.rows: dict[int, Recorded] = {}
        self._next = 0

    def record(self, results: list[Result]) -> Merge:
        change = merge(list(self.rows.values()), results)
        for key in change.removed:
            assert self.rows.pop(key).problem is not None, "a page that was read is never removed"
        for result in change.added:
            self._add(result)
        return change

    def _add(self, result: Result) -> None:
        problem = result.reason if isinstance(result, PageProblem) else None
        self._next += 1
        self.rows[self._next] = Recorded(self._next, result.scan, result.page, result.sha256, problem)
        claims = [(row.sha256, row.page, row.problem and row.scan) for row in self.rows.values()]
        assert len(claims) == len(set(claims))

    def seen(self) -> set[tuple[str, int, str, str | None]]:
        return {(row.scan, row.page, row.sha256, row.problem) for row in self.rows.values()}


def result(scan: str, page: int, sha256: str, reason: ProblemReason | None = None) -> Result:
    if reason is None:
        return PageReading(scan, page, sha256, "form", "1", 0.1, "model", 0.95, ())
    return PageProblem(scan, page, sha256, reason, "Why.")


# (what was recorded), (what comes), (what stands afterwards)
CASES = {
    "read again": ([("a", 1, "X")], [("a", 1, "X")], {("a", 1, "X", None)}),
    "vanished, then read": (
        [("a", 0, "", R.VANISHED)],
        [("a", 1, "X"), ("a", 2, "X")],
        {("a", 1, "X", None), ("a", 2, "X", None)},
    ),
    "still written, then unreadable": (
        [("a", 0, "", R.STILL_WRITTEN)],
        [("a", 0, "X", R.UNREADABLE_FILE)],
        {("a", 0, "X", R.UNREADABLE_FILE)},
    ),
    "no permission, then vanished": (
        [("a", 0, "", R.NO_PERMISSION)],
        [("a", 0, "", R.VANISHED)],
        {("a", 0, "", R.VANISHED)},
    ),
    "internal error, then refused": (
        [("a", 1, "X", R.INTERNAL_ERROR)],
        [("a", 1, "X", R.WRONG_FORM)],
        {("a", 1, "X", R.WRONG_FORM)},
    ),
    "internal error, then read": ([("a", 1, "X", R.INTERNAL_ERROR)], [("a", 1, "X")], {("a", 1, "X", None)}),
    "unreadable, then scanned anew": ([("a", 0, "X", R.UNREADABLE_FILE)], [("a", 1, "Y")], {("a", 1, "Y", None)}),
    "unreadable, then otherwise unreadable": (
        [("a", 0, "X", R.UNREADABLE_FILE)],
        [("a", 0, "Y", R.ENCRYPTED)],
        {("a", 0, "Y", R.ENCRYPTED)},
    ),
    "refused, then read after all": ([("a", 1, "X", R.NOT_REGISTERED)], [("a", 1, "X")], {("a", 1, "X", None)}),
    "whole file refused, then read": ([("a", 0, "X", R.TOO_LARGE)], [("a", 3, "X")], {("a", 3, "X", None)}),
    "another page stays refused": (
        [("a", 1, "X", R.WRONG_FORM), ("a", 2, "X", R.INTERNAL_ERROR)],
        [("a", 1, "X", R.WRONG_FORM), ("a", 2, "X")],
        {("a", 1, "X", R.WRONG_FORM), ("a", 2, "X", None)},
    ),
    "the first refusal wins": (
        [("a", 1, "X", R.WRONG_FORM)],
        [("a", 1, "X", R.NOT_REGISTERED)],
        {("a", 1, "X", R.WRONG_FORM)},
    ),
    "refused after it was read": ([("a", 1, "X")], [("a", 1, "X", R.INTERNAL_ERROR)], {("a", 1, "X", None)}),
    "another scan of the same content": (
        [("a", 1, "X")],
        [("b", 1, "X")],
        {("a", 1, "X", None), ("b", 1, "X", R.DUPLICATE)},
    ),
    "vanished elsewhere, then read": (
        [("b", 0, "X", R.VANISHED)],
        [("a", 1, "X")],
        {("a", 1, "X", None), ("b", 0, "X", R.VANISHED)},
    ),
    "both in one chunk": ([], [("a", 1, "X"), ("b", 1, "X")], {("a", 1, "X", None), ("b", 1, "X", R.DUPLICATE)}),
    "a duplicate gets its own content": (
        [("a", 1, "X"), ("b", 0, "X", R.DUPLICATE)],
        [("b", 1, "Y")],
        {("a", 1, "X", None), ("b", 1, "Y", None)},
    ),
    "a duplicate outlasts its original": (
        [("a", 1, "X", R.INTERNAL_ERROR), ("b", 0, "X", R.DUPLICATE)],
        [("a", 1, "X")],
        {("a", 1, "X", None), ("b", 0, "X", R.DUPLICATE)},
    ),
    "three empty files": (
        [],
        [("a", 0, "E", R.EMPTY_FILE), ("b", 0, "E", R.EMPTY_FILE), ("c", 0, "", R.EMPTY_FILE)],
        {("a", 0, "E", R.EMPTY_FILE), ("b", 0, "E", R.EMPTY_FILE), ("c", 0, "", R.EMPTY_FILE)},
    ),
    "a file torn after its second page": (
        [],
        [("a", 1, "X"), ("a", 2, "X"), ("a", 0, "X", R.UNREADABLE_FILE)],
        {("a", 1, "X", None), ("a", 2, "X", None), ("a", 0, "X", R.UNREADABLE_FILE)},
    ),
    "the same name with new content": ([("a", 1, "X")], [("a", 1, "Y")], {("a", 1, "X", None), ("a", 1, "Y", None)}),
}


@pytest.mark.parametrize(("before", "chunk", "after"), CASES.values(), ids=CASES.keys())
def test_what_a_chunk_changes(before: list, chunk: list, after: set) -> None:
    rows = Rows()
    rows.record([result(*each) for each in before])
    rows.record([result(*each) for each in chunk])
    assert rows.seen() == after


results = st.builds(
    result,
    st.sampled_from("abc"),
    st.integers(0, 2),
    st.sampled_from(["", "X", "Y"]),
    st.sampled_from([None, R.VANISHED, R.INTERNAL_ERROR, R.UNREADABLE_FILE, R.WRONG_FORM, R.DUPLICATE]),
).filter(lambda each: isinstance(each, PageProblem) or (each.sha256 and each.page))
chunks = st.lists(st.lists(results, max_size=4), max_size=5)


@given(chunks)
def test_no_scan_goes_without_a_row_and_no_reading_is_lost(chunks: list[list[Result]]) -> None:
    rows = Rows()
    for chunk in chunks:
        rows.record(chunk)
    everything = [each for chunk in chunks for each in chunk]
    assert {row.scan for row in rows.rows.values()} == {each.scan for each in everything}
    contents = {(each.sha256, each.page) for each in everything if isinstance(each, PageReading)}
    assert contents == {(row.sha256, row.page) for row in rows.rows.values() if row.problem is None}


@given(chunks, st.lists(results, max_size=4))
def test_a_chunk_recorded_twice_stays_once(chunks: list[list[Result]], last: list[Result]) -> None:
    rows = Rows()
    for chunk in (*chunks, last):
        rows.record(chunk)
    seen = rows.seen()
    rows.record(last)
    assert rows.seen() == seen


def test_transient_problems_are_those_that_pass_by_themselves() -> None:
    assert {R.VANISHED, R.STILL_WRITTEN, R.NO_PERMISSION, R.INTERNAL_ERROR} == TRANSIENT
