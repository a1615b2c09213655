"""Makes the calibration that ships: ``python -m sample_scans.trust [--model cnn] [--string-model strings]``.

Reads fields that it composes itself with digits of MNIST's test half, which no network was trained on: comb and
free-hand fields on whole pages that are printed, filled in, scanned and registered, and free-hand strips that are cut
out already. The pages are written more legibly than most, the strips are harder to read than real ones. On a third
of the fields the calibration is fitted, on the others it is measured. Writes ``trust.json``, and a picture of it, into
the bundle of the last reader. To be run again whenever one of the two bundles changed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from forms.form_file import load_forms
from forms.template import FieldKind, FormTemplate
from mnist_model.bundle import find_bundle
from mnist_model.classifier import Classifier, load_classifier
from mnist_model.strings.bundle import find_string_bundle
from mnist_model.strings.composer import Composer, Strip
from mnist_model.strings.reader import StringReader, load_string_reader
from preprocessing.page import Page, PageProblem
from reading.checked import CheckedField, checked, fit_calibration, group_of
from reading.field_pictures import TRUST_PICTURE, plot_trust
from reading.pipeline import finish_pages, prepare_page
from reading.policy import Policy
from reading.trust import TRUST_FILE, Trust, write_trust
from sample_scans.generate import mnist_file
from sample_scans.layout import Layout, Slot, read_layout
from sample_scans.paper import BLACK, GREY, Colour, Paper, comb
from sample_scans.pen import Glyphs, MnistHand, load_glyphs
from sample_scans.scanner import LOOKS, scan_flat
from sample_scans.writing import INKS, Writing

SEED = 20261123
DPI = 200
SHEETS = 100
STRIPS = 3000
FITTED = 3  # on every third field the calibration is fitted
SOURCE = "composed fields"
PAGE_MM = (210.0, 297.0)
MARGIN_MM = 26.0
MARKS = ((15.0, 15.0), (195.0, 15.0), (15.0, 282.0), (195.0, 282.0), (29.0, 15.0))
MARK_MM = 5.0
LABELS = ("Account", "Meter", "Ward", "Shelf", "Amount", "Weight", "Order", "Pulse", "Date", "Lot")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Print:
    """How one kind of sheet is printed: the size of a digit's box, and its lines."""

    name: str
    box_mm: tuple[float, float]
    colour: Colour
    line_mm: float


PRINTS = (
    Print("small", (4.5, 6.0), BLACK, 0.2),
    Print("usual", (5.0, 7.0), GREY, 0.25),
    Print("drop-out", (6.0, 8.0), (170, 90, 80), 0.3),
    Print("large", (7.0, 9.0), BLACK, 0.4),
)


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A page, and the true value of each of its fields by name."""

    page: Page
    truth: dict[str, str]


def main(arguments: list[str] | None = None) -> int:
    """Make the calibration and say what it promises."""
    options = _options(arguments)
    mnist = mnist_file()
    if mnist is None:
        print("sample_scans.trust: MNIST is not here; set FORMDIGITS_DATA to a folder with mnist/mnist.npz")
        return 2
    classifier = load_classifier(options.model)
    strings = None if options.string_model == "none" else load_string_reader(options.string_model)
    folder = find_bundle(options.model) if strings is None else find_string_bundle(options.string_model)
    fields = [
        *checked_sheets(mnist, options.sheets, classifier, strings),
        *checked_strips(mnist, options.strips, classifier, strings),
    ]
    readers = classifier.name if strings is None else f"{classifier.name} + {strings.name}"
    trust = made(fields, readers, folder / TRUST_FILE)
    plot_trust(trust, folder / TRUST_PICTURE)
    print(f"{trust.name}, for {readers}: {folder / TRUST_FILE}")
    for kind in FieldKind:
        for rate in (0.05, 0.02, 0.01, 0.005, 0.002, 0.001):
            print(f"  {kind:<9} {trust.promise('', kind, rate)}")
    return 0


def made(fields: Sequence[CheckedField], readers: str, file: Path) -> Trust:
    """Fit on a part of the fields, measure on the others, and write."""
    calibrations, groups = {}, []
    for kind in FieldKind:
        of_kind = [field for field in fields if field.kind is kind]
        calibrations[kind] = fit_calibration(of_kind[::FITTED])
        others = [field for number, field in enumerate(of_kind) if number % FITTED]
        groups.append(group_of(others, calibrations[kind], None, kind, SOURCE))
    return write_trust(file, dt.datetime.now(tz=dt.UTC).date().isoformat(), readers, calibrations, groups)


def checked_strips(
    mnist: Path, count: int, classifier: Classifier, strings: StringReader | None
) -> Iterator[CheckedField]:
    """Free-hand fields: composed strips, read as images that were cut out already."""
    with np.load(mnist) as arrays:
        composer = Composer(arrays["x_test"], arrays["y_test"], np.random.default_rng([SEED, 1]))
    forms, rng = load_forms("digits"), np.random.default_rng([SEED, 2])
    for start in range(0, count, _AT_ONCE):
        strips = composer.compose(min(_AT_ONCE, count - start), rng)
        written = [Written(_photographed(strip, rng), {forms[0].fields[0].name: strip.digits}) for strip in strips]
        yield from _checked(written, forms, classifier, strings)


def _photographed(strip: Strip, rng: np.random.Generator) -> Page:
    """A strip as a scan of its own: dark on light paper, larger, with paper around it."""
    factor = rng.uniform(1.2, 2.6)
    height, width = strip.pixels.shape
    dark = Image.fromarray(np.pad(strip.pixels, 2)).resize(
        (round((width + 4) * factor), round((height + 4) * factor)), Image.Resampling.BICUBIC
    )
    paper, contrast = rng.uniform(150, 250), rng.uniform(0.35, 0.85)
    grey = paper - contrast * np.asarray(dark, np.float32) * paper / 255
    noisy = grey + rng.normal(0, rng.uniform(0, 2.5), grey.shape)
    return Page(np.clip(noisy + 0.5, 0, 255).astype(np.uint8), None, "strip", 1, "")


def checked_sheets(
    mnist: Path, sheets: int, classifier: Classifier, strings: StringReader | None
) -> Iterator[CheckedField]:
    """Comb and free-hand fields on filled sheets of several kinds, in several inks, by several scanners."""
    glyphs = load_glyphs(mnist)
    with tempfile.TemporaryDirectory() as folder:
        made_forms = [_make_form(Path(folder), how) for how in PRINTS]
        for number in range(sheets):
            form, paper = made_forms[number % len(made_forms)]
            sheet = _sheet(form, paper, glyphs, np.random.default_rng([SEED, 3, number]))
            yield from _checked([sheet], (form,), classifier, strings)


def _checked(
    written: Sequence[Written], forms: tuple[FormTemplate, ...], classifier: Classifier, strings: StringReader | None
) -> Iterator[CheckedField]:
    prepared = [(one.truth, prepare_page(one.page, forms)) for one in written]
    found = [(truth, page) for truth, page in prepared if not isinstance(page, PageProblem)]
    readings = finish_pages([page for _, page in found], classifier, Policy(), strings)
    for (truth, _), reading in zip(found, readings, strict=True):
        for field in reading.fields:
            if (known := checked(field, truth[field.field])) is not None:
                yield known


def _make_form(folder: Path, how: Print) -> tuple[FormTemplate, np.ndarray]:
    """A form, registered by marks, and its print, (H, W, 3) uint8."""
    file = folder / f"{how.name}.toml"
    marks = ", ".join(f"{{x_mm = {x}, y_mm = {y}, size_mm = {MARK_MM}}}" for x, y in MARKS)
    lines = [
        *(f'name = "{how.name}"', 'version = "1"', 'title = ""', "[page]"),
        *(f"width_mm = {PAGE_MM[0]}", f"height_mm = {PAGE_MM[1]}", f'blank = "{how.name}.png"'),
        *("[registration]", f"marks = [{marks}]"),
    ]
    for number, (kind, x, y, digits) in enumerate(_places(how.box_mm)):
        lines += ["[[field]]", f'name = "f{number}"', f'type = "{kind}"', 'label = ""']
        lines += [f"digits = {digits}"] if kind == "comb" else []
        lines += [f"length = [1, {digits}]", f"x_mm = {x}", f"y_mm = {y}"]
        lines += [f"width_mm = {digits * how.box_mm[0]}", f"height_mm = {how.box_mm[1]}"]
    file.write_text("\n".join(lines) + "\n")
    paper = _printed(read_layout(file), how)
    Image.fromarray(paper).convert("L").save(file.with_suffix(".png"), dpi=(DPI, DPI))
    return load_forms(str(file))[0], paper


def _places(box_mm: tuple[float, float]) -> Iterator[tuple[str, float, float, int]]:
    """Type, left, top and number of digits of each field: rows of combs and of free-hand boxes in turn."""
    count = 0
    tops = np.arange(MARGIN_MM, PAGE_MM[1] - MARGIN_MM - box_mm[1], box_mm[1] + 7)
    for row, y in enumerate(tops.tolist()):
        x = MARGIN_MM
        while x + (digits := 1 + count % 10) * box_mm[0] < PAGE_MM[0] - MARGIN_MM:
            yield ("freehand" if row % 2 else "comb"), x, y, digits
            x += digits * box_mm[0] + 6
            count += 1


def _printed(layout: Layout, how: Print) -> np.ndarray:
    paper = Paper(*PAGE_MM, DPI)
    paper.text(40, 19, f"Sheet of {how.name} boxes, to be filled in by hand", 5, "serif-bold")
    paper.text(40, 281, "One digit in each box, and in a long box as many as it holds. Black or blue pen, please.", 3.4)
    for number, slot in enumerate(layout.slots):
        comb(paper, slot.boxes, how.colour, how.line_mm)
        label = f"{LABELS[number % len(LABELS)]} {number}"[: 1 + 4 * len(slot.name)]
        paper.text(slot.rect[0], slot.rect[1] - 1, label, 3.0, "sans")
    for x, y in MARKS:
        paper.fill((x - MARK_MM / 2, y - MARK_MM / 2, MARK_MM, MARK_MM), BLACK)
    return paper.printed()


def _sheet(form: FormTemplate, paper: np.ndarray, glyphs: Glyphs, rng: np.random.Generator) -> Written:
    """A sheet by one hand: most fields are filled, some have fewer digits than there is room for."""
    writing = Writing(paper.shape[:2], DPI, MnistHand(glyphs, rng), rng)
    truth = {}
    for field in form.fields:
        count = int(rng.integers(1, field.max_length + 1)) if rng.random() < 0.25 else field.max_length
        truth[field.name] = "".join(map(str, rng.integers(0, 10, count)))
        boxes = tuple((box.x_mm, box.y_mm, box.width_mm, box.height_mm) for box in field.boxes)
        writing.write(Slot(field.name, "", field.kind is FieldKind.COMB, boxes), truth[field.name])
    ink, look = INKS[str(rng.choice(list(INKS)))], LOOKS[str(rng.choice(list(LOOKS)))]
    return Written(_scanned(scan_flat(writing.inked(paper, ink), DPI, look, rng), rng), truth)


def _scanned(picture: np.ndarray, rng: np.random.Generator) -> Page:
    """The scan as a JPEG of some quality gives it back."""
    file = io.BytesIO()
    Image.fromarray(picture).convert("L").save(file, "JPEG", quality=int(rng.integers(45, 95)))
    return Page(np.asarray(Image.open(file)), float(DPI), "sheet", 1, "")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sample_scans.trust", description="Makes the shipped calibration.")
    parser.add_argument("--model", default="cnn", help="a shipped model, or a bundle folder")
    parser.add_argument("--string-model", default="strings", help="the second reader of free-hand fields, or none")
    parser.add_argument("--sheets", type=int, default=SHEETS, help="pages of comb fields")
    parser.add_argument("--strips", type=int, default=STRIPS, help="free-hand fields")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
