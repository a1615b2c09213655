"""``export``: the ledger's readings as CSV once more, or what is to be checked as tasks for Label Studio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flows.errors import JobError
from flows.summary import describe_kept
from flows.terminal import say
from ledger.answers.label_studio import Tasks
from ledger.csv_export import Export
from ledger.errors import LedgerError
from ledger.ledger import Ledger


def export_batch(ledger_url: str, out: Path, scans: str | None, tell: Callable[[str], None] = say) -> Export:
    """Write the CSV of the newest batch, or of the newest that was read from ``scans``; ``tell`` of one that was kept.

    Raises:
        JobError: no such ledger or batch, or ``out`` can't be written.
    """
    try:
        with Ledger.open(ledger_url) as ledger:
            written = ledger.export(ledger.find_batch(_source(scans)).id, out)
    except LedgerError as error:
        raise JobError(str(error)) from error
    if written.kept:
        tell(describe_kept(written.kept))
    return written


def export_tasks(ledger_url: str, out: Path, scans: str | None) -> Tasks:
    """Write what is to be checked of the newest batch, or of the newest that was read from ``scans``.

    Raises:
        JobError: no such ledger or batch, or ``out`` can't be written.
    """
    try:
        with Ledger.open(ledger_url) as ledger:
            return ledger.export_tasks(ledger.find_batch(_source(scans)).id, out)
    except LedgerError as error:
        raise JobError(str(error)) from error


def _source(scans: str | None) -> str | None:
    return str(Path(scans).expanduser().resolve()) if scans else None
