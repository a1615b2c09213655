"""From checked rows to a site's calibration."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.errors import JobError
from flows.learning.calibrating import calibrate, describe_calibration
from forms.template import FieldKind
from reading.calibration import Calibration
from reading.trust import NOTHING, Trust, TrustGroup, write_trust

READERS = "cnn 1"
COUNT = 3000


@pytest.fixture
def base(tmp_path: Path) -> Trust:
    groups = [TrustGroup(None, kind, "composed fields", 10, ((0.9, 10, 0),)) for kind in FieldKind]
    calibrations = dict.fromkeys(FieldKind, Calibration(0.0, {}))
    return write_trust(tmp_path / "base.json", "2026-01-31", READERS, calibrations, groups)


def rows(base: Trust, **stated: str) -> list[dict[str, str]]:
    """Pages of one field each: the surer the more often right; people corrected what was wrong."""
    rng = np.random.default_rng(1)
    made = []
    for number in range(COUNT):
        sure = rng.uniform(0.5, 0.999)
        right = rng.random() < 1 - (1 - sure) ** 2
        made.append(
            {
                "scan": f"s{number}.png",
                "page": "1",
                "field": "digits",
                "value": "12",
                "confidence": f"{sure:.4f}",
                "reasons": "low_confidence",
                "corrected_value": "" if right else "17",
                "reviewer": "ann",
                "form": "digits",
                "model": f"{READERS} + {base.name}",
                "threshold": f"{NOTHING:.4f}",
                "sha256": str(number),
            }
            | stated
        )
    return made


def saved(file: Path, content: list[dict[str, str]], delimiter: str = ",") -> Path:
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, content[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(content)
    return file


def made_from(tmp_path: Path, content: list[dict[str, str]], **options: Any) -> Any:
    delimiter = options.pop("delimiter", ",")
    readings = saved(tmp_path / "readings.csv", content, delimiter)
    return calibrate([readings], "digits", tmp_path / "site.json", trust=str(tmp_path / "base.json"), **options)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_checked_rows_become_a_group_of_their_form(tmp_path: Path, base: Trust, delimiter: str) -> None:
    site = made_from(tmp_path, rows(base), delimiter=delimiter)
    (group,) = site.groups
    assert (group.form, group.kind, group.fields) == ("digits", FieldKind.FREEHAND, COUNT)
    wrong = sum(row["corrected_value"] != "" for row in rows(base))
    assert sum(row[2] for row in group.tally) == wrong > 0
    assert site.trust.group("digits", FieldKind.FREEHAND).form == "digits"
    assert site.trust.group("other", FieldKind.FREEHAND).form is None
    assert site.trust.readers == READERS
    assert group.threshold(0.02).accepted > 0.2 * COUNT
    text = "\n".join(describe_calibration(site))
    assert f"{COUNT:,} checked fields" in text
    assert str(site.file) in text


def test_a_site_calibrates_again_on_its_own_scale(tmp_path: Path, base: Trust) -> None:
    first = made_from(tmp_path, rows(base))
    (tmp_path / "site.json").rename(tmp_path / "base.json")
    again = made_from(tmp_path, rows(first.trust))
    assert [group.form for group in again.trust.groups] == ["digits", None, None]
    assert again.groups[0].rescaling != first.groups[0].rescaling


def test_pages_that_were_not_wholly_checked_do_not_count(tmp_path: Path, base: Trust) -> None:
    content = rows(base)
    content[0] |= {"reviewer": ""} if not content[0]["corrected_value"] else {"reviewer": "", "corrected_value": ""}
    content[1] |= {"sha256": "0"}  # another field of that page
    site = made_from(tmp_path, content)
    assert (site.groups[0].fields, site.pages_left_out) == (COUNT - 2, 1)


def test_a_file_of_true_values_checks_all(tmp_path: Path, base: Trust) -> None:
    content = rows(base, reviewer="", corrected_value="")
    truth = saved(
        tmp_path / "truth.csv",
        [{"scan": row["scan"], "field": "digits", "value": "12" if n % 10 else "17"} for n, row in enumerate(content)],
    )
    site = made_from(tmp_path, content, truth=truth)
    assert sum(row[2] for row in site.groups[0].tally) == COUNT / 10


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"threshold": "0.9500"}, "--min-confidence 1"),
        ({"reviewer": "", "corrected_value": ""}, "No page was checked"),
        ({"model": "cnn 1"}, "--trust"),
        ({"model": "cnn 2 + trust x"}, "not of cnn 2"),
        ({"field": "nothing"}, "no field nothing"),
    ],
)
def test_rows_that_cannot_calibrate(tmp_path: Path, base: Trust, stated: dict[str, str], said: str) -> None:
    with pytest.raises(JobError, match=said):
        made_from(tmp_path, rows(base, **stated))


def test_files_that_cannot_be_used(tmp_path: Path, base: Trust) -> None:
    with pytest.raises(JobError, match=r"none\.csv"):
        calibrate([tmp_path / "none.csv"], "digits", tmp_path / "site.json")
    odd = saved(tmp_path / "odd.csv", [{"scan": "a"}])
    with pytest.raises(JobError, match="no column page"):
        calibrate([odd], "digits", tmp_path / "site.json")
    readings, base_file = saved(tmp_path / "readings.csv", rows(base)), str(tmp_path / "base.json")
    with pytest.raises(JobError, match="cannot be written"):
        calibrate([readings], "digits", tmp_path / "no" / "site.json", trust=base_file)
