"""Makes the calibration that ships: ``python -m sample_scans.trust [--model cnn] [--string-model strings]``.

Reads fields that it composes itself with digits of MNIST's test half, which no network was trained on: comb fields on
whole pages that are printed, filled in, scanned and registered; free-hand fields as strips cut out already. On a
third of them the calibration is fitted, on the others it is measured. Writes ``trust.json`` into the bundle of the last reader.
To be run again whenever one of the two bundles changed.
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
from reading.pipeline import finish_pages, prepare_page
from reading.policy import Policy
from reading.trust import TRUST_FILE, Trust, write_trust
from sample_scans.generate import mnist_file
from sample_scans.layout import Layout, read_layout
from sample_scans.paper import BLACK, GREY, Colour, Paper, comb
from sample_scans.pen import Glyphs, MnistHand, load_glyphs
from sample_scans.scanner import LOOKS, scan_flat
from sample_scans.writing import INKS, Writing

SEED = 20261123
DPI = 200
SHEETS = 60
STRIPS = 6000
FITTED = 3  # on every third field the calibration is fitted
SOURCE = "composed fields"
PAGE_MM = (210.0, 297.0)
MARKS = ((10.0, 10.0), (200.0, 10.0), (10.0, 287.0), (200.0, 287.0), (24.0, 10.0))
MARK_MM = 5.0
BOXES_MM = ((4.5, 6.0), (5.0, 7.0), (6.0, 8.0), (7.0, 9.0))  # the boxes of the four kinds of sheets
COLOURS: tuple[Colour, ...] = (BLACK, GREY, (170, 90, 80), (90, 130, 180))
_AT_ONCE = 500


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
        *checked_combs(mnist, options.sheets, classifier),
        *checked_strips(mnist, options.strips, classifier, strings),
    ]
    readers = classifier.name if strings is None else f"{classifier.name} + {strings.name}"
    trust = made(fields, readers, folder / TRUST_FILE)
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


def checked_combs(mnist: Path, sheets: int, classifier: Classifier) -> Iterator[CheckedField]:
    """Comb fields on filled sheets of several kinds, in several inks, by several scanners."""
    glyphs = load_glyphs(mnist)
    with tempfile.TemporaryDirectory() as folder:
        made_forms = [_make_form(Path(folder), box_mm) for box_mm in BOXES_MM]
        for number in range(sheets):
            form, layout = made_forms[number % len(made_forms)]
            sheet = _sheet(layout, glyphs, np.random.default_rng([SEED, 3, number]))
            yield from _checked([sheet], (form,), classifier, None)


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


def _make_form(folder: Path, box_mm: tuple[float, float]) -> tuple[FormTemplate, Layout]:
    """A form of comb fields with boxes of this size, registered by marks."""
    file = folder / f"combs-{box_mm[1]:.0f}.toml"
    marks = ", ".join(f"{{x_mm = {x}, y_mm = {y}, size_mm = {MARK_MM}}}" for x, y in MARKS)
    lines = [
        *(f'name = "{file.stem}"', 'version = "1"', 'title = ""', "[page]"),
        *(f"width_mm = {PAGE_MM[0]}", f"height_mm = {PAGE_MM[1]}", f'blank = "{file.stem}.png"'),
        *("[registration]", f"marks = [{marks}]"),
    ]
    for number, (x, y, digits) in enumerate(_places(box_mm)):
        lines += ["[[field]]", f'name = "f{number}"', 'type = "comb"', 'label = ""', f"digits = {digits}"]
        lines += [f"length = [1, {digits}]", f"x_mm = {x}", f"y_mm = {y}"]
        lines += [f"width_mm = {digits * box_mm[0]}", f"height_mm = {box_mm[1]}"]
    file.write_text("\n".join(lines) + "\n")
    layout = read_layout(file)
    Image.fromarray(_printed(layout, BLACK, 0.25)).convert("L").save(file.with_suffix(".png"), dpi=(DPI, DPI))
    return load_forms(str(file))[0], layout


def _places(box_mm: tuple[float, float]) -> Iterator[tuple[float, float, int]]:
    """Left, top and number of digits of each field: rows of fields of 1 to 10 digits, as many as fit."""
    y, lengths = 24.0, 0
    while y + box_mm[1] < PAGE_MM[1] - 20:
        x = 18.0
        while True:
            digits = 1 + lengths % 10
            if x + digits * box_mm[0] > PAGE_MM[0] - 18:
                break
            yield x, y, digits
            x += digits * box_mm[0] + 6
            lengths += 1
        y += box_mm[1] + 7


def _printed(layout: Layout, colour: Colour, line_mm: float) -> np.ndarray:
    paper = Paper(*PAGE_MM, DPI)
    for slot in layout.slots:
        comb(paper, slot.boxes, colour, line_mm)
        paper.text(slot.rect[0], slot.rect[1] - 1, slot.name, 2.4, "sans", colour)
    for x, y in MARKS:
        paper.fill((x - MARK_MM / 2, y - MARK_MM / 2, MARK_MM, MARK_MM), BLACK)
    return paper.printed()


def _sheet(layout: Layout, glyphs: Glyphs, rng: np.random.Generator) -> Written:
    """A sheet by one hand: most fields are filled, a few have fewer digits than boxes."""
    paper = _printed(layout, COLOURS[rng.integers(len(COLOURS))], rng.uniform(0.15, 0.4))
    writing = Writing(paper.shape[:2], DPI, MnistHand(glyphs, rng), rng)
    truth = {}
    for slot in layout.slots:
        boxes = len(slot.boxes)
        count = int(rng.integers(1, boxes + 1)) if rng.random() < 0.25 else boxes
        truth[slot.name] = "".join(map(str, rng.integers(0, 10, count)))
        writing.write(slot, truth[slot.name])
    ink = INKS[str(rng.choice(list(INKS)))]
    look = LOOKS[str(rng.choice(list(LOOKS)))]
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
