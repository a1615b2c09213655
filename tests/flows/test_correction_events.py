"""Prefect is told of every so many answers; what fails there keeps nobody from answering."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.errors import JobError
from flows.learning import correction_events
from flows.learning.correction_events import AFTER_VARIABLE, CorrectionWatch, announced_corrections
from ledger.ledger import Ledger
from mnist_model.model_store import ModelStore
from tests.flows.taught import teach
from tests.mnist_model.test_model_store import fill


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/l.sqlite"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as ledger:
        yield ledger


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What Prefect was told."""
    counts: list[int] = []
    monkeypatch.setattr(correction_events, "_emit", lambda _, count: counts.append(count))
    return counts


def test_each_time_that_there_are_enough_more(ledger: Ledger, url: str, told: list[int]) -> None:
    teach(url, ["1"] * 3)
    watch = CorrectionWatch(ledger.lessons(), None, 4)
    for more in (0, 1, 2, 9):
        teach(url, ["2"] * more)
        watch.look()
    assert told == [4, 15]


def test_what_a_training_knew_counts_no_more(ledger: Ledger, url: str, tmp_path: Path, told: list[int]) -> None:
    teach(url, ["1"] * 3)
    store = ModelStore(tmp_path / "models")
    known = ledger.lessons()
    with store.workshop() as folder:
        store.add(folder, replace(fill(folder), ledger=known.ledger, learned_to=known.newest()))
    watch = CorrectionWatch(ledger.lessons(), store, 4)
    teach(url, ["2"] * 3)
    assert not watch.look()
    teach(url, ["2"])
    assert watch.look()
    assert told == [4]


def test_at_the_end_it_is_told_at_the_latest(
    ledger: Ledger, url: str, told: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv(AFTER_VARIABLE, "2")
    with announced_corrections(ledger, url):
        teach(url, ["1"] * 2)
    assert told == [2]


@pytest.mark.parametrize("said", ["0", "many", "-3"])
def test_a_number_that_is_none_is_said(said: str, ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv(AFTER_VARIABLE, said)
    with pytest.raises(JobError, match=AFTER_VARIABLE), announced_corrections(ledger, url):
        pass


def test_a_prefect_that_is_gone_keeps_nobody_from_answering(url: str) -> None:
    program = (
        "from flows.learning.correction_events import announced_corrections\n"
        "from ledger.ledger import Ledger\n"
        "from tests.flows.taught import teach\n"
        f"with Ledger.open({url!r}) as ledger, announced_corrections(ledger, {url!r}):\n"
        f"    teach({url!r}, ['1'])\n"
    )
    # A process of its own: Prefect, once it is loaded, goes by the settings of then.
    environment = os.environ | {"PREFECT_API_URL": "http://127.0.0.1:1/api", AFTER_VARIABLE: "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, check=True
    )
    assert "could not be told of 1 new answers" in done.stderr


def test_a_damaged_store_keeps_nobody_from_answering(
    ledger: Ledger, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    # Prefect, once it is loaded, keeps what the loggers above this one hand on.
    monkeypatch.setattr(logging.getLogger("flows.learning"), "handlers", [caplog.handler])
    (tmp_path / "models" / "1").mkdir(parents=True)
    with announced_corrections(ledger, url):
        teach(url, ["1"])
    assert "New answers are not counted" in caplog.text


def test_without_an_api_prefect_is_not_even_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; from ledger.ledger import Ledger\n"
        "from flows.learning.correction_events import announced_corrections\n"
        f"url = 'sqlite:///{tmp_path}/l.sqlite'\n"
        "with Ledger.open(url) as ledger, announced_corrections(ledger, url): pass\n"
        "assert 'prefect' not in sys.modules and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)
