"""Scans in remote folders (``s3://bucket/scans``, ``sftp://``, ...), by fsspec.

The access keys are found where the file system's own tools look for them: in the environment or a configuration file.
"""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import fsspec

from preprocessing.errors import ScanSourceError

_OPTIONS = {"use_listings_cache": False}  # a listing of the last run would hide what came in since
_NO_VERSION = ""


class RemoteError(ScanSourceError):
    """A remote folder cannot be reached."""


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """What ``os.stat_result`` says of a local file, as far as it is needed; times are whole seconds."""

    st_size: int
    st_mtime: float

    @property
    def st_mtime_ns(self) -> int:
        return int(self.st_mtime) * 1_000_000_000


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A file at a URL. It travels between processes and machines."""

    url: str

    def stat(self) -> RemoteStatus:
        """Raises ``OSError``."""
        system, path = _system(self.url)
        with _os_errors():
            return _status(system.info(path))

    def open(self, _mode: str = "rb") -> io.BytesIO:
        """The whole content, fetched at once. Raises ``OSError``."""
        system, path = _system(self.url)
        with _os_errors():
            return io.BytesIO(system.cat_file(path))


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as it is listed: ``name`` relative to the folder, and a ``version`` that changes with its content."""

    name: str
    path: RemotePath
    status: RemoteStatus
    version: str


def is_remote(place: str) -> bool:
    """Whether a place is a URL; a local path is none."""
    return "://" in place


def list_files(url: str) -> Iterator[RemoteFile]:
    """The files below a remote folder, or the file at ``url``.

    Raises:
        RemoteError: there is no such file system, no driver for it, no such folder, or no answer.
    """
    system, root = _opened(url)
    try:
        with _os_errors():
            found: Mapping[str, Any] = system.find(root, detail=True)
    except OSError as error:
        raise _unreachable(url, error) from error
    scheme = url.split("://")[0]
    folder = f"{root.rstrip('/')}/"
    for path, info in found.items():
        name = path.removeprefix(folder) if path != root else path.rsplit("/", 1)[-1]
        status = _status(info)
        yield RemoteFile(name, RemotePath(f"{scheme}://{path.lstrip('/')}"), status, _version(scheme, path, info))


def fetch(url: str) -> bytes | None:
    """The content of a remote file; None where there is none.

    Raises:
        RemoteError: it cannot be reached.
    """
    try:
        return RemotePath(url).open().getvalue()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreachable(url, error) from error


def store(url: str, data: bytes) -> None:
    """Write a remote file, whole or not at all where the file system can do so.

    Raises:
        RemoteError: it cannot be written.
    """
    system, path = _opened(url)
    try:
        with _os_errors():
            system.pipe_file(path, data)
    except OSError as error:
        raise RemoteError(f"{url} cannot be written ({error}).", "Check the address and the access keys.") from error


def _unreachable(url: str, error: OSError) -> RemoteError:
    return RemoteError(f"{url} cannot be reached ({error}).", "Check the address, the network and the access keys.")


def _opened(url: str) -> tuple[Any, str]:
    try:
        return _system(url)
    except (ImportError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RemoteError(f"{url}: {reason}.", "For s3:// install formdigits[s3].") from error


def _system(url: str) -> tuple[Any, str]:
    system, path = fsspec.core.url_to_fs(url, **_OPTIONS)
    return system, str(path)


@contextmanager
def _os_errors() -> Iterator[None]:
    """Drivers raise what their libraries do: for a reader of files all of it is an ``OSError``."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # the border to a driver
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}") from error


def _status(info: Mapping[str, Any]) -> RemoteStatus:
    changed = info.get("LastModified") or info.get("mtime") or info.get("created") or 0
    seconds = changed.timestamp() if isinstance(changed, datetime) else float(changed)
    return RemoteStatus(int(info.get("size") or 0), float(int(seconds)))


def _version(scheme: str, path: str, info: Mapping[str, Any]) -> str:
    """Tells contents apart by the store's own tag of them; without one nothing is taken for known."""
    tag = info.get("ETag") or info.get("etag")
    return hashlib.sha256(f"{scheme}://{path} {tag}".encode()).hexdigest() if tag else _NO_VERSION
