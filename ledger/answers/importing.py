"""A file that people answered in -> the ledger, with the rows that were refused beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ledger.answers.corrected_csv import open_corrected
from ledger.answers.corrections import FieldRules, Imported, record_corrections
from ledger.answers.label_studio import COLUMNS, annotated_rows
from ledger.answers.refusals import write_refused
from ledger.answers.spreadsheet import WINDOWS
from ledger.database import Database
from ledger.review.types import Source


def import_answers(database: Database, path: Path, rules: FieldRules) -> Imported:
    """Record what people answered in the file at ``path``, in one transaction; again, it changes nothing.

    Raises:
        LedgerError: the file cannot be read as one, the database cannot be written, or the refused rows cannot; then
            the others are recorded all the same.
    """
    if path.suffix.lower() == ".json":
        return _import_annotations(database, path, rules)
    with open_corrected(path) as file:
        with database.write() as connection:
            imported = record_corrections(connection, file.rows, rules)
        refused = write_refused(path, file.names, file.delimiter, imported.refused)
    return replace(imported, refused_file=refused, encoding=file.encoding if file.encoding == WINDOWS else None)


def _import_annotations(database: Database, path: Path, rules: FieldRules) -> Imported:
    with database.write() as connection:
        imported = record_corrections(connection, annotated_rows(path), rules, Source.LABEL_STUDIO)
    return replace(imported, refused_file=write_refused(path, COLUMNS, ",", imported.refused))
