"""Versions come into use and go out of it; whatever dies when, the store holds the old state or the new one."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_model.bundle import SHIPPED, ModelError
from mnist_model.model_store import ModelStore, remove_leftovers
from mnist_model.versions import SHIPPED_VERSION, Version, VersionCard

CARD = VersionCard(
    created="2026-11-23T04:00:00+00:00",
    parent=0,
    trained_on={"corrections": "ab" * 32},
    ledger="sqlite:///l.sqlite",
    learned_to=17,
    figures={"right_after": 0.9},
)


def fill(folder: Path) -> VersionCard:
    for name in ("cnn", "strings"):
        (folder / name).mkdir()
        for file in ("card.json", "strings.json", "model.tflite", "trust.json"):
            if (SHIPPED / name / file).is_file():
                shutil.copy(SHIPPED / name / file, folder / name)
    return CARD


def add(store: ModelStore) -> Version:
    with store.workshop() as folder:
        return store.add(folder, fill(folder))


def add_nothing(store: ModelStore) -> None:
    with store.workshop() as folder:
        store.add(folder, CARD)


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def filled(store) -> ModelStore:
    """With versions 1 and 2, and 2 in use after 1."""
    for number in (1, 2):
        assert add(store).number == number
        store.promote(number, "ann", "better")
    return store


def test_without_a_folder_the_shipped_models_are_in_use(store):
    version = store.current()
    assert (version.number, version.digit_model, version.string_model) == (SHIPPED_VERSION, "cnn", "strings")
    assert [one.number for one in store.versions()] == [0]
    assert not store.folder.exists()


def test_a_version_is_added_and_is_not_in_use_until_it_is_promoted(store):
    added = add(store)
    assert (added.number, added.card) == (1, CARD)
    assert store.current().number == 0
    promoted = store.promote(1, "ann", "better")
    assert store.current() == added
    assert Path(added.string_model).is_relative_to(store.folder)
    assert (promoted.by, promoted.why, promoted.is_rollback) == ("ann", "better", False)
    assert store.promotions() == [promoted]


def test_rollbacks_go_back_step_by_step(filled):
    assert [filled.rollback("bob", "worse").version for _ in range(2)] == [1, 0]
    with pytest.raises(ModelError, match="no version to go back to"):
        filled.rollback("bob", "worse")
    filled.promote(2, "ann", "after all")
    assert filled.rollback("bob", "no").version == 0


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda store: store.promote(2, "ann", ""), "in use already"),
        (lambda store: store.promote(7, "ann", ""), "no version 7; name one of 0, 1, 2"),
        (add_nothing, "there is no model"),
    ],
)
def test_what_cannot_be_done_changes_nothing(filled, act, said):
    before = sorted(path.name for path in filled.folder.iterdir())
    with pytest.raises(ModelError, match=said):
        act(filled)
    assert filled.current_number() == 2
    assert sorted(path.name for path in filled.folder.iterdir()) == before


def spoil(file: str, **changes: object) -> None:
    path = Path(file)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "strings" / "model.tflite").write_bytes(b""), "not the file that its card speaks of"),
        (lambda folder: shutil.rmtree(folder / "cnn"), "there is no model"),
        (lambda folder: spoil(folder / "cnn" / "card.json", format=9), "of format 9, this version reads 1"),
        (lambda folder: spoil(folder / "version.json", format=9), "of format 9, this version reads 1"),
        (lambda folder: spoil(folder / "version.json", odd=1), "should not have: odd"),
        (lambda folder: (folder / "version.json").write_text("["), "cannot be read"),
    ],
)
def test_a_damaged_version_is_neither_read_nor_promoted_nor_gone_back_to(filled, damage, said):
    damage(filled.folder / "1")
    for act in (filled.version, lambda number: filled.promote(number, "ann", "")):
        with pytest.raises(ModelError, match=said):
            act(1)
    with pytest.raises(ModelError, match=said):
        filled.rollback("bob", "")
    assert filled.current_number() == 2


def test_a_damaged_version_keeps_no_other_from_being_made_and_used(filled):
    (filled.folder / "1" / "version.json").write_text("[")
    filled.promote(add(filled).number, "ann", "new")
    assert (filled.current().number, filled.numbers()) == (3, [0, 1, 2, 3])


def test_a_damaged_record_of_promotions_is_said(filled):
    (filled.folder / "promotions.json").write_text("{}")
    with pytest.raises(ModelError, match=r"promotions\.json cannot be read"):
        filled.current()


def test_a_store_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelError, match="cannot be written"):
        add(ModelStore(tmp_path / "models"))


KILL = """
import json, os, signal, sys
from pathlib import Path
from mnist_model import model_store
from tests.mnist_model.test_model_store import add

def dying(act):
    def wrapped(*arguments, **options):
        global left
        left -= 1
        if left == 0: os.kill(os.getpid(), signal.SIGKILL)
        return act(*arguments, **options)
    return wrapped

for owner, name in ((Path, "rename"), (Path, "replace"), (Path, "write_text"), (model_store, "_sync")):
    setattr(owner, name, dying(getattr(owner, name)))
os.fsync = lambda handle: None  # no power fails here, and it is what costs time
store = model_store.ModelStore(Path(sys.argv[1]))
died, at = True, 0
while died:
    left, at = -1, at + 1
    versions, current = store.versions()[-1].number, store.current_number()
    child = os.fork()
    if child == 0:
        left = at
        store.promote(add(store).number, "ann", "new")
        os._exit(0)
    died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = -1
    print(json.dumps([store.versions()[-1].number - versions, store.current().number - current]))
"""


def test_killed_at_any_step_it_holds_the_old_state_or_the_new_one(filled):
    program = [sys.executable, "-c", KILL, str(filled.folder)]
    done = subprocess.run(program, cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True)
    states = [tuple(json.loads(line)) for line in done.stdout.splitlines()]
    assert len(states) >= 15
    assert {added for added, _ in states} == {0, 1}
    assert all(moved == 0 or added == 1 for added, moved in states)
    assert (0, 0) in states
    assert (1, 0) in states
    remove_leftovers(filled)
    assert not [*filled.folder.glob(".making-*")]
