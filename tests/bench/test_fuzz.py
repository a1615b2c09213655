"""A few hundred of the mutated files of ``python -m bench.fuzz``: none crashes, hangs, or goes without its row."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.fuzz import accounted, fuzz
from bench.mutation import images, mutated, mutated_text

COUNTS = {"scans": 130, "forms": 60, "bundles": 60, "csv": 20}


@pytest.mark.parametrize(("part", "count"), COUNTS.items())
def test_every_file_is_taken_or_refused(part: str, count: int, tmp_path: Path) -> None:
    counted = fuzz(part, tmp_path / part, count, seed=7)
    assert "internal_error" not in counted
    assert len(counted) > 1  # some are refused, and some are not: the mutations are neither harmless nor all the same
    if part != "scans":  # a file may have several pages
        assert counted.total() == count


def test_a_file_without_a_row_is_noticed(tmp_path: Path) -> None:
    csv = tmp_path / "readings.csv"
    csv.write_text("scan,field,reasons,detail\na.png,zip,,\nb.png,,unreadable_file,\n", encoding="utf-8-sig")
    assert accounted(csv, {"a.png", "b.png"}) == {"read": 1, "unreadable_file": 1}
    with pytest.raises(AssertionError, match="lost"):
        accounted(csv, {"a.png", "lost.png"})


def test_mutations_are_seeded_and_change_what_they_are_given() -> None:
    for data in images().values():
        assert mutated(data, random.Random(1)) == mutated(data, random.Random(1))
        assert any(mutated(data, random.Random(seed)) != data for seed in range(3))
    assert mutated_text("a = 1\nb = 2\n", random.Random(1)) == mutated_text("a = 1\nb = 2\n", random.Random(1))
