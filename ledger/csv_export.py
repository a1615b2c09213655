"""readings.csv and records.csv, as docs/csv.md describes them: streamed, whole or not at all, always the same bytes."""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, Row, Select, func, select

from ledger.answers.matching import RecordedAnswers
from ledger.answers.set_aside import set_aside_corrected
from ledger.audit_sample import FieldKey, disguised
from ledger.errors import LedgerError
from ledger.review.items import HOLDING, IS_OPEN, OF_READING
from ledger.review.types import Verdict
from ledger.rows import TRAITS
from ledger.tables import batches, corrections, pages, readings, review_items
from reading.readings import Reason

READINGS_COLUMNS = (
    "scan",
    "page",
    "field",
    "value",
    "confidence",
    "needs_review",
    "reasons",
    "corrected_value",
    "reviewer",
    "alternatives",
    "form",
    "form_version",
    "box_mm",
    "residual_mm",
    "model",
    "threshold",
    "sha256",
    "detail",
    "answer_id",
)
RECORDS_COLUMNS = ("scan", "page", "form", "status", "to_review")  # then one column a field

# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection", with the full-width signs).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# An apostrophe in front of those is doubled by the same rule, so that taking one away always gives the text back.
_GUARDED_STARTS = (*_FORMULA_STARTS, "'")
_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Export:
    """The files that were written; ``rows`` counts those of readings.csv without its header.

    ``kept`` is the readings.csv that was there, under its new name, if people may have typed corrections into it.
    """

    readings: Path
    records: Path
    rows: int
    kept: Path | None


def cell(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula: an apostrophe in front where it might."""
    return f"'{text}" if text.startswith(_GUARDED_STARTS) else text


def write_csv(connection: Connection, batch: int, out: Path) -> Export:
    """Write both files of a batch into ``out``, which is made if need be.

    Memory grows with the answers that people gave, not with the batch. Files of the same names are replaced only when
    both new ones are whole; a readings.csv that may hold corrections which the ledger does not is renamed and kept.

    Raises:
        LedgerError: ``out`` or a file in it cannot be written.
    """
    readings_path, records_path = out / "readings.csv", out / "records.csv"
    fields = _field_columns(connection, batch)
    with _named_errors(out), _part_files(out, readings_path, records_path) as (readings_file, records_file):
        rows = _write_pages(_stream(connection, batch), fields, readings_file, records_file)
        _settle(readings_file, records_file)
        kept = set_aside_corrected(readings_path, RecordedAnswers(connection, batch).__contains__)
        _sync_folder(out)  # the corrections have their new name before anything takes the old one
        Path(readings_file.name).replace(readings_path)
        Path(records_file.name).replace(records_path)
        _sync_folder(out)
    return Export(readings_path, records_path, rows, kept)


def _write_pages(rows: Iterable[Row[Any]], fields: dict[str, str], readings_file: TextIO, records_file: TextIO) -> int:
    readings_csv, records_csv = csv.writer(readings_file), csv.writer(records_file)
    readings_csv.writerow(READINGS_COLUMNS)
    records_csv.writerow([*RECORDS_COLUMNS, *fields.values()])
    count = 0
    for _, group in groupby(rows, key=lambda row: row.id):
        page = list(group)
        readings_csv.writerows(_reading_cells(row) for row in page)
        records_csv.writerow(_record_cells(page, fields))
        count += len(page)
    return count


def _field_columns(connection: Connection, batch: int) -> dict[str, str]:
    """The batch's fields -> their columns in records.csv: form after form by name, fields in the form's order."""
    first = func.min(readings.c.position)
    query = (
        select(pages.c.form, readings.c.field, first.label("position"))
        .join_from(pages, readings)
        .where(pages.c.batch_id == batch)
        .group_by(pages.c.form, readings.c.field)
    )
    found = sorted((row.form, row.position, row.field) for row in connection.execute(query))
    names: dict[str, str] = {}
    for _, _, field in found:
        if field not in names:
            names[field] = _free_name(field, {*RECORDS_COLUMNS, *names.values()})
    return names


def _free_name(field: str, taken: set[str]) -> str:
    """A field called ``status`` gets the column ``status_``: no two columns share a name."""
    name = cell(field)
    while name in taken:
        name += "_"
    return name


def _stream(connection: Connection, batch: int) -> Iterator[Row[Any]]:
    """The batch's rows in the order of the CSV, a few at a time: one a field, one for a page without fields."""
    return iter(connection.execute(_query(batch), execution_options={"yield_per": _ROWS_AT_ONCE}))


_UNWANTED = {"page_id", "digits", "kind", "model", "signals", "threshold", *TRAITS}
_UNWANTED_OF_PAGE = {"batch_id", "scan_order", "claim", "model", "read_at", "threshold"}
# Rows older than the fields' own thresholds have their page's.
_THRESHOLD = func.coalesce(readings.c.threshold, pages.c.threshold).label("threshold")
# A field that was read again has a model of its own.
_MODEL = func.coalesce(readings.c.model, pages.c.model).label("model")


def _query(batch: int) -> Select[Any]:
    order = (pages.c.scan_order, pages.c.scan, pages.c.page, pages.c.sha256, pages.c.id, readings.c.position)
    of_page = [column for column in pages.c if column.name not in _UNWANTED_OF_PAGE]
    of_field = [column for column in readings.c if column.name not in _UNWANTED]
    given = (corrections.c.id.label("answer_id"), corrections.c.value.label("answer"))
    answer = (*given, corrections.c.verdict, corrections.c.reviewer, IS_OPEN.label("is_open"))
    return (
        select(*of_page, batches.c.audit_key, _THRESHOLD, _MODEL, *of_field, *answer)
        .join_from(pages, batches)
        .outerjoin(readings, readings.c.page_id == pages.c.id)
        .outerjoin(review_items, OF_READING)
        .outerjoin(corrections, HOLDING)
        .where(pages.c.batch_id == batch)
        .order_by(*order)
    )


def _reading_cells(row: Row[Any]) -> list[str]:
    read = row.field is not None
    confidence, alternatives, reasons = _shown(row) if read else (0.0, (), row.problem or "")
    cells = (
        row.scan,
        str(row.page),
        row.field or "",
        _kept(row, row.value),
        f"{confidence:.4f}" if read else "",
        "true" if not read or row.is_open else "false",
        reasons,
        _answer(row),
        row.reviewer or "",
        ";".join(f"{value}:{probability:.4f}" for value, probability in alternatives),
        row.form or "",
        row.form_version or "",
        f"{row.x_mm:.2f} {row.y_mm:.2f} {row.width_mm:.2f} {row.height_mm:.2f}" if read else "",
        _decimals(row.residual_mm, 3),
        row.model or "",
        _decimals(row.threshold, 4),
        row.sha256,
        _detail(row),
        "" if row.answer_id is None else str(row.answer_id),
    )
    return [cell(text) for text in cells]


def _answer(row: Row[Any]) -> str:
    """What a person answered as they would type it; "" where no answer holds."""
    if row.verdict is None:
        return ""
    return _kept(row, row.answer if row.verdict == Verdict.VALUE else row.verdict)


def _kept(row: Row[Any], value: str | None) -> str:
    """The value, unless it was erased: then nothing stands in its place."""
    return value if value and row.erased_at is None else ""


def _detail(row: Row[Any]) -> str:
    return row.detail or (f"Erased on {row.erased_at:%Y-%m-%d}." if row.erased_at else "")


def _shown(row: Row[Any]) -> tuple[float, Sequence[tuple[str, float]], str]:
    """Confidence, alternatives and reasons of a field, disguised where it is checked blind."""
    if row.reasons != Reason.AUDIT_SAMPLE:
        return row.confidence, row.alternatives, row.reasons
    field = FieldKey(row.sha256, row.page, row.field)
    return *disguised(row.audit_key, field, row.threshold, row.alternatives), Reason.LOW_CONFIDENCE


def _decimals(number: float | None, places: int) -> str:
    return "" if number is None else f"{number:.{places}f}"


def _record_cells(page: Sequence[Row[Any]], fields: dict[str, str]) -> list[str]:
    """The page's row of records.csv, without the values that a person should check: they must not pass for good."""
    first = page[0]
    flagged = [row.field for row in page if row.is_open]
    values = {row.field: _settled(row) for row in page if not row.is_open}
    status = first.problem or ("erased" if first.erased_at else "needs_review" if flagged else "accepted")
    texts = (first.scan, str(first.page), first.form or "", status, ";".join(flagged))
    return [cell(text) for text in (*texts, *(values.get(field) or "" for field in fields))]


def _settled(row: Row[Any]) -> str:
    """What a person answered, or else what was read."""
    return _kept(row, row.value if row.answer is None else row.answer)


@contextmanager
def _part_files(folder: Path, *paths: Path) -> Iterator[list[TextIO]]:
    """Open new files beside ``paths`` for writing; those that have not been renamed when the block ends are removed."""
    with ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        yield [_open_part(path.with_name(f".{path.name}.{secrets.token_hex(4)}.part"), stack) for path in paths]


def _open_part(part: Path, stack: ExitStack) -> TextIO:
    file = part.open("x", encoding="utf-8", newline="")
    stack.callback(part.unlink, missing_ok=True)  # runs after the file is closed: the stack unwinds from its top
    return stack.enter_context(file)


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        mend = "make room, give write permission, or close the program that holds its CSV open, or name another folder"
        raise LedgerError(f"the CSV cannot be written into {str(folder)!r} ({error.strerror})", mend) from error


def _settle(*files: TextIO) -> None:
    for file in files:
        file.flush()
        os.fsync(file.fileno())
        file.close()


def _sync_folder(folder: Path) -> None:
    """Make the new names outlast a power failure (Windows has no such call and needs none)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
