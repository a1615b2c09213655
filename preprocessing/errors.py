"""What keeps a whole folder of scans from being read; what keeps a page from it is a ``PageProblem``."""

from __future__ import annotations

from forms.errors import MendableError


class ScanSourceError(MendableError):
    """Scans that cannot be listed; problem and mend are sentences."""

    def __str__(self) -> str:
        return f"{self.problem} {self.mend}"
