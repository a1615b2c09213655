"""What a run of ``digitize`` comes to, for people and for the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.batches.remote_folder import RemoteFolder
from flows.errors import ExitCode
from ledger.counting import BatchSummary
from ledger.csv_export import Export
from preprocessing.page import ProblemReason

Notices = tuple[tuple[str, str], ...]  # (Audit, Stopped or Drift; a sentence)


@dataclass(frozen=True, slots=True)
class DigitizeSummary:
    """The batch as the CSV states it, and what this run added.

    ``pages`` were read, in this run or an earlier one; ``new_pages`` in this run, in ``seconds``. ``flagged`` counts
    fields by reason (a field may have several), ``unreadable`` pages or files by reason. ``promises`` say what this run
    accepts, ``notices`` what the audit and the drift watch found. ``checked`` flagged fields have people's answers.
    ``kept_csv`` is an earlier readings.csv with corrections, under its new name; ``remote_out`` is where the files were
    stored, if not on this machine; ``empty_folder`` the scan folder where
    there are no scans in it.
    """

    pages: int
    new_pages: int
    fields: int
    accepted: int
    flagged: Mapping[str, int]
    unreadable: Mapping[str, int]
    seconds: float
    readings_csv: Path
    records_csv: Path
    kept_csv: Path | None
    empty_folder: str | None
    promises: tuple[str, ...] = ()
    notices: Notices = ()
    checked: int = 0
    remote_out: RemoteFolder | None = None

    @property
    def pages_per_second(self) -> float:
        return self.new_pages / self.seconds if self.seconds > 0 else 0.0

    @property
    def report_html(self) -> Path:
        return self.readings_csv.with_name("report.html")

    @property
    def to_check(self) -> int:
        """Fields that a person should still look at."""
        return self.fields - self.accepted - self.checked

    @property
    def exit_code(self) -> ExitCode:
        # A duplicate's content stands under its first name, and is in one of these counts there.
        failed = sum(count for reason, count in self.unreadable.items() if reason != ProblemReason.DUPLICATE)
        return ExitCode.UNREADABLE_PAGES if failed else ExitCode.OK

    def lines(self) -> Iterator[str]:
        """The summary as people read it."""
        if self.empty_folder:
            yield f"Scans    {self.empty_folder} holds no scans (links, tables, texts and hidden files do not count)"
        yield f"Pages    {self.pages} read, {self.new_pages} of them now{self._pace()}"
        accepted = f"{self.accepted} accepted{_share(self.accepted, self.fields)}"
        yield f"Fields   {self.fields}: {accepted}, {self.to_check} to check{self._checked()}"
        for promise in self.promises:
            yield f"Rule     {promise}"
        for title, counts in (("Flagged", self.flagged), ("Unread", self.unreadable)):
            if counts:
                yield f"{title:<8} " + ", ".join(f"{count} {reason}" for reason, count in _by_count(counts))
        for title, text in self.notices:
            yield f"{title:<8} {text}"
        files = (self.readings_csv, self.records_csv, self.report_html)
        shown = [self.remote_out.file(file.name) if self.remote_out else str(file) for file in files]
        yield "Written  " + "\n         ".join(shown)
        if self.kept_csv:
            yield describe_kept(self.kept_csv)

    def _checked(self) -> str:
        return f", {self.checked} checked" if self.checked else ""

    def _pace(self) -> str:
        return f", {self.seconds:.1f} s, {self.pages_per_second:.1f} pages/s" if self.new_pages else ""


def summarize(
    batch: BatchSummary,
    written: Export,
    new_pages: int,
    seconds: float,
    empty_folder: str | None,
    promises: tuple[str, ...] = (),
    notices: Notices = (),
) -> DigitizeSummary:
    """The batch as the ledger counts it, with what this run added."""
    return DigitizeSummary(
        pages=batch.pages,
        new_pages=new_pages,
        fields=batch.fields,
        accepted=batch.accepted,
        flagged=batch.reasons,
        unreadable=batch.problems,
        seconds=seconds,
        readings_csv=written.readings,
        records_csv=written.records,
        kept_csv=written.kept,
        empty_folder=empty_folder,
        promises=promises,
        notices=notices,
        checked=batch.checked,
    )


def describe_kept(csv: Path) -> str:
    """The line about an earlier readings.csv that was kept."""
    return f"Kept     {csv}: the corrections in it are not in the ledger"


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""
