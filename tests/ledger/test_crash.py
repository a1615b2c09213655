"""Kill the process for real, at each step of recording a chunk, and look at what is left."""

import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ledger.ledger import Ledger
from ledger.tables import crops, readings
from preprocessing.page import ProblemReason

# Dies right after the first statement that begins with the given words, or just before the commit.
DIE_AT = """
import os, pickle, signal, sys
from sqlalchemy import Engine, event
from ledger.ledger import Ledger

url, chunk, moment = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def after_statement(connection, cursor, statement, *_):
    if statement.lstrip().startswith(moment):
        die()

with open(chunk, "rb") as file:
    results = pickle.load(file)
if moment.startswith("CREATE"):
    event.listen(Engine, "after_cursor_execute", after_statement)
ledger = Ledger.open(url)
batch = ledger.open_batch("scans", "zip", "1")
event.listen(Engine, "after_cursor_execute", after_statement)
if moment == "COMMIT":
    event.listen(Engine, "commit", die)
ledger.record_chunk(batch, results)
die()
"""

RECORD_ON_AND_ON = """
import dataclasses, itertools, pickle, sys
from ledger.ledger import Ledger

url, chunk = sys.argv[1:]
with open(chunk, "rb") as file:
    results = pickle.load(file)
ledger = Ledger.open(url)
batch = ledger.open_batch("scans", "zip", "1")
print("recording", flush=True)
for number in itertools.count():
    chunk = [dataclasses.replace(each, scan=f"{number}/{each.scan}", sha256=f"{number}") for each in results]
    ledger.record_chunk(batch, [dataclasses.replace(each, page=page) for page, each in enumerate(chunk, 1)])
"""

STEPS = {
    "SELECT": 0,
    "DELETE FROM pages": 0,
    "INSERT INTO pages": 0,
    "INSERT INTO readings": 0,
    "INSERT INTO crops": 0,
    "COMMIT": 0,
    "after all": 20,
    "CREATE TABLE readings": 0,
}


def rows(url: str) -> tuple[int, int, int, dict[str, int]]:
    """Rows of pages that were read, readings, crops; and the problems."""
    with Ledger.open(url) as ledger:
        summary = ledger.summary(ledger.open_batch("scans", "zip", "1"))
        with ledger._database.read() as connection:
            fields = connection.execute(select(func.count()).select_from(readings)).scalar_one()
            pictures = connection.execute(select(func.count()).select_from(crops)).scalar_one()
    return summary.pages, fields, pictures, summary.problems


@pytest.mark.parametrize("moment", STEPS)
def test_a_chunk_is_recorded_whole_or_not_at_all(
    url: str, tmp_path: Path, read: Callable, problem: Callable, field: Callable, moment: str
) -> None:
    chunk = [read(f"{number}.png", 1, "", field("zip"), field("date")) for number in range(20)]
    (tmp_path / "chunk").write_bytes(pickle.dumps(chunk))
    before: dict[str, int] = {}
    if not moment.startswith("CREATE"):
        before = {"vanished": 1}
        with Ledger.open(url) as ledger:
            batch = ledger.open_batch("scans", "zip", "1")
            ledger.record_chunk(batch, [problem("7.png", ProblemReason.VANISHED)])
    command = [sys.executable, "-c", DIE_AT, url, str(tmp_path / "chunk"), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    kept = STEPS[moment]
    assert rows(url) == (kept, 2 * kept, 2 * kept, {} if kept else before)
    with Ledger.open(url) as ledger:
        ledger.record_chunk(ledger.open_batch("scans", "zip", "1"), chunk)
    assert rows(url) == (20, 40, 40, {})


def test_killed_at_any_time(url: str, tmp_path: Path, read: Callable, field: Callable) -> None:
    chunk = [read(f"{number}.png", 1, "", field("zip"), field("date")) for number in range(20)]
    (tmp_path / "chunk").write_bytes(pickle.dumps(chunk))
    moments = random.Random(7)
    for _ in range(3):
        command = [sys.executable, "-c", RECORD_ON_AND_ON, url, str(tmp_path / "chunk")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0.05, 0.4))
            process.kill()
        read_pages, fields, pictures, _ = rows(url)
        assert read_pages % 20 == 0
        assert fields == pictures == 2 * read_pages
    assert read_pages > 0
