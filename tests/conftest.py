from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    pgserver = pytest.importorskip("pgserver", reason="no PostgreSQL to test on: pip install pgserver")
    # Not pytest's folder: a socket's path may have some 100 characters only.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder)
        server.psql("ALTER SYSTEM SET fsync = off")  # its own files may be lost with the machine
        server.psql("SELECT pg_reload_conf()")
        yield server
        server.cleanup()
