from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flows.batches.batch_lock import batch_lock, lock_path

HOLD = """
import sys, time
from pathlib import Path
from flows.batches.batch_lock import batch_lock
with batch_lock(Path(sys.argv[1]), print, lambda: False):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////data/out/formdigits.sqlite", "/data/out/.formdigits.sqlite-batch-3.lock"),
        ("sqlite:///out/l.db", "out/.l.db-batch-3.lock"),
    ],
)
def test_the_lock_lies_hidden_beside_the_ledger(url: str, name: str) -> None:
    assert lock_path(url, 3) == Path(name)


def test_the_lock_of_a_server_is_told_apart_by_address_and_batch() -> None:
    paths = {lock_path(url, batch) for url in ("postgresql://a/x", "postgresql://b/x") for batch in (1, 2)}
    assert len(paths) == 4
    assert not any("postgresql" in str(path) for path in paths)


def test_the_second_waits_and_is_told_once_who_holds_it(tmp_path: Path) -> None:
    told: list[str] = []
    order: list[str] = []

    def second() -> None:
        with batch_lock(tmp_path / "lock", told.append, lambda: False) as got:
            order.append(f"second {got}")

    with batch_lock(tmp_path / "lock", told.append, lambda: False) as got:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.7)
        order.append(f"first {got}")
    thread.join(5)
    assert order == ["first True", "second True"]
    assert len(told) == 1
    assert "process" in told[0]


def test_who_waits_may_give_up(tmp_path: Path) -> None:
    with (
        batch_lock(tmp_path / "lock", print, lambda: False),
        batch_lock(tmp_path / "lock", lambda _: None, lambda: True) as got,
    ):
        assert not got


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "lock"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    with batch_lock(tmp_path / "lock", print, lambda: True) as got:
        assert got
