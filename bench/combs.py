"""Comb fields as people fill them, drawn with known truth: what is read right, what is flagged, what is silently wrong.

    python -m bench.combs [TROUBLE ...] [--pages 8] [--pictures]

Every trouble is put into each field of some small pages, written with digits of MNIST's test half (the project's own
strokes where that is not at hand), scanned, and read by the whole path. *Silently wrong* is what was accepted and is
not what was written. ``--pictures`` writes an HTML page of the fields that were not read right, for each trouble.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.comb_troubles import CELL_MM, CELLS, DPI, TROUBLES, Boxes, Hands, Print, Trouble, Writing, ghost
from bench.figures import Outcome, share
from bench.worst import write_worst
from forms.form_file import load_forms
from mnist_model.classifier import Classifier, load_classifier
from preprocessing.page import Page, PageProblem
from reading.pipeline import PreparedPage, finish_pages, prepare_page
from reading.policy import Policy
from reading.readings import FieldReading
from sample_scans.generate import mnist_file
from sample_scans.paper import BLACK, Paper
from sample_scans.pen import Hand, MnistHand, StrokeHand, load_glyphs
from sample_scans.scanner import photograph, scan_flat

BUILD = Path(__file__).parents[1] / "build" / "bench" / "combs"
SIZE_MM = (148.0, 105.0)
PLACES = tuple((x, y) for y in (24.0, 44.0, 64.0, 84.0) for x in (22.0, 88.0))
MARKS = ((8.0, 8.0), (140.0, 8.0), (140.0, 97.0), (8.0, 97.0), (20.0, 8.0))
MARK_MM = 4.0


def boxes_at(place: tuple[float, float]) -> Boxes:
    """The cells of the field that begins at (x, y)."""
    return tuple((place[0] + index * CELL_MM[0], place[1], *CELL_MM) for index in range(CELLS))


def print_page(printing: Print) -> np.ndarray:
    """The empty form, (H, W, 3) uint8."""
    paper = Paper(*SIZE_MM, DPI)
    for number, place in enumerate(PLACES):
        printing(paper, boxes_at(place))
        paper.text(place[0] - 12, place[1] + 5, f"Meter {number + 1}", 2.6)
    paper.text(30, 10, "Readings of meters: one digit in each box, from the right.", 2.8)
    paper.text(20, 100, "Fill in by pen. Leave boxes empty that you do not need, or cross them out.", 2.6)
    for x, y in MARKS:
        paper.fill((x - MARK_MM / 2, y - MARK_MM / 2, MARK_MM, MARK_MM), BLACK)
    return paper.printed()


def save_form(folder: Path, printed: np.ndarray, has_blank: bool) -> Path:
    """Write the form file, and its blank where it has one."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(printed).convert("L").save(folder / "blank.png", dpi=(DPI, DPI))
    marks = ", ".join(f"{{ x_mm = {x}, y_mm = {y}, size_mm = {MARK_MM} }}" for x, y in MARKS)
    lines = ['name = "combs"', 'version = "1"', "[page]", f"width_mm = {SIZE_MM[0]}", f"height_mm = {SIZE_MM[1]}"]
    lines += ['blank = "blank.png"'] * has_blank + ["[registration]", f"marks = [{marks}]"]
    for number, (x, y) in enumerate(PLACES):
        lines += ["[[field]]", f'name = "f{number}"', 'type = "comb"', f"digits = {CELLS}", f"length = [1, {CELLS}]"]
        lines += [f"x_mm = {x}", f"y_mm = {y}", f"width_mm = {CELLS * CELL_MM[0]}", f"height_mm = {CELL_MM[1]}"]
    (folder / "form.toml").write_text("\n".join(lines) + "\n")
    return folder


def filled(trouble: Trouble, printed: np.ndarray, hand: Hand, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """A page with the trouble in each of its fields, (H, W, 3) uint8, and what its fields should read as."""
    writing = Writing(printed.shape[:2], hand, rng)
    numbers = ["".join(map(str, rng.integers(0, 10, CELLS))) for _ in PLACES]
    truth = [trouble.fill(writing, boxes_at(place), number) for place, number in zip(PLACES, numbers, strict=True)]
    page = ghost(printed, writing, trouble.bleeding) if trouble.bleeding else printed
    cover = trouble.strength * writing.coverage[:, :, None]
    return (page * (1 - cover) + np.minimum(page, np.array(trouble.pen)) * cover).clip(0, 255).astype(np.uint8), truth


def scanned(trouble: Trouble, page: np.ndarray, name: str, rng: np.random.Generator) -> Page:
    """The page as a scanner or a phone sees it."""
    seen = photograph(page, 1500, rng) if trouble.photo else scan_flat(page, DPI, trouble.look, rng)
    picture = Image.fromarray(seen).convert("L").point(lambda tone: round(trouble.brightness * tone))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return Page(np.asarray(Image.open(file)), None if trouble.photo else DPI, name, 1, "")


def measure(trouble: Trouble, folder: Path, pages: int, classifier: Classifier, hands: Hands) -> list[Outcome]:
    """Make pages with the trouble, read them, and lay each field beside its truth."""
    printed = print_page(trouble.printing)
    forms = load_forms(save_form(folder, printed, trouble.has_blank))
    prepared, truths = [], []
    for number in range(pages):
        rng = np.random.default_rng(number)
        picture, truth = filled(trouble, printed, hands(rng), rng)
        prepared.append(prepare_page(scanned(trouble, picture, f"page {number}", rng), forms))
        truths.append(truth)
    found = [page for page in prepared if not isinstance(page, PageProblem)]
    readings = iter(finish_pages(found, classifier, Policy()))
    outcomes = []
    for page, truth in zip(prepared, truths, strict=True):
        fields = [] if isinstance(page, PageProblem) else next(readings).fields
        outcomes += [_outcome(page.scan, *pair) for pair in zip(fields, truth, strict=False)]
        outcomes += [_lost(page, value) for value in truth[len(fields) :]]
    return outcomes


def _outcome(scan: str, field: FieldReading, truth: str) -> Outcome:
    accepted, reasons = not field.needs_review, ";".join(field.reasons)
    return Outcome(scan, field.field, truth, field.value, field.confidence, accepted, reasons, field.crop_png)


def _lost(page: PreparedPage | PageProblem, truth: str) -> Outcome:
    reason = page.reason.value if isinstance(page, PageProblem) else ""
    return Outcome(page.scan, "", truth, "", 0.0, False, reason, b"")


def row(name: str, outcomes: Sequence[Outcome]) -> str:
    """One line of the table."""
    total = len(outcomes)
    right = sum(outcome.right for outcome in outcomes)
    accepted = sum(outcome.accepted and outcome.right for outcome in outcomes)
    wrong = sum(outcome.accepted and not outcome.right for outcome in outcomes)
    flagged = total - accepted - wrong
    shares = " | ".join(f"{100 * count / total:.1f}" for count in (right, accepted, flagged))
    return f"| {name} | {total} | {shares} | {share(wrong, total)} |"


def hands_at_hand() -> Hands:
    """People who write: with MNIST's test digits, or with strokes of the project's own."""
    file = mnist_file()
    if file is None:
        return StrokeHand
    glyphs = load_glyphs(file)
    return lambda rng: MnistHand(glyphs, rng)


def main() -> int:
    """Measure the troubles that were asked for and print the table."""
    parser = argparse.ArgumentParser(prog="bench.combs", description=__doc__.splitlines()[0])
    parser.add_argument("troubles", nargs="*", metavar="TROUBLE", help="all where none is given")
    parser.add_argument("--pages", type=int, default=8, help=f"of {len(PLACES)} fields, for each trouble (default 8)")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--pictures", action="store_true", help="write an HTML page of what is not read right")
    options = parser.parse_args()
    classifier, hands = load_classifier(options.model), hands_at_hand()
    print(f"model {classifier.name}\n")
    print("| trouble | fields | right, % | right and accepted, % | flagged, % | silently wrong, % [95 %] |")
    print("|---|---|---|---|---|---|")
    for name in options.troubles or TROUBLES:
        folder = BUILD / name.replace(" ", "_").replace(",", "")
        outcomes = measure(TROUBLES[name], folder, options.pages, classifier, hands)
        print(row(name, outcomes), flush=True)
        if options.pictures:
            write_worst(folder / "worst.html", name, outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
