"""``formdigits review`` as a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The page's address while it runs with these arguments, on any free port."""
    command = [sys.executable, "-m", "flows.cli", "review", *arguments, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said + process.stderr.read()
        try:
            yield found.group()
        finally:
            process.terminate()
        assert process.wait(20) == 0
