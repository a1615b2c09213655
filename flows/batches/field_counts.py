"""How each field of a form fares: counted from readings.csv."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class FieldCount:
    """One field of a form over all pages; a reading may have several reasons."""

    name: str
    read: int = 0
    to_check: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def accepted(self) -> int:
        return self.read - self.to_check


def count_fields(readings_csv: Path) -> list[FieldCount]:
    """The fields in the order of the CSV; rows of pages that could not be read are left out."""
    counts: dict[str, FieldCount] = {}
    with readings_csv.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["field"]:
                _add(counts.setdefault(row["field"], FieldCount(row["field"])), row)
    return list(counts.values())


def _add(count: FieldCount, row: dict[str, str]) -> None:
    count.read += 1
    if row["needs_review"] == "true":
        count.to_check += 1
        count.reasons.update(row["reasons"].split(";"))
