"""Why rows of a corrected file do not enter the ledger, what mends them, and the file that they go on in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from pathlib import Path

from ledger.answers.set_aside import claimed_name
from ledger.errors import LedgerError

REFUSED = "refused"  # the column that says why


class Refusal(StrEnum):
    """Why a row of a corrected file does not enter the ledger."""

    UNKNOWN = "the ledger holds no such field"
    OTHER_VALUE = "the value is not the one that was read"
    NOTHING = "it says nothing, and does not show what it could confirm"
    NOT_A_NUMBER = "corrected_value is no number"
    DIGITS_LOST = "a spreadsheet dropped digits of corrected_value"
    UNCLEAR = "corrected_value could mean more than one value"
    BREAKS_RULES = "corrected_value breaks rules of its field"
    TWICE = "the file has two different answers for this field"
    OUTDATED = "the ledger holds a newer answer of someone who had this one before"
    MEANWHILE = "someone else answered meanwhile"
    BROKEN = "its cells cannot be told apart"


_AS_WRITTEN = "or put ! behind it if the paper says exactly this"
_MENDS = {
    Refusal.UNKNOWN: "leave sha256, page and field as they were, or name the ledger that the file was written from",
    Refusal.OTHER_VALUE: "leave value as it was: rows may have been sorted apart, or the page was read again",
    Refusal.NOTHING: "type digits, or blank, illegible or struck_out",
    Refusal.NOT_A_NUMBER: "type digits, or blank, illegible or struck_out",
    Refusal.DIGITS_LOST: f"type all of them in a cell of text, {_AS_WRITTEN}",
    Refusal.UNCLEAR: f"type it in a cell of text, {_AS_WRITTEN}",
    Refusal.BREAKS_RULES: f"type it as the form has it, {_AS_WRITTEN}",
    Refusal.TWICE: "leave one of them",
    Refusal.OUTDATED: "export again and change the newer answer, if it is wrong",
    Refusal.MEANWHILE: "export again and change that answer, if it is wrong",
    Refusal.BROKEN: "close its quotes",
}


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was left out; ``line`` is its number in the file, ``detail`` what is particular to it."""

    line: int
    field: str
    refusal: Refusal
    detail: str = ""
    cells: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The reason and the mend, as people read them."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.refusal}{detail}; {_MENDS[self.refusal]}"


def write_refused(path: Path, names: Sequence[str], delimiter: str, rows: Sequence[RefusedRow]) -> Path | None:
    """Write the refused rows of the file at ``path`` beside it, to be mended and imported once more.

    The new file has the columns of the old one and ``refused`` behind them. One that says the same is there already
    after the same import.

    Returns:
        The new file; None where no row was refused.

    Raises:
        LedgerError: the folder cannot be written.
    """
    if not rows:
        return None
    text = _refused_text(names, delimiter, rows).encode("utf-8-sig", "backslashreplace")
    try:
        for earlier in sorted(path.parent.glob("*.csv")):
            if earlier.name.startswith(f"{path.stem}.refused-") and earlier.read_bytes() == text:
                return earlier
        refused = claimed_name(path.with_suffix(".csv"), "refused")
        refused.write_bytes(text)
    except OSError as error:
        problem = f"the rows that were refused cannot be written beside {str(path)!r} ({error.strerror})"
        raise LedgerError(problem, "give write permission, or import a copy that lies elsewhere") from error
    return refused


def _refused_text(names: Sequence[str], delimiter: str, rows: Sequence[RefusedRow]) -> str:
    text = StringIO()
    columns = [name for name in names if name != REFUSED]
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([*columns, REFUSED])
    for row in rows:
        cells = dict(zip(names, row.cells, strict=False))
        writer.writerow([*(cells.get(name, "") for name in columns), row.why])
    return text.getvalue()
