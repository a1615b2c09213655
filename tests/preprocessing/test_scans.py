"""Files and folders, as they lie on real disks -> scans, pages, problems."""

import hashlib
import io
import os
import shutil
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from preprocessing import scans
from preprocessing.page import Page, PageProblem
from preprocessing.page import ProblemReason as Reason
from preprocessing.scans import ScanFile, ScanFolderError, first_scan, hash_scan, list_scans, open_scan

LONG_AGO_S = 1_600_000_000


def content(form="PNG", pages=1, grey=200):
    out = io.BytesIO()
    many = {"save_all": True, "append_images": [Image.new("L", (20, 30), grey)] * (pages - 1)} if pages > 1 else {}
    Image.new("L", (20, 30), grey).save(out, form, **many)
    return out.getvalue()


def put(path, data=b"", age_from=LONG_AGO_S):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (age_from, age_from))
    return path


def listed(path):
    (file,) = list_scans(path)
    return file


def names(root):
    return [file.name for file in list_scans(root)]


@pytest.fixture
def scan(tmp_path):
    return put(tmp_path / "a.png", content())


@contextmanager
def nobody():
    """Without the rights of root, who may read everything."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_scans_are_sorted_as_people_count(tmp_path):
    for name in ("p10.png", "p9.png", "P1.png", "b/p2.png", "b/p1.png", "10/a.png", "9/a.png"):
        put(tmp_path / name)
    assert names(tmp_path) == ["9/a.png", "10/a.png", "b/p1.png", "b/p2.png", "P1.png", "p9.png", "p10.png"]


def test_the_first_scan(tmp_path):
    for name in ("p10.png", "p9.png"):
        put(tmp_path / name)
    assert first_scan(tmp_path).name == "p9.png"
    assert first_scan(tmp_path / "p10.png").name == "p10.png"


def test_a_folder_without_scans_is_an_empty_list(tmp_path):
    put(tmp_path / "sub" / ".hidden.png")
    put(tmp_path / "notes.txt")
    assert list_scans(tmp_path) == []


def test_what_is_clearly_no_scan_is_passed_over(tmp_path):
    for name in (
        *("readings.csv", "notes.TXT", "form.toml", "README.md", "ledger.sqlite", "ledger.sqlite-wal", "a.png.part"),
        *(".hidden.png", ".git/a.png", "Thumbs.db", "thumbs.DB", ".DS_Store", "desktop.ini", "Desktop.ini", "~$a.tif"),
    ):
        put(tmp_path / name)
    tried = {"a.png", "B.JPG", "c.tiff", "d.pdf", "no_extension", "e.doc", "f.heic"}
    for name in tried:
        put(tmp_path / name)
    assert set(names(tmp_path)) == tried


def test_a_file_asked_for_by_name_is_tried_whatever_it_is_called(tmp_path):
    path = put(tmp_path / "scan.txt", content())
    assert listed(path) == ScanFile("scan.txt", path, len(content()), LONG_AGO_S * 10**9)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"with space.png", "with space.png"),
        (b"a'b\"c.png", "a'b\"c.png"),
        (b"two\nlines\r.png", "two\nlines\r.png"),
        (b"=1+1.png", "=1+1.png"),
        ("Überweisung 3 €.png".encode(), "Überweisung 3 €.png"),
        (b"caf\xe9.png", "caf\\udce9.png"),
        (b"a;b,c%s{}.png", "a;b,c%s{}.png"),
    ],
)
def test_names_survive(tmp_path, raw, name):
    put(tmp_path / os.fsdecode(raw), content())
    file = listed(tmp_path)
    assert file.name == name
    assert file.name.encode()
    (page,) = open_scan(file, hash_scan(file))
    assert page.scan == name


def test_links_and_things_that_are_no_files_are_not_followed(tmp_path, scan):
    outside = put(tmp_path / "outside" / "secret.png", content())
    root = tmp_path / "root"
    put(root / "sub" / "a.png")
    (root / "out.png").symlink_to(outside)
    (root / "out").symlink_to(outside.parent)
    (root / "sub" / "loop").symlink_to(root)
    (root / "itself.png").symlink_to(root / "itself.png")
    os.mkfifo(root / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket.png"))
    assert names(root) == ["sub/a.png"]


def test_the_folder_itself_may_be_a_link(tmp_path, scan):
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    assert names(link) == ["a.png"]


@pytest.mark.parametrize(
    ("look", "name"),
    [(list_scans, "nowhere"), (list_scans, "a.png/below"), (first_scan, "nowhere"), (first_scan, "empty")],
)
def test_a_folder_that_cannot_be_read_says_so_in_one_line(tmp_path, scan, look, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScanFolderError) as caught:
        look(tmp_path / name)
    assert str(caught.value) == f"{caught.value.problem} {caught.value.mend}"
    assert str(tmp_path / name) in caught.value.problem
    assert "\n" not in str(caught.value)


def test_what_may_not_be_read_shows(open_folder):
    put(open_folder / "open.png", content())
    put(open_folder / "shut.png", content()).chmod(0)
    put(open_folder / "sub" / "below.png").parent.chmod(0)
    os.utime(open_folder / "sub", (LONG_AGO_S, LONG_AGO_S))
    with nobody():
        found = {file.name: hash_scan(file) for file in list_scans(open_folder)}
        opened = next(open_scan(ScanFile("shut.png", open_folder / "shut.png", 1, 1), "0" * 64))
    (open_folder / "sub").chmod(0o777)
    assert found["open.png"] == hashlib.sha256(content()).hexdigest()
    assert found["shut.png"].reason == found["sub/"].reason == opened.reason == Reason.NO_PERMISSION


def test_a_root_that_may_not_be_read_is_an_error(open_folder):
    (open_folder / "shut").mkdir(mode=0)
    with nobody(), pytest.raises(ScanFolderError, match="cannot be read"):
        list_scans(open_folder / "shut")


def test_hash_is_of_the_bytes(scan):
    assert hash_scan(listed(scan)) == hashlib.sha256(content()).hexdigest()


@pytest.mark.parametrize(
    ("data", "age_s", "reason"),
    [
        (b"", 1e6, Reason.EMPTY_FILE),
        (b"x", 1e6, None),
        (b"x", 3.0, None),
        (b"x", 0.5, Reason.STILL_WRITTEN),
        (b"", 0.5, Reason.STILL_WRITTEN),  # a file is empty when its writing begins
        (b"x", -1.0, Reason.STILL_WRITTEN),
        (b"x", -1e6, None),  # the clock jumped: it must not wait for years
    ],
)
def test_a_file_settles(tmp_path, data, age_s, reason):
    problem = hash_scan(listed(put(tmp_path / "a.png", data, time.time() - age_s)))
    assert (problem.reason if isinstance(problem, PageProblem) else None) == reason


def test_settling_is_a_parameter(tmp_path):
    assert isinstance(hash_scan(listed(put(tmp_path / "a.png", b"x", time.time())), settle_s=0), str)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.unlink(), Reason.VANISHED),
        (lambda path: shutil.rmtree(path.parent), Reason.VANISHED),
        (lambda path: put(path, content(grey=1) + b"longer"), Reason.STILL_WRITTEN),
        (lambda path: os.utime(path, (1e9, 1e9)), Reason.STILL_WRITTEN),
        (lambda path: (path.unlink(), path.mkdir(), os.utime(path, (1e9, 1e9))), Reason.STILL_WRITTEN),
    ],
)
def test_a_file_that_changed_since_it_was_listed(tmp_path, change, reason):
    file = listed(put(tmp_path / "in" / "a.png", content()))
    change(file.path)
    problem = hash_scan(file)
    assert (problem.scan, problem.page, problem.sha256, problem.reason) == ("a.png", 0, "", reason)
    assert problem.detail.endswith(".")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.unlink(), Reason.VANISHED),
        (lambda path: put(path, content(grey=1)), Reason.STILL_WRITTEN),
        (lambda path: put(path), Reason.STILL_WRITTEN),
        (lambda path: (path.unlink(), path.mkdir()), Reason.UNREADABLE_FILE),
    ],
)
def test_a_file_that_changed_since_it_was_hashed(scan, change, reason):
    file = listed(scan)
    sha256 = hash_scan(file)
    change(scan)
    (problem,) = open_scan(file, sha256)
    assert (problem.scan, problem.page, problem.reason) == ("a.png", 0, reason)


def test_a_file_too_large_for_memory_is_refused(scan, monkeypatch):
    file = listed(scan)
    sha256 = hash_scan(file)
    monkeypatch.setattr(scans, "MAX_FILE_BYTES", len(content()) - 1)
    assert hash_scan(file).reason == Reason.TOO_LARGE
    assert [page.reason for page in open_scan(file, sha256)] == [Reason.TOO_LARGE]


def test_pages_are_counted_and_know_their_file(tmp_path):
    file = listed(put(tmp_path / "many.tif", content("TIFF", pages=3)))
    sha256 = hash_scan(file)
    pages = list(open_scan(file, sha256))
    assert [(type(page), page.scan, page.page, page.sha256) for page in pages] == [
        (Page, "many.tif", number, sha256) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("data", "page", "reason"),
    [
        (b"text, not an image", 0, Reason.UNREADABLE_FILE),
        (content("JPEG")[:-9], 1, Reason.UNREADABLE_FILE),
        (b"%PDF-1.4", 0, Reason.UNREADABLE_FILE),
    ],
)
def test_a_file_that_cannot_be_decoded_is_one_problem(tmp_path, data, page, reason):
    file = listed(put(tmp_path / "a.png", data))
    sha256 = hash_scan(file)
    (problem,) = open_scan(file, sha256)
    assert (problem.scan, problem.page, problem.sha256, problem.reason) == ("a.png", page, sha256, reason)
