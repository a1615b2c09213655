"""An output folder by URL: results are written to a folder of this machine, and then stored there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from flows.errors import JobError, JobFailed
from preprocessing.remote_scans import RemoteError, fetch, store

KEPT = "readings.csv"  # it may hold corrections: the export looks at it before it writes another one


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder at ``url``, and the local one in its place; that lives as long as this object."""

    url: str
    _local: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="formdigits-out-")
    )

    @property
    def local(self) -> Path:
        return Path(self._local.name)

    def begin(self) -> None:
        """Fetch the readings.csv that is there. Raises ``JobError`` where the folder cannot be reached."""
        try:
            there = fetch(self.file(KEPT))
        except RemoteError as error:
            raise JobError(error.problem, error.mend) from error
        if there is not None:
            (self.local / KEPT).write_bytes(there)

    def publish(self) -> None:
        """Store everything that was written. Raises ``JobFailed`` where that fails: nothing is lost in the ledger."""
        try:
            for path in sorted(self.local.iterdir()):
                store(self.file(path.name), path.read_bytes())
        except RemoteError as error:
            raise JobFailed(error.problem, f"{error.mend} Then run the same command again.") from error

    def file(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"
