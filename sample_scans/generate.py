"""Makes the sample scans: ``python -m sample_scans.generate [FORM ...] [--out FOLDER]``.

The same seed gives the same bytes (with the same versions of Pillow and NumPy). Digits are drawn with MNIST's
test half, found through ``FORMDIGITS_DATA`` (a folder with mnist/mnist.npz) or in Keras' cache.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from sample_scans import scanner
from sample_scans.fillings import AROUND, fill
from sample_scans.layout import Layout, read_layout
from sample_scans.pen import Hand, MnistHand, load_glyphs
from sample_scans.plans import SETS, Shot
from sample_scans.postage import frank
from sample_scans.prints import print_form
from sample_scans.writing import INKS, Writing

HERE = Path(__file__).parent
SEED = 20260131
BLANK_DPI = 200
PHOTO_WIDTH_PX = 1350
JPEG_QUALITY = 72
PDF_QUALITY = 60
BLANK_QUALITY = 90
EXIF_STORED_TURN = {1: 0, 6: 90}  # how far a picture with this tag is stored turned, anticlockwise

HandMaker = Callable[[np.random.Generator], Hand]


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One row of truth.csv. ``value`` is empty unless ``state`` is written; a page to be refused has no field."""

    scan: str
    page: int
    field: str
    value: str
    state: str
    note: str


@cache
def layout_of(form: str) -> Layout:
    """The layout of one of the shipped forms."""
    return read_layout(HERE / form / "form.toml")


@cache
def _blank(form: str, dpi: int) -> np.ndarray:
    return print_form(layout_of(form), dpi)


def fill_page(
    form: str, shot: Shot, hand: Hand, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, tuple[str, str]]]:
    """A filled form as (H, W, 3) uint8 at the shot's dpi, and each field's value and state."""
    paper, layout = _blank(form, shot.dpi), layout_of(form)
    if form == "envelope":
        paper = frank(paper, shot.dpi, rng)
    values = fill(form, shot, rng)
    writing = Writing(paper.shape[:2], shot.dpi, hand, rng)
    for slot in layout.slots:
        written = writing.write(slot, values[slot.name])
        if slot.name in shot.struck:
            writing.strike(written)
        if slot.name in shot.dashed:
            writing.dash(slot.rect)
    AROUND[form](writing, rng)
    truth = {slot.name: _state(values[slot.name], slot.name in shot.struck) for slot in layout.slots}
    return writing.inked(paper, INKS[shot.ink]), truth


def _state(value: str, is_struck: bool) -> tuple[str, str]:
    if is_struck:
        return "", "struck_out"
    return (value, "written") if value else ("", "empty")


def take(form: str, shot: Shot, page: int, make_hand: HandMaker, seed: int) -> tuple[np.ndarray, list[TruthRow]]:
    """One page of a set: the picture, (h, w, 3) or (h, w) uint8, (h, w) bool for a TIFF; and its truth."""
    rng = np.random.default_rng([seed, list(SETS).index(form), *shot.scan.encode(), page])
    if shot.form == "nothing":
        sheet = np.full_like(_blank(form, shot.dpi), 255)
        rows = [TruthRow(shot.scan, page, "", "", "blank_page", shot.note)]
    elif shot.form:
        sheet, _ = fill_page(shot.form, shot, make_hand(rng), rng)
        rows = [TruthRow(shot.scan, page, "", "", "wrong_form", shot.note)]
    else:
        sheet, truth = fill_page(form, shot, make_hand(rng), rng)
        rows = [TruthRow(shot.scan, page, name, *entry, shot.note) for name, entry in truth.items()]
    return _scanned(form, shot, sheet, rng), rows


def _scanned(form: str, shot: Shot, sheet: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if form == "notes":
        picture = scanner.photograph(sheet, PHOTO_WIDTH_PX, rng)
    else:
        picture = scanner.scan_flat(sheet, shot.dpi, scanner.LOOKS[shot.look], rng)
    picture = scanner.turned(picture, shot.turn + EXIF_STORED_TURN[shot.orientation])
    if shot.scan.endswith(".tif"):
        return scanner.bilevel(picture, rng)
    return np.asarray(Image.fromarray(picture).convert("L")) if shot.grey else picture


def _save(pictures: list[np.ndarray], shot: Shot, file: Path) -> None:
    match file.suffix:
        case ".tif":
            scanner.save_tiff(pictures, file, shot.dpi)
        case ".pdf":
            scanner.save_pdf(pictures, file, shot.dpi, PDF_QUALITY)
        case ".png":
            scanner.save_png(pictures[0], file, shot.dpi)
        case _:
            scanner.save_jpeg(pictures[0], file, shot.dpi, JPEG_QUALITY, shot.orientation)


def _save_blank(layout: Layout, file: Path) -> None:
    blank = print_form(layout, BLANK_DPI)
    if file.suffix == ".pdf":
        scanner.save_pdf([np.asarray(Image.fromarray(blank).convert("L"))], file, BLANK_DPI, BLANK_QUALITY)
    else:
        colours = Image.fromarray(blank).quantize(64, dither=Image.Dither.NONE)
        colours.save(file, "PNG", dpi=(BLANK_DPI, BLANK_DPI), optimize=True)


def make_set(form: str, out: Path, make_hand: HandMaker, seed: int = SEED) -> None:
    """Write one set's blank, scans and truth.csv below ``out``; scans that lie there from before are replaced."""
    scans = out / "scans"
    scans.mkdir(parents=True, exist_ok=True)
    for old in scans.iterdir():
        old.unlink()
    _save_blank(layout_of(form), out / layout_of(form).blank)
    rows: list[TruthRow] = []
    for scan, pages in _files(form):
        taken = [take(form, shot, page, make_hand, seed) for page, shot in enumerate(pages, start=1)]
        _save([picture for picture, _ in taken], pages[0], scans / scan)
        rows += [row for _, page_rows in taken for row in page_rows]
    write_truth(rows, out / "truth.csv")


def _files(form: str) -> Iterator[tuple[str, list[Shot]]]:
    for scan, shots in itertools.groupby(SETS[form], key=lambda shot: shot.scan):
        yield scan, list(shots)


def write_truth(rows: list[TruthRow], file: Path) -> None:
    """Write truth.csv."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(TruthRow.__slots__)
        writer.writerows(astuple(row) for row in rows)


def mnist_file() -> Path | None:
    """Where MNIST lies on this machine: below ``FORMDIGITS_DATA``, or in Keras' cache."""
    places = [Path.home() / ".keras" / "datasets" / "mnist.npz"]
    if data := os.environ.get("FORMDIGITS_DATA"):
        places.insert(0, Path(data) / "mnist" / "mnist.npz")
    return next((place for place in places if place.is_file()), None)


def main(arguments: list[str] | None = None) -> int:
    """Make the sets that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m sample_scans.generate", description="Makes the sample scans.")
    parser.add_argument("forms", nargs="*", metavar="FORM", help=f"of {', '.join(SETS)}; all if none is named")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to, one folder a form")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    if unknown := set(options.forms) - set(SETS):
        parser.error(f"no such form: {', '.join(sorted(unknown))}")
    mnist = mnist_file()
    if mnist is None:
        parser.error(
            "MNIST is not here: set FORMDIGITS_DATA to a folder with mnist/mnist.npz, or load it once with Keras"
        )
    glyphs = load_glyphs(mnist)
    for form in options.forms or SETS:
        make_set(form, options.out / form, lambda rng: MnistHand(glyphs, rng), options.seed)
        print(f"{form}: {len({shot.scan for shot in SETS[form]})} scans in {options.out / form}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
