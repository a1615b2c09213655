"""``erase``: images and values out of the ledger, and what still holds them outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from flows.errors import JobError
from ledger.erasing import Erasure
from ledger.errors import LedgerError
from ledger.ledger import Ledger

_WRITTEN = ("readings*.csv", "records.csv", "report.html", "label-studio.json", "*.refused-*.csv")


def describe_plan(ledger_url: str, scans: str | None, before: datetime | None) -> Iterator[str]:
    """What would be erased.

    Raises:
        JobError: no such ledger, or it has read no such scans.
    """
    try:
        with Ledger.open(ledger_url) as ledger:
            yield f"Erase    {_counts(ledger.erasable(_source(ledger, scans), _moment(before)))}"
    except LedgerError as error:
        raise JobError(str(error)) from error


def erase_pages(ledger_url: str, scans: str | None, before: datetime | None) -> Erasure:
    """Erase what was read from ``scans``, or before a day, or both.

    Raises:
        JobError: no such ledger, it has read no such scans, or another program holds it.
    """
    try:
        with Ledger.open(ledger_url) as ledger:
            return ledger.erase(_source(ledger, scans), _moment(before))
    except LedgerError as error:
        raise JobError(str(error)) from error


def describe_erased(erased: Erasure, ledger_url: str) -> Iterator[str]:
    """What was erased, and which files beside the ledger hold some of it still."""
    yield f"Erased   {_counts(erased)}"
    yield from (f"Not      {path}: written before; delete it, or export again" for path in _written_beside(ledger_url))
    yield "Not      scans, backups of the ledger, and files that were written elsewhere"


def _counts(what: Erasure) -> str:
    return f"{what.pages} pages: {what.values} values, {what.images} images, {what.answers} answers of people"


def _source(ledger: Ledger, scans: str | None) -> str | None:
    """The scans as the ledger names them."""
    if scans is None:
        return None
    named = (scans, str(Path(scans).expanduser().resolve()))
    sources = {batch.source for batch in ledger.batches()}
    return ledger.find_batch(next((name for name in named if name in sources), named[1])).source


def _moment(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _written_beside(ledger_url: str) -> list[Path]:
    _, is_file, name = ledger_url.partition("sqlite:///")
    folder = Path(name).parent
    return sorted(path for pattern in _WRITTEN for path in folder.glob(pattern)) if is_file else []
