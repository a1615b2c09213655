"""``calibrate``: from rows that people checked to what confidences are worth on a site's own scans."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from flows.errors import JobError
from flows.learning.trusting import find_trust
from forms.errors import FormError
from forms.form_file import load_forms
from forms.template import FieldKind
from mnist_model.bundle import ModelError
from reading.checked import CheckedField, is_acceptable, site_group
from reading.trust import NOTHING, Trust, TrustError, TrustGroup, write_trust

SOURCE = "checked fields"
RATES = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_DELIMITERS = ",;\t"  # spreadsheets save with the one of their country
_NEEDED = ("scan", "page", "field", "value", "confidence", "reasons", "form", "model", "threshold", "sha256")
_BLANK = "blank"  # what people type where a field holds no value

Row = Mapping[str, str]
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """What ``calibrate`` made: the file, the groups that are new in it, and pages left out as not wholly checked."""

    file: Path
    trust: Trust
    groups: tuple[TrustGroup, ...]
    pages_left_out: int


def calibrate(
    readings: Sequence[Path], form: str, out: Path, truth: Path | None = None, trust: str | None = None
) -> SiteCalibration:
    """Measure what confidences are worth on checked rows, and write a calibration that says so.

    Args:
        readings: readings.csv files of scans that were read with ``--min-confidence 1``, so that each field was flagged
            and none was accepted unseen. A row was checked where ``corrected_value`` or ``reviewer`` is filled in; a
            reviewer alone says that the value is right. Pages of which not every row was checked do not count.
        form: the forms that the scans were read with.
        out: the file to write.
        truth: a CSV with the columns scan, field, value and perhaps page: then every row that stands in it is checked.
        trust: the calibration that the scans were read with; None for the one of the models that ship.

    Raises:
        JobError: a file cannot be used, or no page was checked.
    """
    known = true_values(truth) if truth else None
    rows = [row for file in readings for row in _rows(file, _NEEDED)]
    base = _base(rows, trust)
    pages = [
        list(page) for _, page in groupby((row for row in rows if row["field"]), key=lambda r: (r["sha256"], r["page"]))
    ]
    whole = [page for page in pages if all(_answer(row, known) is not None for row in page)]
    if not whole:
        raise JobError("No page was checked field by field.", "Fill in corrected_value or reviewer in every row.")
    groups = _groups([row for page in whole for row in page], known, _kinds(form), base)
    replaced = {(group.form, group.kind) for group in groups}
    others = [group for group in base.groups if (group.form, group.kind) not in replaced]
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    try:
        made = write_trust(out, today, base.readers, base.calibrations, [*groups, *others])
    except TrustError as error:
        raise JobError(str(error)) from error
    return SiteCalibration(out, made, tuple(groups), len(pages) - len(whole))


def describe_calibration(made: SiteCalibration) -> Iterator[str]:
    """What was made, as people read it."""
    yield f"Written  {made.file}: {made.trust.name}"
    if made.pages_left_out:
        yield f"Left out {made.pages_left_out} pages of which not every field was checked"
    for group in made.groups:
        for rate in RATES:
            yield f"Rule     {group.threshold(rate)}"


def true_values(file: Path) -> dict[Place, str]:
    """(scan, page, field) -> value, of a CSV with the columns scan, field, value and perhaps page.

    Raises:
        JobError: it cannot be used.
    """
    return {
        (row["scan"], row.get("page") or "1", row["field"]): row["value"]
        for row in _rows(file, ("scan", "field", "value"))
    }


def _rows(file: Path, needed: Sequence[str]) -> Iterator[Row]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            delimiter = max(_DELIMITERS, key=header.count)
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
            lacking = [name for name in needed if name not in names]
            if lacking:
                raise JobError(f"{file} has no column {', '.join(lacking)}.", "Name a CSV as formdigits writes it.")
            for cells in csv.DictReader(stream, names, delimiter=delimiter, restval=""):
                yield {name: (text or "").strip().removeprefix("'") for name, text in cells.items() if name}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise JobError(
            f"{file} cannot be read as CSV in UTF-8 ({error}).", "Save it again, or name another."
        ) from error


def _answer(row: Row, known: Mapping[Place, str] | None) -> str | None:
    """What people say stands in the field; None where nobody looked."""
    if known is not None:
        return known.get((row["scan"], row["page"], row["field"]))
    corrected = row.get("corrected_value", "")
    if corrected:
        return "" if corrected.lower() == _BLANK else corrected
    return row["value"] if row.get("reviewer") else None


def _base(rows: Sequence[Row], trust: str | None) -> Trust:
    """The calibration that all rows were read with, every one of them flagged."""
    models = {row["model"] for row in rows if row["field"]}
    if len(models) != 1:
        raise JobError("The rows are not all of one model and calibration.", "Read the scans again, all at once.")
    model = models.pop()
    if any(float(row["threshold"]) < NOTHING for row in rows if row["field"]):
        raise JobError(
            "Some rows could be accepted unseen, so that what people checked is not what comes in.",
            "Read scans with --min-confidence 1 into a new folder, check every row, and calibrate on those.",
        )
    readers, _, _ = model.partition(" + trust ")
    try:
        base = find_trust(trust, "cnn", "strings" if " + strings " in f" {readers}" else None, readers)
    except ModelError as error:
        raise JobError(str(error)) from error
    if base is None or model != f"{readers} + {base.name}":
        raise JobError(f"The rows were read by {model}.", "Name the calibration that they were read with by --trust.")
    return base


def _kinds(form: str) -> dict[tuple[str, str], FieldKind]:
    try:
        return {(one.name, field.name): field.kind for one in load_forms(form) for field in one.fields}
    except FormError as error:
        raise JobError(str(error)) from error


def _groups(
    rows: Sequence[Row], known: Mapping[Place, str] | None, kinds: Mapping[tuple[str, str], FieldKind], base: Trust
) -> list[TrustGroup]:
    found: dict[tuple[str, FieldKind], list[CheckedField]] = {}
    for row in rows:
        kind = kinds.get((row["form"], row["field"]))
        if kind is None:
            raise JobError(f"The form {row['form']} has no field {row['field']}.", "Name the form of these rows.")
        if row["value"]:
            right, reasons = row["value"] == _answer(row, known), filter(None, row["reasons"].split(";"))
            field = CheckedField(kind, float(row["confidence"]), is_acceptable(reasons), right)
            found.setdefault((row["form"], kind), []).append(field)
    return [
        site_group(fields, form, kind, SOURCE, base.group(form, kind).rescaling)
        for (form, kind), fields in found.items()
    ]
