"""What a machine does to a run: no room, no permission, files that come, go and change, clocks that jump."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.batches import unread_scans
from flows.batches.digitizing import Progress, digitize
from flows.errors import JobError, JobFailed
from flows.settings import DigitizeJob
from ledger.ledger import Ledger
from tests.flows.drawn_scans import draw_digits, one_thread, settle


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, the kernel refuses to let a file of this process grow beyond ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def many(many_scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DigitizeJob:
    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 16)
    return one_thread(many_scans, tmp_path / "out")


def written(job: DigitizeJob, names: dict[str, bytes]) -> dict[str, bytes]:
    return {name: (Path(job.out) / name).read_bytes() for name in names}


def when_pages(count: int, act: Callable[[], None]) -> Callable[[Progress], None]:
    """Acts once, when so many pages are read."""
    acted: list[int] = []

    def watch(progress: Progress) -> None:
        if progress.pages >= count and not acted:
            acted.append(progress.pages)
            act()

    return watch


def test_no_room_on_the_way_fails_in_one_line_and_loses_nothing(
    many: DigitizeJob, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(f"sqlite:///{Path(many.out).parent}/empty.sqlite"):
        size = (Path(many.out).parent / "empty.sqlite").stat().st_size
    monkeypatch.setattr("flows.patience.PATIENCE_S", 0.0)
    with no_file_larger_than(size + 100_000), pytest.raises((JobFailed, JobError)) as failed:
        digitize(many)
    assert "\n" not in str(failed.value)
    assert not list(Path(many.out).glob("*.part"))
    digitize(many)
    assert written(many, undisturbed) == undisturbed


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk can be mounted by root only")
def test_an_output_folder_that_turns_read_only(many: DigitizeJob, undisturbed: dict[str, bytes]) -> None:
    out = Path(many.out)
    out.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", out], capture_output=True, check=False)
    if mount.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        ledger = many.model_copy(update={"ledger": f"sqlite:///{out.parent}/ledger.sqlite"})
        read_only = ["mount", "-o", "remount,ro", out]
        with pytest.raises(JobFailed, match=r"out"):
            digitize(ledger, when_pages(32, lambda: subprocess.run(read_only, check=True)))
        with pytest.raises(JobError, match="Nothing can be written"):
            digitize(ledger)
        subprocess.run(["mount", "-o", "remount,rw", out], check=True)
        assert digitize(ledger).new_pages == 0  # all of them are in the ledger
        assert written(many, undisturbed) == undisturbed
    finally:
        subprocess.run(["umount", out], check=True)


def test_scans_that_come_go_and_change_during_a_run_are_left_to_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_scans, "MIN_CHUNK", 4)
    monkeypatch.setattr(unread_scans, "chunk_size", lambda *_: 4)
    for number in range(40):
        draw_digits(tmp_path / "scans" / f"d{number}.png", number)
    job = one_thread(tmp_path / "scans", tmp_path / "out")

    def disturb() -> None:
        draw_digits(tmp_path / "scans" / "d37.png", 99)
        (tmp_path / "scans" / "d38.png").unlink()
        draw_digits(tmp_path / "scans" / "d50.png", 50)
        with (tmp_path / "scans" / "d39.png").open("ab") as growing:
            growing.write(b"more")

    first = digitize(job, when_pages(4, disturb))
    assert dict(first.unreadable) == {"still_written": 2, "vanished": 1}
    assert first.pages == 37
    settle(tmp_path / "scans" / "d39.png")
    draw_digits(tmp_path / "scans" / "d39.png", 39)
    draw_digits(tmp_path / "scans" / "d38.png", 38)
    again = digitize(job)
    assert (again.pages, again.new_pages, dict(again.unreadable)) == (41, 4, {})


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_changes_nothing(
    jump_s: float, many: DigitizeJob, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    jump = when_pages(32, lambda: monkeypatch.setattr(time, "time", lambda: now() + jump_s))
    digitize(many, jump)
    monkeypatch.undo()
    assert written(many, undisturbed) == undisturbed
