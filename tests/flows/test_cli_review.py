from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from flows.cli import cli
from flows.errors import ExitCode
from flows.reviewing.csv_follower import CsvFollower
from ledger.ledger import Ledger
from ledger.review.types import Answer, Scope, Seat, Verdict
from ledger.review.users import Role
from review.passwords import is_password
from tests.review.api_reviewer import ApiReviewer
from tests.review.recorded import Doubt, record
from tests.review.serving import served


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with a ledger in it."""
    Ledger.open(f"sqlite:///{tmp_path}/formdigits.sqlite").close()
    return tmp_path


def run(*arguments: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)], input=typed)


def test_users_are_added_listed_changed_and_removed(out: Path) -> None:
    assert run("users", "add", "Anna", "--role", "admin", "--out", out, typed="right horse\n").exit_code == 0
    assert run("users", "add", "Ben", "--no-password", "--out", out).exit_code == 0
    assert run("users", "list", "--out", out).output.splitlines() == [
        "Anna  admin",
        "Ben   reviewer     by proxy only",
    ]
    assert run("users", "role", "ben", "adjudicator", "--out", out).exit_code == 0
    assert run("users", "password", "Ben", "--out", out, typed="another horse\n").exit_code == 0
    assert run("users", "remove", "Anna", "--out", out).exit_code == 0
    with Ledger.open(f"sqlite:///{out}/formdigits.sqlite") as ledger:
        anna, ben = ledger.users().all()
    assert anna.disabled
    assert is_password("right horse", anna.password_hash)
    assert (ben.role, ben.disabled) == (Role.ADJUDICATOR, False)
    assert is_password("another horse", ben.password_hash)


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["users", "add", "Anna", "--out", "{out}"], "10 or more"),
        (["users", "remove", "Nobody", "--out", "{out}"], "list of users"),
        (["users", "list"], "--ledger"),
        (["users", "list", "--out", "{out}/nowhere"], "Digitize"),
        (["review"], "--ledger"),
        (["review", "--out", "{out}", "--host", "0.0.0.0", "--port", "0"], "users add"),
        (["review", "--out", "{out}", "--login", "--port", "0"], "users add"),
        (["review", "--out", "{out}", "--form", "{out}/nowhere", "--port", "0"], "form"),
        (["review", "--out", "{out}", "--host", "192.0.2.1", "--user-header", "X", "--port", "0"], "users add"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_mend(out: Path, arguments: list[str], mend: str) -> None:
    done = run(*(each.format(out=out) for each in arguments), typed="short\n")
    assert done.exit_code == ExitCode.USAGE
    assert mend in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_the_csvs_of_the_folder_follow_the_answers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/formdigits.sqlite"
    batch = record(url, [Doubt("41"), Doubt("52")])
    with Ledger.open(url) as ledger:
        review, seat = ledger.review(), Seat("Anna", "here")
        one, two = review.next_items(seat, Scope(batch=batch), 2)
        with CsvFollower(ledger, tmp_path, pause_s=0.01) as follower:
            review.save(seat, Answer(one.place, "key-1", Verdict.VALUE, "49"))
            follower.answered()
            wait_for(lambda: "49" in written(tmp_path))
            review.save(seat, Answer(two.place, "key-2", Verdict.VALUE, "58"))
            follower.answered()
    assert "58" in written(tmp_path)  # at the end at the latest


def test_the_command_lets_the_csvs_follow(tmp_path: Path) -> None:
    batch = record(f"sqlite:///{tmp_path}/formdigits.sqlite", [Doubt("41")])
    with served("--out", str(tmp_path)) as address, httpx.Client(base_url=address, trust_env=False) as browser:
        anna = ApiReviewer(browser, "Anna", batch)
        (item,) = anna.next()
        assert anna.answer(item, "49").status_code == 200
        wait_for(lambda: "49" in written(tmp_path))


def written(folder: Path) -> str:
    file = folder / "records.csv"
    return file.read_text() if file.exists() else ""


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)
