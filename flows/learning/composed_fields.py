"""Fields composed of MNIST's test digits, to measure on what confidences are worth where no field of a site is at hand.

Most of what comes in is legible, and what is not is worse than it. So half of the free-hand fields are digits set side
by side and half the strips that the string reader learns from, all as scans of their own; one comb field in six has its
digits damaged as scans damage them, the others as they are, cut out already.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import zoom

from forms.form_file import load_forms
from forms.template import Box, Field, FieldKind, FormTemplate
from mnist_model.augmentation import augment
from mnist_model.classifier import Classifier
from mnist_model.datasets import Dataset
from mnist_model.strings.composer import Composer, Strip
from mnist_model.strings.reader import StringReader
from preprocessing.page import CellState, Page, PageProblem, PixelBox
from reading.checked import CheckedField, checked
from reading.pipeline import PreparedField, PreparedPage, PreparedPiece, finish_pages, prepare_page
from reading.policy import Policy

_LONGEST_COMB = 10
_DAMAGED_SHARE = 1 / 6
_LEGIBLE_SHARE = 0.5
_LONGEST_ROW = 8


def composed_fields(
    dataset: Dataset, count: int, classifier: Classifier, strings: StringReader, seed: int
) -> list[CheckedField]:
    """``count`` free-hand fields and as many comb fields, read and beside their truth; some 100 a second.

    Args:
        dataset: of whose test half the fields are composed.
        count: how many of each kind.
        classifier: what reads pieces.
        strings: what reads strips.
        seed: decides what is composed.
    """
    rng = np.random.default_rng([seed, 7])
    written = [*_free_hand(dataset, count, rng), *_combs(dataset, count, rng)]
    readings = finish_pages([page for page, _ in written], classifier, Policy(), strings)
    beside = zip(readings, written, strict=True)
    found = [checked(reading.fields[0], truth) for reading, (_, truth) in beside]
    return [field for field in found if field is not None]


def _free_hand(dataset: Dataset, count: int, rng: np.random.Generator) -> Iterator[tuple[PreparedPage, str]]:
    forms, rows = load_forms("digits"), round(_LEGIBLE_SHARE * count)
    hard = Composer(dataset.x_test, dataset.y_test, rng).compose(count - rows, rng)
    for strip in [*hard, *(_row(dataset, rng) for _ in range(rows))]:
        page = prepare_page(_as_scan(strip, rng), forms)
        if not isinstance(page, PageProblem):
            yield page, strip.digits


def _row(dataset: Dataset, rng: np.random.Generator) -> Strip:
    """Digits side by side, a few pixels apart, as a careful hand writes them."""
    chosen = rng.integers(len(dataset.y_test), size=rng.integers(1, _LONGEST_ROW + 1))
    parts = [_trimmed(image, int(rng.integers(2, 7))) for image in dataset.x_test[chosen]]
    return Strip(np.pad(np.concatenate(parts, axis=1), ((2, 2), (6, 6))), "".join(map(str, dataset.y_test[chosen])))


def _trimmed(image: np.ndarray, gap_px: int) -> np.ndarray:
    """(28, w) uint8: the columns of a digit that hold ink, and a gap."""
    inked = np.flatnonzero(image.max(axis=0))
    return np.pad(image[:, inked[0] : inked[-1] + 1], ((0, 0), (0, gap_px)))


def _as_scan(strip: Strip, rng: np.random.Generator) -> Page:
    """Dark on light paper, larger, with paper around it, and noise."""
    dark = np.maximum(zoom(np.pad(strip.pixels, 2).astype(np.float32), rng.uniform(1.2, 2.6), order=1), 0)
    paper, contrast = rng.uniform(150, 250), rng.uniform(0.35, 0.85)
    grey = paper - contrast * dark * paper / 255
    noisy = grey + rng.normal(0, rng.uniform(0, 2.5), grey.shape)
    return Page(np.clip(noisy + 0.5, 0, 255).astype(np.uint8), None, "strip", 1, "")


def _combs(dataset: Dataset, count: int, rng: np.random.Generator) -> Iterator[tuple[PreparedPage, str]]:
    for _ in range(count):
        chosen = rng.integers(len(dataset.y_test), size=rng.integers(1, _LONGEST_COMB + 1))
        images, labels = dataset.x_test[chosen], dataset.y_test[chosen]
        if rng.random() < _DAMAGED_SHARE:
            images = augment(images, labels, rng)
        yield _comb_page(images), "".join(map(str, labels))


def _comb_page(images: np.ndarray) -> PreparedPage:
    cells = len(images)
    boxes = tuple(Box(5.0 * cell, 0, 5, 7) for cell in range(cells))
    field = Field("digits", FieldKind.COMB, boxes, min_length=1, max_length=cells)
    places = (PixelBox(28 * cell, 0, 28 * cell + 28, 28) for cell in range(cells))
    pieces = tuple(PreparedPiece(cell, cell + 1, place, 0.0) for cell, place in enumerate(places))
    states = (CellState.INK,) * cells
    prepared = PreparedField(field, b"", cells, pieces, images, None, states, truncated=False, ink=None)
    form = FormTemplate("composed comb", "1", "", 5.0 * cells, 7, 200, (field,), whole_image=True)
    return PreparedPage("comb", 1, "", form, 0.0, (prepared,))
