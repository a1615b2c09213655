"""From the crops alone a batch reads as it would from its scans, and what people said stays."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import cv2
import pytest
from sqlalchemy import update

from flows.batches.digitizing import digitize
from flows.batches.rereading import reread
from flows.errors import JobError
from flows.settings import DigitizeJob
from ledger.ledger import Ledger
from ledger.tables import readings
from reading.readings import Reason
from tests.drawn_forms import Scanner, comb, corner_marks, freehand, print_form, scan, template, write_number
from tests.flows.drawn_scans import MODEL, one_thread, settle

FORM = """
name = "slip"
version = "1"
title = "A slip"
[page]
width_mm = 110
height_mm = 80
[registration]
marks = [{marks}]
[[field]]
name = "id"
type = "comb"
digits = 4
x_mm = 20
y_mm = 20
width_mm = 24
height_mm = 8
[[field]]
name = "amount"
type = "freehand"
length = [1, 6]
x_mm = 20
y_mm = 36
width_mm = 40
height_mm = 9
"""
SIZE_MM = (110.0, 80.0)
FIELDS = (comb("id", 20, 20, 4), freehand("amount", 20, 36, 40, 9, 6))
IGNORED = ("box_mm", "detail")


@pytest.fixture(scope="module")
def slips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A form and four scans of it. Not to be changed."""
    folder = tmp_path_factory.mktemp("slips")
    marks = corner_marks(*SIZE_MM)
    said = ", ".join(f"{{x_mm = {one.x_mm}, y_mm = {one.y_mm}, size_mm = {one.size_mm}}}" for one in marks)
    (folder / "form.toml").write_text(FORM.format(marks=said))
    form = template(FIELDS, SIZE_MM, marks=marks)
    (folder / "scans").mkdir()
    for number in range(4):
        drawn = print_form(form)
        for digit, box in zip(f"{1701 + 11 * number}", FIELDS[0].boxes, strict=True):
            write_number(drawn, digit, box.x_mm + 1.5, box.bottom_mm - 1.5)
        write_number(drawn, f"{117 + number}", 23, 43.5)
        page = scan(drawn, Scanner(dpi=200, skew_deg=1, noise=number))[0]
        cv2.imwrite(str(folder / "scans" / f"{number}.png"), page.grey)
        settle(folder / "scans" / f"{number}.png")
    return folder


def job(slips: Path, scans: Path, out: Path, **changes: object) -> DigitizeJob:
    usual = one_thread(scans, out).model_copy(update={"form": str(slips / "form.toml"), "min_confidence": 1.0})
    return usual.model_copy(update=changes)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "readings.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def read(slips: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Scans that were read by the plain net, every field flagged, and are gone; and the output folder."""
    scans, out = tmp_path / "scans", tmp_path / "out"
    shutil.copytree(slips / "scans", scans)
    digitize(job(slips, scans, out))
    shutil.rmtree(scans)
    return scans, out


def test_from_crops_it_reads_as_from_the_scans(slips: Path, read: tuple[Path, Path], tmp_path: Path) -> None:
    scans, out = read
    summary = reread(job(slips, scans, out, model="cnn", min_confidence=None))
    digitize(job(slips, slips / "scans", tmp_path / "fresh", model="cnn", min_confidence=None))
    again, fresh = (
        [{name: cell for name, cell in row.items() if name not in IGNORED} for row in rows(folder)]
        for folder in (out, tmp_path / "fresh")
    )
    assert again == fresh
    assert {row["model"].split()[0] for row in again} == {"cnn"}
    assert "8 fields have a new reading" in dict(summary.notices)["Again"]
    assert summary.accepted == sum(row["needs_review"] == "false" for row in fresh) > 0
    assert (out / "report.html").is_file()


def test_what_people_said_and_what_was_accepted_is_never_touched(slips: Path, read: tuple[Path, Path]) -> None:
    scans, out = read
    before = rows(out)
    before[0] |= {"corrected_value": "9999", "reviewer": "ann"}
    with (out / "readings.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, before[0].keys())
        writer.writeheader()
        writer.writerows(before)
    with Ledger.open(f"sqlite:///{out}/formdigits.sqlite") as ledger:
        assert ledger.import_corrections(out / "readings.csv").recorded == 1
    reread(job(slips, scans, out, model="cnn", min_confidence=0.0))
    after = rows(out)
    assert (after[0]["value"], after[0]["corrected_value"]) == (before[0]["value"], "9999")
    assert after[0]["model"].startswith(MODEL)
    assert {row["model"].split()[0] for row in after[1:]} == {"cnn"}
    reread(job(slips, scans, out, min_confidence=1.0))
    assert rows(out) == after


def test_what_a_crop_cannot_show_is_remembered(slips: Path, read: tuple[Path, Path]) -> None:
    scans, out = read
    with Ledger.open(f"sqlite:///{out}/formdigits.sqlite") as ledger, ledger._database.write() as connection:
        for position, reason in enumerate((Reason.INK_BESIDE, Reason.UNLIKE_TRAINING)):
            connection.execute(update(readings).where(readings.c.position == position).values(reasons=reason.value))
    reread(job(slips, scans, out, model="cnn", min_confidence=0.0))
    assert {(row["field"], row["needs_review"]) for row in rows(out)} == {("id", "true"), ("amount", "true")}
    assert all("ink_beside" in row["reasons"] for row in rows(out) if row["field"] == "id")
    assert all("unlike_training" in row["reasons"] for row in rows(out) if row["field"] == "amount")


def test_without_a_crop_a_field_stays_as_it_is_and_that_is_said(slips: Path, read: tuple[Path, Path]) -> None:
    scans, out = read
    before = rows(out)
    with Ledger.open(f"sqlite:///{out}/formdigits.sqlite") as ledger, ledger._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM crops WHERE position = 0")
    summary = reread(job(slips, scans, out, model="cnn"))
    assert "of 4 the crop is gone" in dict(summary.notices)["Again"]
    assert [row for row in rows(out) if row["field"] == "id"] == [row for row in before if row["field"] == "id"]


@pytest.mark.parametrize("change", [{"scans": "/nowhere"}, {"form": "digits"}])
def test_a_batch_that_there_is_not(change: dict[str, str], slips: Path, read: tuple[Path, Path]) -> None:
    with pytest.raises(JobError, match="holds no batch"):
        reread(job(slips, *read).model_copy(update=change))
