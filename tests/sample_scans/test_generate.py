import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sample_scans import generate
from sample_scans.pen import MnistHand, StrokeHand, load_glyphs
from sample_scans.plans import SETS, Shot

SMALL = {
    "envelope": (
        Shot("a.jpg", dpi=100, look="cheque", struck=("zip",)),
        Shot("b.png", dpi=100, look="clipped", grey=True, turn=180),
        Shot("c.tif", dpi=100),
        Shot("c.tif", dpi=100, form="nothing"),
        Shot("d.pdf", dpi=100, grey=True, turn=90, empty=("zip",)),
        Shot("e.jpg", dpi=100, form="cheque", note="a cheque"),
    )
}


@pytest.fixture
def small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "SETS", SMALL)
    generate._blank.cache_clear()


def made(folder: Path, seed: int = 1) -> dict[str, bytes]:
    generate.make_set("envelope", folder, StrokeHand, seed)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.usefixtures("small_sets")
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    once, again, other = made(tmp_path / "1"), made(tmp_path / "2"), made(tmp_path / "3", seed=2)
    assert set(once) == {"blank.png", "truth.csv", *(f"scans/{shot.scan}" for shot in SMALL["envelope"])}
    assert once == again
    assert {name for name in once if once[name] == other[name]} == {"blank.png"}


@pytest.mark.usefixtures("small_sets")
def test_truth_says_what_became_of_each_page(tmp_path: Path) -> None:
    made(tmp_path)
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as stream:
        rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    assert [(scan, page, field, state) for scan, page, field, _, state, _ in rows] == [
        ("a.jpg", "1", "zip", "struck_out"),
        ("b.png", "1", "zip", "written"),
        ("c.tif", "1", "zip", "written"),
        ("c.tif", "2", "", "blank_page"),
        ("d.pdf", "1", "zip", "empty"),
        ("e.jpg", "1", "", "wrong_form"),
    ]
    assert [len(row[3]) for row in rows] == [0, 5, 5, 0, 0, 0]


@pytest.mark.usefixtures("small_sets")
def test_files_are_what_their_names_say(tmp_path: Path) -> None:
    made(tmp_path)
    shapes = {}
    for name in ("a.jpg", "b.png", "c.tif"):
        with Image.open(tmp_path / "scans" / name) as image:
            shapes[name] = (image.format, getattr(image, "n_frames", 1), round(float(image.info["dpi"][0])))
    assert shapes == {"a.jpg": ("JPEG", 1, 100), "b.png": ("PNG", 1, 100), "c.tif": ("TIFF", 2, 100)}
    assert (tmp_path / "scans" / "d.pdf").read_bytes().startswith(b"%PDF")


def test_a_turned_page_is_the_same_page_turned() -> None:
    upright, turned = (
        generate.take("envelope", Shot("a.jpg", dpi=100, turn=turn), 1, StrokeHand, 3)[0] for turn in (0, 180)
    )
    assert (upright[::-1, ::-1] == turned).all()


def test_a_picture_stored_sideways_is_upright_by_its_tag(tmp_path: Path) -> None:
    shot = Shot("a.jpg", dpi=100, orientation=6)
    picture, _ = generate.take("notes", shot, 1, StrokeHand, 3)
    upright, _ = generate.take("notes", Shot("a.jpg", dpi=100), 1, StrokeHand, 3)
    generate._save([picture], shot, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[0x0112] == 6
        shown = np.asarray(image.transpose(Image.Transpose.ROTATE_270), dtype=int)  # what tag 6 asks for
    assert np.abs(shown - upright).mean() < 8


def test_the_total_leaves_out_what_was_struck_out() -> None:
    shot = Shot("a.png", dpi=60, struck=("shelf_a_1",), empty=("shelf_b_2",))
    rng = np.random.default_rng(5)
    _, truth = generate.fill_page("stock", shot, StrokeHand(rng), rng)
    counts = [value for name, (value, _) in truth.items() if name.startswith("shelf")]
    assert truth["total"][0] == str(sum(int(value or 0) for value in counts))
    assert truth["shelf_a_1"] == ("", "struck_out")
    assert truth["shelf_b_2"] == ("", "empty")


def test_without_mnist_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "mnist_file", lambda: None)
    with pytest.raises(SystemExit) as stop:
        generate.main(["--out", str(tmp_path)])
    assert stop.value.code == 2
    assert "FORMDIGITS_DATA" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(generate.mnist_file() is None, reason="MNIST is not here: set FORMDIGITS_DATA to its folder")
def test_the_shipped_scans_are_what_the_generator_makes(tmp_path: Path) -> None:
    glyphs = load_glyphs(generate.mnist_file())
    shot = SETS["envelope"][0]
    picture, _ = generate.take("envelope", shot, 1, lambda rng: MnistHand(glyphs, rng), generate.SEED)
    generate._save([picture], shot, tmp_path / shot.scan)
    shipped = generate.HERE / "envelope" / "scans" / shot.scan
    assert (tmp_path / shot.scan).read_bytes() == shipped.read_bytes()
