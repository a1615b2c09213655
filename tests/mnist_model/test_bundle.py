import shutil
from pathlib import Path

import pytest

from mnist_model.bundle import (
    CARD_FILE,
    MODEL_FILES,
    SHIPPED,
    ModelError,
    check_place,
    find_bundle,
    read_bundle,
    verify_bundle,
    write_bundle,
)
from tests.mnist_model.cards import change_card, drop_from_card

SHIPPED_NAMES = sorted(card.parent.name for card in SHIPPED.glob(f"*/{CARD_FILE}"))
MODELS_PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
PICTURES = ("confusion_matrix.png", "training_history.png", "reliability_diagram.png", "classification_report.txt")


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(SHIPPED / "seed-ann", tmp_path / "mine")


def test_the_nets_are_shipped_and_small():
    assert SHIPPED_NAMES == ["cnn", "seed-ann"]
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*")) < 12_000_000
    assert sum((SHIPPED / name / "model.tflite").stat().st_size for name in ("cnn", "strings")) < 5_000_000


@pytest.mark.parametrize("name", ["seed-ann", "cnn"])
def test_a_shipped_bundle_is_whole_and_as_good_as_promised(name):
    bundle = read_bundle(SHIPPED / name)
    verify_bundle(bundle)
    assert all(bundle.file(file).stat().st_size for file in (*MODEL_FILES, *PICTURES))
    card = bundle.card
    assert card.name == name
    assert card.command.startswith(f"formdigits train --architecture {name}")
    assert f"`{card.command}`" in MODELS_PAGE
    assert card.data_source.startswith("MNIST")
    assert card.test_images == 10_000
    assert card.test_accuracy >= {"seed-ann": 0.9781, "cnn": 0.995}[name]
    assert card.test_accuracy_interval[0] < card.test_accuracy < card.test_accuracy_interval[1]
    assert card.agreement["keras_max_difference"] == card.agreement["h5_max_difference"] == 0
    assert card.agreement["tflite_max_difference"] < {"seed-ann": 1e-4, "cnn": 0.2}[name]
    assert card.agreement["tflite_changed_answers"] <= {"seed-ann": 0, "cnn": 5}[name]
    assert "/" not in card.data_source


def test_a_bundle_is_found_by_name_and_by_folder(copied):
    assert find_bundle("seed-ann") == SHIPPED / "seed-ann"
    assert find_bundle(str(copied)) == copied


@pytest.mark.parametrize("model", ["", "absent", "/nowhere/at/all", ".."])
def test_a_model_that_is_not_there(model):
    with pytest.raises(ModelError, match="seed-ann"):
        find_bundle(model)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "model.tflite").write_bytes(b"other"), "not the file that its card"),
        (lambda folder: (folder / "model.tflite").unlink(), "cannot be read"),
        (lambda folder: (folder / CARD_FILE).write_text("{"), "not a model card"),
        (lambda folder: (folder / CARD_FILE).write_text("[]"), "not a model card"),
        (lambda folder: change_card(folder, format=99), "format 99"),
        (lambda folder: drop_from_card(folder, "temperature"), "temperature"),
        (lambda folder: change_card(folder, colour="red"), "colour"),
    ],
)
def test_a_spoilt_bundle_is_refused(copied, spoil, said):
    spoil(copied)
    with pytest.raises(ModelError, match=said):
        read_bundle(copied)


def test_the_digest_speaks_of_what_reads(copied):
    digest = read_bundle(copied).digest
    change_card(copied, created="2001-01-01")
    assert read_bundle(copied).digest == digest
    change_card(copied, temperature=2.5)
    assert read_bundle(copied).digest != digest


def test_a_new_bundle_takes_the_place_of_the_old(copied, tmp_path):
    def fill(folder):
        shutil.copytree(SHIPPED / "seed-ann", folder, dirs_exist_ok=True)
        change_card(folder, title="new")

    assert write_bundle(copied, fill).card.title == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_failure_leaves_the_old_bundle(copied, tmp_path):
    def fill(folder):
        shutil.copy(SHIPPED / "seed-ann" / CARD_FILE, folder)

    with pytest.raises(ModelError, match=r"model\.tflite"):
        write_bundle(copied, fill)
    assert read_bundle(copied).card.name == "seed-ann"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_nothing_but_a_bundle_is_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    check_place(tmp_path / "thesis")
    (tmp_path / "thesis" / "chapter1.txt").write_text("dear")
    for place in (tmp_path / "thesis", tmp_path / "thesis" / "chapter1.txt"):
        with pytest.raises(ModelError, match="something other"):
            check_place(place)
    with pytest.raises(ModelError, match="cannot be written"):
        check_place(tmp_path / "thesis" / "chapter1.txt" / "below")
