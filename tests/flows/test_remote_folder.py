"""Scans and results in S3, on a real server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.batches.digitizing import digitize
from flows.errors import JobError, JobFailed
from flows.settings import DigitizeJob
from preprocessing import remote_scans, scans
from tests.flows.drawn_scans import draw_digits, one_thread

moto = pytest.importorskip("moto.server")
s3fs = pytest.importorskip("s3fs")
pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    started = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A file system on a server with an empty bucket ``mail``, to be found as everybody finds theirs."""
    environment = {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in {**environment, "AWS_DEFAULT_REGION": "us-east-1", "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(scans, "SETTLE_S", 0.0)
    monkeypatch.setattr(scans.hash_scan, "__defaults__", (0.0,))
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem(use_listings_cache=False)
    if system.exists("mail"):
        system.rm("mail", recursive=True)
    system.mkdir("mail")
    yield system
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def remote(bucket: Any, scans: Path, tmp_path: Path) -> DigitizeJob:
    """Twelve scans in S3, to be read into S3."""
    bucket.put(str(scans), "mail/in", recursive=True)
    bucket.pipe_file("mail/in/notes.txt", b"no scan")
    bucket.pipe_file("mail/in/../climbing.png", b"no file of this folder")
    change = {"scans": "s3://mail/in", "out": "s3://mail/in/out", "ledger": f"sqlite:///{tmp_path}/ledger.sqlite"}
    return one_thread(scans, tmp_path).model_copy(update=change)


def test_a_remote_folder_gives_the_csv_of_a_local_one(
    remote: DigitizeJob, bucket: Any, scans: Path, tmp_path: Path
) -> None:
    summary = digitize(remote.model_copy(update={"runner": "processes"}))
    digitize(one_thread(scans, tmp_path / "local"))
    for name in ("readings.csv", "records.csv"):
        assert bucket.cat_file(f"mail/in/out/{name}") == (tmp_path / "local" / name).read_bytes()
    assert b"<html" in bucket.cat_file("mail/in/out/report.html")
    assert "s3://mail/in/out/readings.csv" in "\n".join(summary.lines())


def test_only_what_is_new_or_changed_is_fetched(
    remote: DigitizeJob, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digitize(remote)
    fetched: list[str] = []
    open_remote = remote_scans.RemotePath.open
    monkeypatch.setattr(
        remote_scans.RemotePath, "open", lambda path, *mode: (fetched.append(path.url), open_remote(path, *mode))[1]
    )
    assert digitize(remote).new_pages == 0
    assert fetched == ["s3://mail/in/out/readings.csv"]
    bucket.pipe_file("mail/in/d3.png", draw_digits(tmp_path / "other.png", 55).read_bytes())
    bucket.pipe_file("mail/in/d99.png", draw_digits(tmp_path / "new.png", 99).read_bytes())
    summary = digitize(remote)
    assert (summary.new_pages, summary.pages) == (2, 14)
    assert {url for url in fetched if url.endswith(".png")} == {"s3://mail/in/d3.png", "s3://mail/in/d99.png"}


def test_corrections_in_a_remote_csv_are_kept(remote: DigitizeJob, bucket: Any) -> None:
    digitize(remote)
    text = bucket.cat_file("mail/in/out/readings.csv").decode("utf-8-sig")
    first, row, *rest = text.splitlines(keepends=True)
    cells = row.split(",")
    cells[first.split(",").index("corrected_value")] = "77"
    corrected = "".join([first, ",".join(cells), *rest]).encode()
    bucket.pipe_file("mail/in/out/readings.csv", corrected)
    digitize(remote)
    kept = [path for path in bucket.ls("mail/in/out", detail=False) if path.endswith(".csv") and "kept" in path]
    others = [bucket.cat_file(path) for path in bucket.ls("mail/in/out", detail=False) if "readings" in path]
    assert kept or corrected in others


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ledger": None}, "--ledger"),
        ({"scans": "s3://nowhere/in"}, "s3://nowhere/in"),
        ({"scans": "gopher://host/in"}, "gopher"),
    ],
)
def test_what_is_wrong_is_said_before_page_1(change: dict[str, Any], words: str, remote: DigitizeJob) -> None:
    with pytest.raises(JobError, match=words) as wrong:
        digitize(remote.model_copy(update=change))
    assert not isinstance(wrong.value, JobFailed)
