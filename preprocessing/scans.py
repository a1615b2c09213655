"""Intake: a folder of scans -> ``ScanFile``s -> ``Page``s.

A scan is known by the sha256 of its bytes. They are read once, checked against that, and decoded from memory, so that a
page never mixes two states of a file. All that can go wrong with one file becomes a ``PageProblem``.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from preprocessing.decoding import decode
from preprocessing.errors import ScanSourceError
from preprocessing.page import Page, PageProblem, ProblemReason
from preprocessing.raster import Raster, Refusal
from preprocessing.remote_scans import RemoteError, RemotePath, list_files

SETTLE_S = 2.0  # a file changed less than this ago may still be on its way from the scanner
MAX_FILE_BYTES = 512 * 1024 * 1024

_NO_SCANS = frozenset(
    (
        *(".txt", ".md", ".log", ".html", ".py", ".toml", ".json", ".yaml", ".yml"),
        *(".csv", ".tsv", ".xls", ".xlsx", ".ods", ".db", ".sqlite", ".sqlite-journal", ".sqlite-shm", ".sqlite-wal"),
        *(".part", ".partial", ".filepart", ".crdownload"),  # still on their way, to be renamed
    )
)
_HOUSEKEEPING = frozenset(("thumbs.db", "desktop.ini"))


class ScanFolderError(ScanSourceError):
    """The scans asked for are not there to be read."""


@dataclass(frozen=True, slots=True)
class ScanFile:
    """A file that may hold pages.

    ``name`` is its path relative to the scan folder, with ``/``, always printable Unicode; ``path`` opens it.
    ``size`` in bytes and ``mtime_ns`` are as listed, both -1 where they could not be had. ``version`` changes with the
    content where a remote folder tells that, else it is empty.
    """

    name: str
    path: Path | RemotePath
    size: int
    mtime_ns: int
    version: str = ""


def list_scans(root: Path) -> list[ScanFile]:
    """The scans in a folder and its subfolders, ``page2`` before ``page10``; or the file ``root`` alone.

    Hidden files, tables, texts and what operating systems leave behind are passed over; any other file is a scan.
    Links are not followed: what they lead to is listed at its own place, or lies outside the folder. A subfolder that
    may not be read is listed itself, so that it shows as a problem. A folder without scans is an empty list.

    Raises:
        ScanFolderError: ``root`` does not exist or may not be read.
    """
    try:
        scans = _walk(root) if root.is_dir() else [_scan_file(root.name, root, root.stat())]
    except FileNotFoundError as error:
        raise ScanFolderError(f"{root} does not exist.", "Check the path of the scans.") from error
    except OSError as error:
        raise ScanFolderError(f"{root} cannot be read: {error.strerror}.", "Ask for permission to read it.") from error
    return sorted(scans, key=_natural_order)


def list_remote_scans(url: str) -> list[ScanFile]:
    """The scans in a remote folder, as ``list_scans`` chooses and sorts them; or the file at ``url`` alone.

    Raises:
        ScanFolderError: it cannot be reached.
    """
    try:
        files = [file for file in list_files(url) if not any(map(_passed_over, file.name.split("/")))]
    except RemoteError as error:
        raise ScanFolderError(error.problem, error.mend) from error
    scans = [
        ScanFile(_printable(Path(file.name)), file.path, file.status.st_size, file.status.st_mtime_ns, file.version)
        for file in files
    ]
    return sorted(scans, key=_natural_order)


def first_scan(root: Path) -> ScanFile:
    """The first scan in a folder, as ``list_scans`` sorts them; or the file ``root``.

    Raises:
        ScanFolderError: ``root`` does not exist, may not be read, or holds no scans.
    """
    scans = list_scans(root)
    if not scans:
        mend = "Name a scan, or a folder with PNG, JPEG, TIFF or PDF files; links and hidden files do not count."
        raise ScanFolderError(f"{root} holds no scans.", mend)
    return scans[0]


def hash_scan(file: ScanFile, settle_s: float = SETTLE_S) -> str | PageProblem:
    """The sha256 of a scan's bytes, in hexadecimal, or why it cannot be read now.

    A file changed less than ``settle_s`` seconds ago, or since it was listed, is ``STILL_WRITTEN``. So is one dated
    that little into the future; one dated further off counts as settled: clocks differ, and it must not wait forever.
    """
    try:
        unfit = _unfit(file, settle_s)
        if unfit is not None:
            return unfit
        with file.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return _unread(file, error)


def open_scan(file: ScanFile, sha256: str) -> Iterator[Page | PageProblem]:
    """The pages of a scan, counted from 1, each decoded when it is asked for; page 0 stands for the whole file.

    The file is read once. Content other than ``sha256`` is ``STILL_WRITTEN``.
    """
    try:
        data = _read_bounded(file.path)
    except OSError as error:
        yield _unread(file, error, sha256)
        return
    if data is None:
        yield _too_large(file, sha256)
        return
    if hashlib.sha256(data).hexdigest() != sha256:
        yield _still_written(file)
        return
    for number, page in enumerate(decode(data), start=1):
        yield _named(page, file.name, number, sha256)


def _walk(root: Path) -> list[ScanFile]:
    with os.scandir(root):  # raises where the folder itself may not be read
        pass
    scans: list[ScanFile] = []

    def note_unreadable(error: OSError) -> None:
        folder = Path(error.filename)
        scans.append(ScanFile(_printable(folder.relative_to(root)) + "/", folder, -1, -1))

    for folder, subfolders, files in os.walk(root, onerror=note_unreadable, followlinks=False):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in files:
            if not _passed_over(name):
                scans.extend(_listed(root, Path(folder, name)))
    return scans


def _passed_over(name: str) -> bool:
    lowered = name.lower()
    return name.startswith((".", "~$")) or lowered in _HOUSEKEEPING or Path(lowered).suffix in _NO_SCANS


def _listed(root: Path, path: Path) -> Iterator[ScanFile]:
    """The file as a scan; nothing for links, pipes, sockets and files that have gone."""
    name = _printable(path.relative_to(root))
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    except OSError:
        yield ScanFile(name, path, -1, -1)
        return
    if stat.S_ISREG(status.st_mode):
        yield _scan_file(name, path, status)


def _scan_file(name: str, path: Path, status: os.stat_result) -> ScanFile:
    return ScanFile(_printable(Path(name)), path, status.st_size, status.st_mtime_ns)


def _printable(path: Path) -> str:
    r"""The path with ``/``; bytes that are no UTF-8 are written as ``\udce9``."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def _natural_order(file: ScanFile) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"([0-9]+)", file.name.lower())
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts], file.name


def _unfit(file: ScanFile, settle_s: float) -> PageProblem | None:
    """Why the file should not be read, from its status alone."""
    status = file.path.stat()
    changed = file.size >= 0 and (file.size, file.mtime_ns) != (status.st_size, status.st_mtime_ns)
    if changed or abs(time.time() - status.st_mtime) < settle_s:
        return _still_written(file)
    if status.st_size == 0:
        return _problem(file, ProblemReason.EMPTY_FILE, "The file has no content: scan the page again.")
    return _too_large(file) if status.st_size > MAX_FILE_BYTES else None


def _read_bounded(path: Path | RemotePath) -> bytes | None:
    """The content of a file, None for more than ``MAX_FILE_BYTES``; of one that grows meanwhile, one byte more."""
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        return None
    with path.open("rb") as stream:
        return stream.read(size + 1)


def _problem(file: ScanFile, reason: ProblemReason, detail: str, sha256: str = "") -> PageProblem:
    return PageProblem(file.name, 0, sha256, reason, detail)


def _still_written(file: ScanFile) -> PageProblem:
    detail = "The file has only just changed: it is left for the next run."
    return _problem(file, ProblemReason.STILL_WRITTEN, detail)


def _too_large(file: ScanFile, sha256: str = "") -> PageProblem:
    detail = f"The file has more than {MAX_FILE_BYTES >> 20} MB: split it."
    return _problem(file, ProblemReason.TOO_LARGE, detail, sha256)


def _unread(file: ScanFile, error: OSError, sha256: str = "") -> PageProblem:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _problem(
            file,
            ProblemReason.VANISHED,
            "The file is gone since it was listed: leave scans where they are until the run ends.",
            sha256,
        )
    if isinstance(error, PermissionError):
        return _problem(file, ProblemReason.NO_PERMISSION, "The file may not be read: change its permissions.", sha256)
    detail = f"The file cannot be read ({error.strerror}): check the disk or the network share."
    # Without the sha256: the content is not to blame, and the next run tries it again.
    return _problem(file, ProblemReason.UNREADABLE_FILE, detail)


def _named(page: Raster | Refusal, name: str, number: int, sha256: str) -> Page | PageProblem:
    if isinstance(page, Raster):
        return Page(page.grey, page.dpi, name, number, sha256)
    return PageProblem(name, 0 if page.whole_file else number, sha256, page.reason, page.detail)
