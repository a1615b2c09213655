"""``export``: the ledger's readings as CSV once more."""

from __future__ import annotations

from pathlib import Path

from flows.errors import JobError
from ledger.csv_export import Export
from ledger.errors import LedgerError
from ledger.ledger import Ledger


def export_batch(ledger_url: str, out: Path, scans: str | None) -> Export:
    """Write the CSV of the newest batch, or of the newest that was read from ``scans``.

    Raises:
        JobError: no such ledger or batch, or ``out`` can't be written.
    """
    source = str(Path(scans).expanduser().resolve()) if scans else None
    try:
        with Ledger.open(ledger_url) as ledger:
            return ledger.export(ledger.find_batch(source).id, out)
    except LedgerError as error:
        raise JobError(str(error)) from error
