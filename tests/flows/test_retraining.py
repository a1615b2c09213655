"""From answers in the ledger to a version that is in use, or refused; whatever goes wrong, nothing changes."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.batches.batch_lock import batch_lock
from flows.cli import cli
from flows.errors import ExitCode, JobError
from flows.learning import retraining
from flows.learning.chosen_models import MODELS_VARIABLE, chosen_models, store_folder
from flows.learning.retraining import describe_retraining, retrain
from mnist_model.model_store import ModelStore
from tests.flows.taught import job, learning, picture, teach
from tests.mnist_model.test_model_store import add

VALUES = [f"{n * 37 % 100:02d}" for n in range(80)]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    teach(f"sqlite:///{folder}/l.sqlite", VALUES)
    return folder / "l.sqlite"


@pytest.fixture
def folder(taught: Path, tmp_path: Path) -> Path:
    """With a ledger of 80 answers."""
    (tmp_path / "l.sqlite").write_bytes(taught.read_bytes())
    return tmp_path


@pytest.fixture
def learns(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a stand-in in the place of learning."""

    def put(**said: int) -> None:
        monkeypatch.setattr(retraining, "learn", learning(**said))

    return put


def state(folder: Path) -> tuple[list[int], int, list[str]]:
    """The versions, the one in use, and what else lies in the store."""
    store = ModelStore(folder / "models")
    odd = [path.name for path in store.folder.glob(".making-*")] if store.folder.exists() else []
    return [version.number for version in store.versions()], store.current_number(), odd


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_what_passes_the_gate_reads_from_the_next_run_on(folder: Path, learns: Callable[..., None]) -> None:
    learns(gained=8)
    steps: list[str] = []
    done = retrain(job(folder), lambda step: steps.append(step.stage))
    assert (done.kept_back, state(folder)) == ((), ([0, 1], 1, []))
    assert steps == ["training", "judging"]
    store = store_folder(None, job(folder).ledger)
    assert chosen_models(None, None, store) == (str(store / "1" / "cnn"), str(store / "1" / "strings"))
    assert chosen_models("cnn", None, store) == ("cnn", "strings")
    assert chosen_models(None, "none", store) == ("cnn", None)
    lines = "\n".join(describe_retraining(done))
    assert "Version  1 is in use from the next run on" in lines
    assert "all: 60.0% before, 100.0% after, of 20" in lines
    assert done.report.is_file()


def test_without_new_answers_nothing_is_trained(folder: Path, learns: Callable[..., None]) -> None:
    learns()
    assert retrain(job(folder)).new_answers == 80
    again = retrain(job(folder))
    assert (again.version, again.new_answers) == (None, 0)
    assert "0 new answers" in "\n".join(describe_retraining(again))
    teach(f"sqlite:///{folder}/l.sqlite", ["12", "34"])
    assert retrain(job(folder, least_new=3)).version is None
    assert retrain(job(folder, least_new=2)).version.card.parent == 1


def test_what_the_gate_refuses_is_kept_and_not_used(folder: Path, learns: Callable[..., None]) -> None:
    learns(gained=0, lost=6)
    done = retrain(job(folder))
    assert "fewer than before" in done.kept_back[0]
    assert state(folder) == ([0, 1], 0, [])
    models = ("--models", folder / "models")
    listed = run("models", "list", *models).stdout
    assert listed.index("refused: of 20 held-out") < listed.index("* 0  cnn")
    refused = run("models", "promote", "1", *models)
    assert (refused.exit_code, "--although-refused" in refused.stderr) == (ExitCode.USAGE, True)
    assert run("models", "promote", "1", *models, "--although-refused", "--by", "bob").exit_code == 0
    assert "by bob" in run("models", "list", *models).stdout
    assert run("models", "rollback", *models).stdout.startswith("Version 0 is in use")
    assert '"in_use": 0' in run("models", "list", *models, "--json").stdout


def test_the_command_says_how_far_it_is_and_what_came_of_it(folder: Path, learns: Callable[..., None]) -> None:
    learns()
    options = ("--ledger", job(folder).ledger, "--form", "digits", "--no-flow")
    done = run("retrain", *options)
    assert done.exit_code == ExitCode.OK
    assert "  1 of 2  String reader: round 1 of 2, loss 0.8" in done.stderr
    assert str(folder / "models" / "1" / "report.html") in done.stdout
    assert run("retrain", *options).stdout.startswith("Nothing  0 new answers")
    wrong = run("retrain", *options, "--least-new", "0", "--form", "no-such-form")
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (ExitCode.USAGE, 1)


def _erase(folder: Path) -> None:
    with sqlite3.connect(folder / "l.sqlite") as connection:
        connection.execute("DELETE FROM crops")


def _damage(folder: Path) -> None:
    (_version_in_use(folder) / "strings" / "model.tflite").write_bytes(b"damaged")


def _of_another_software(folder: Path) -> None:
    card = _version_in_use(folder) / "cnn" / "card.json"
    card.write_text(re.sub('"format": [0-9]+', '"format": 99', card.read_text()))


def _version_in_use(folder: Path) -> Path:
    store = ModelStore(folder / "models")
    add(store)
    store.promote(1, "test", "")
    return store.folder / "1"


@pytest.mark.parametrize(
    ("values", "change", "changes", "said"),
    [
        ([], None, {}, "holds no corrections"),
        (VALUES[:10], None, {}, "10 of 10 corrections can be learned from"),
        (["44"] * 60, None, {}, "of the digit 4"),
        (None, _erase, {}, "the crops of all 80 answers are gone"),
        (None, _damage, {}, "version 1 is in use and cannot be read: .*is not the file that its card speaks of"),
        (None, _of_another_software, {}, "is of format 99, this version reads 1; go back with .* rollback"),
        (None, None, {"form": ("zip",)}, "None of the 80 answers is of the forms that were named"),
        (None, None, {"form": ("no-such-form",)}, "no-such-form"),
        (None, None, {"data": ("/nowhere/mnist.npz",)}, "mnist.npz"),
        (None, None, {"models": "/proc/models"}, "cannot be made"),
        (None, None, {"ledger": "sqlite:///no-such-folder/l.sqlite", "models": None}, "no-such-folder"),
    ],
)
def test_what_cannot_be_learned_from_is_said_and_changes_nothing(
    values: list[str] | None,
    change: Callable[[Path], None] | None,
    changes: dict[str, object],
    said: str,
    folder: Path,
) -> None:
    if values is not None:
        (folder / "l.sqlite").unlink()
        teach(f"sqlite:///{folder}/l.sqlite", values)
    if change is not None:
        change(folder)
    before = state(folder)
    with pytest.raises(JobError, match=said):
        retrain(job(folder, **changes))
    assert state(folder) == before
    assert not Path("no-such-folder").exists()


def test_a_damaged_version_in_use_is_said_by_all_who_need_it(folder: Path) -> None:
    _damage(folder)
    with pytest.raises(JobError, match="models rollback"):
        chosen_models(None, None, folder / "models")
    assert "* 1  damaged: " in run("models", "list", "--models", folder / "models").stdout
    (folder / "models" / "1" / "version.json").write_text("[")
    listed = run("models", "list", "--models", folder / "models")
    assert (listed.exit_code, "* 1  damaged: " in listed.stdout) == (0, True)
    assert run("models", "promote", "0", "--models", folder / "models").exit_code == 0


def test_crops_that_show_nothing_are_no_lessons(tmp_path: Path) -> None:
    teach(f"sqlite:///{tmp_path}/l.sqlite", VALUES[:60], png=picture("  "))
    with pytest.raises(JobError, match="the crops of 60 corrections are gone"):
        retrain(job(tmp_path))


def test_two_trainings_never_run_at_once(folder: Path, learns: Callable[..., None]) -> None:
    learns()
    (folder / "models").mkdir()
    with (
        batch_lock(folder / "models" / ".training.lock", lambda _: None, lambda: True),
        pytest.raises(JobError, match=f"Another training is under way .process {os.getpid()}"),
    ):
        retrain(job(folder))
    assert retrain(job(folder)).version is not None


def test_what_came_into_use_meanwhile_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ModelStore(folder / "models")
    add(store)

    def learn(*arguments: object) -> object:
        store.promote(1, "bob", "by hand")
        return learning()(*arguments)

    monkeypatch.setattr(retraining, "learn", learn)
    done = retrain(job(folder))
    assert "version 1 came into use meanwhile" in done.kept_back[0]
    assert state(folder) == ([0, 1, 2], 1, [])


KILLED = """
import os, signal, sys
from pathlib import Path
from flows.learning import retraining
from tests.flows.taught import job
def learn(lessons, current, out, settings, progress):
    (out / "cnn").mkdir()
    (out / "cnn" / "model.tflite").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
retraining.learn = learn
retraining.retrain(job(Path(sys.argv[1])))
"""


def test_killed_while_it_learns_it_leaves_what_was_in_use(folder: Path, learns: Callable[..., None]) -> None:
    root = Path(__file__).parents[2]
    died = subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=root, check=False)
    assert died.returncode == -signal.SIGKILL
    versions, current, left = state(folder)
    assert (versions, current, len(left)) == ([0], 0, 1)
    learns()
    assert retrain(job(folder)).kept_back == ()
    assert state(folder) == ([0, 1], 1, [])


def test_where_the_store_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    assert store_folder(None, f"sqlite:///{tmp_path}/l.sqlite") == tmp_path / "models"
    assert store_folder(None, "postgresql://host/db") is None
    assert chosen_models(None, None, None) == ("cnn", "strings")
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "of environment"))
    assert store_folder(None, "postgresql://host/db") == tmp_path / "of environment"
    assert store_folder(str(tmp_path / "named"), None) == tmp_path / "named"


def test_nobody_said_where_the_store_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    listed = run("models", "list")
    assert (listed.exit_code, "--models, or FORMDIGITS_MODELS" in listed.stderr) == (ExitCode.USAGE, True)
