from __future__ import annotations

import csv
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.batches import digitizing, unread_scans
from flows.batches.batch_lock import batch_lock, lock_path
from flows.batches.digitizing import Progress, digitize
from flows.batches.page_reading import ChunkReading, NewScan, PageReader, internal_error
from flows.errors import ExitCode, JobError, JobFailed, JobStopped
from flows.settings import DigitizeJob
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from tests.flows.drawn_scans import draw_digits, one_thread, settle


def rows(out: str | Path) -> list[dict[str, str]]:
    with (Path(out) / "readings.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def change(job: DigitizeJob, **values: Any) -> DigitizeJob:
    return job.model_copy(update=values)


def test_every_scan_has_its_row(job: DigitizeJob) -> None:
    summary = digitize(job)
    assert [row["scan"] for row in rows(job.out)] == [f"d{number}.png" for number in range(12)]
    assert (summary.pages, summary.new_pages, summary.fields) == (12, 12, 12)
    assert summary.accepted + summary.to_check == 12
    assert summary.exit_code is ExitCode.OK
    assert summary.empty_folder is None


def test_again_reads_only_what_is_new(job: DigitizeJob, scans: Path) -> None:
    digitize(job)
    before = rows(job.out)
    assert digitize(job).new_pages == 0
    assert rows(job.out) == before
    draw_digits(scans / "d12.png", 12)
    summary = digitize(job)
    assert (summary.pages, summary.new_pages) == (13, 1)
    assert rows(job.out)[:12] == before


def test_a_copy_is_a_duplicate_once_and_no_failure(job: DigitizeJob, scans: Path) -> None:
    draw_digits(scans / "copy.png", 3)
    for _ in range(2):
        summary = digitize(job)
        assert dict(summary.unreadable) == {"duplicate": 1}
        assert summary.exit_code is ExitCode.OK
    (duplicate,) = [row for row in rows(job.out) if row["reasons"] == "duplicate"]
    assert (duplicate["scan"], "copy.png" in duplicate["detail"]) == ("d3.png", True)


def test_a_bad_file_is_a_row_and_the_batch_goes_on(job: DigitizeJob, scans: Path) -> None:
    (scans / "bad.png").write_text("no image")
    (scans / "empty.png").touch()
    settle(scans / "bad.png"), settle(scans / "empty.png")
    summary = digitize(job)
    assert dict(summary.unreadable) == {"empty_file": 1, "unreadable_file": 1}
    assert summary.pages == 12
    assert summary.exit_code is ExitCode.UNREADABLE_PAGES


@pytest.mark.parametrize(("runner", "workers"), [("processes", 1), ("processes", 2), ("threads", 3)])
def test_every_runner_writes_the_same_csv(
    runner: str,
    workers: int,
    many_scans: Path,
    tmp_path: Path,
    undisturbed: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 16)
    digitize(change(one_thread(many_scans, tmp_path), runner=runner, workers=workers))
    assert {name: (tmp_path / name).read_bytes() for name in undisturbed} == undisturbed


def test_an_output_folder_among_the_scans_is_not_read(job: DigitizeJob, scans: Path) -> None:
    job = change(job, out=str(scans / "out"))
    digitize(job)
    draw_digits(scans / "out" / "picture.png", 50)
    assert digitize(job).pages == 12


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_without_scans_is_no_failure(workers: int, job: DigitizeJob, scans: Path) -> None:
    digitize(job)
    before = rows(job.out)
    for scan in scans.iterdir():
        scan.unlink()
    summary = digitize(change(job, workers=workers))
    assert (summary.exit_code, summary.pages, summary.new_pages) == (ExitCode.OK, 12, 0)
    assert summary.empty_folder == str(scans)
    assert rows(job.out) == before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"form": "no-such-form"}, "no-such-form"),
        ({"model": "no-such-model"}, "no-such-model"),
        ({"scans": "no-such-folder"}, "no-such-folder"),
        ({"out": "/proc/out"}, "/proc/out"),
        ({"ledger": "mysql://host/db"}, "mysql"),
        ({"ledger": "sqlite:////no/such/folder/l.sqlite"}, "/no/such/folder"),
    ],
)
def test_what_is_wrong_is_said_before_page_1(
    values: dict[str, Any], words: str, job: DigitizeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PageReader, "read", lambda *_: pytest.fail("a page was read"))
    with pytest.raises(JobError) as wrong:
        digitize(change(job, **values))
    assert wrong.value.exit_code is ExitCode.USAGE
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


def failing(share: float) -> Any:
    """A reader that fails on the first ``share`` of a chunk."""

    def read(self: PageReader, scans: Sequence[NewScan]) -> ChunkReading:
        failed = scans[: round(share * len(scans))]
        problems = tuple(internal_error(scan.file.name, 0, scan.sha256, "fault") for scan in failed)
        good = real(self, scans[len(failed) :])
        return ChunkReading(problems + good.results, tuple("Traceback" for _ in failed))

    real = PageReader.read
    return read


@pytest.mark.parametrize(("pages", "share", "fails"), [(2, 1.0, False), (12, 0.25, True), (40, 0.1, False)])
def test_too_many_unforeseen_failures_fail_the_run_at_its_end(
    pages: int, share: float, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(pages):
        draw_digits(tmp_path / "s" / f"d{number}.png", number)
    job = one_thread(tmp_path / "s", tmp_path / "o")
    monkeypatch.setattr(PageReader, "read", failing(share))
    if fails:
        with pytest.raises(JobFailed) as failed:
            digitize(job)
        assert failed.value.summary is not None
        assert failed.value.summary.exit_code is ExitCode.UNREADABLE_PAGES
    else:
        assert digitize(job).unreadable["internal_error"] == round(share * pages)
    assert len(rows(job.out)) == pages
    monkeypatch.undo()
    assert digitize(job).pages == pages  # what failed unforeseen is tried again


def test_a_ledger_that_fails_on_the_way_fails_the_run(job: DigitizeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise LedgerError("the disk is full", "make room")

    monkeypatch.setattr(Ledger, "record_chunk", full)
    with pytest.raises(JobFailed, match="make room"):
        digitize(job)


def test_a_signal_finishes_the_chunk_and_begins_no_other(
    job: DigitizeJob, many_scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_chunk, hash_scan = PageReader.read, digitizing.hash_scan
    chunks: list[int] = []
    hashed: list[str] = []

    def stop_and_read(self: PageReader, scans: Sequence[NewScan]) -> ChunkReading:
        chunks.append(len(scans))
        if len(chunks) == 1:
            signal.raise_signal(signal.SIGTERM)
            time.sleep(0.3)  # the main thread gets the signal
        return read_chunk(self, scans)

    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 16)
    monkeypatch.setattr(PageReader, "read", stop_and_read)
    monkeypatch.setattr(digitizing, "hash_scan", lambda file: (hashed.append(file.name), hash_scan(file))[1])
    job = change(job, scans=str(many_scans))
    with pytest.raises(JobStopped, match="146 scans left") as stopped:
        digitize(job)
    assert chunks == [16]
    assert len(hashed) <= 48
    assert stopped.value.summary is not None
    assert stopped.value.summary.pages == len(rows(job.out)) == 16
    monkeypatch.undo()
    assert digitize(job).pages == 160


def test_a_second_run_waits_for_the_first(job: DigitizeJob) -> None:
    digitize(job)
    told: list[str] = []
    with batch_lock(lock_path(job.ledger_url, 1), print, lambda: False):
        thread = threading.Thread(target=lambda: digitize(job, tell=told.append))
        thread.start()
        thread.join(2)
        assert thread.is_alive()
    thread.join(10)
    assert not thread.is_alive()
    assert "Another run" in told[0]


def test_progress_counts_up_to_all(many_scans: Path, job: DigitizeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 16)
    seen: list[Progress] = []
    digitize(change(job, scans=str(many_scans)), seen.append)
    done = [progress.files_done for progress in seen]
    assert done == sorted(done)
    assert (done[-1], seen[-1].files_total, seen[-1].pages) == (162, 162, 160)


def test_the_ledger_is_asked_for_every_chunk_and_written_in_one_transaction_each(
    many_scans: Path, job: DigitizeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 64)
    sizes: list[int] = []
    record = Ledger.record_chunk
    monkeypatch.setattr(Ledger, "record_chunk", lambda *a: (sizes.append(len(a[2])), record(*a))[1])
    digitizing.digitize(change(job, scans=str(many_scans)))
    assert sorted(sizes) == [1, 33, 64, 64]  # the copy; 160 scans and a text in chunks of 64
