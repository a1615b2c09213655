"""``import``: a readings.csv that people typed into, back into the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.errors import JobError
from ledger.corrections import Imported
from ledger.errors import LedgerError
from ledger.ledger import Ledger


def import_csv(csv: Path, ledger_url: str | None) -> Imported:
    """Record what people answered in ``csv``; the ledger is the one beside it where no URL is given.

    Raises:
        JobError: there is no such ledger, or the CSV cannot be read as one.
    """
    beside = csv.expanduser().absolute().parent / "formdigits.sqlite"
    if ledger_url is None and not beside.is_file():
        raise JobError(f"There is no ledger {beside}.", "Name the one that the CSV was written from with --ledger.")
    try:
        with Ledger.open(ledger_url or f"sqlite:///{beside}") as ledger:
            return ledger.import_corrections(csv)
    except LedgerError as error:
        raise JobError(str(error)) from error


def describe_import(imported: Imported) -> Iterator[str]:
    """What became of the CSV's rows, as people read it."""
    yield f"Answers  {imported.recorded} recorded, {imported.known} known already, {len(imported.refused)} refused"
    for row in imported.refused:
        yield f"Row {row.line}, {row.field or 'no field'}: {row.refusal}"
