"""A digit of MNIST written on a form, scanned and cut out again is read as well as MNIST's own picture of it."""

import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from forms.template import FormTemplate
from mnist_model.bundle import ModelError
from mnist_model.classifier import LiteRTClassifier, load_classifier
from preprocessing.isolation import isolate_fields
from preprocessing.normalization import normalize
from preprocessing.page import PageProblem
from preprocessing.registration import register
from preprocessing.segmentation import segment
from tests.drawn_forms import (
    PRINT_PX_PER_MM,
    Scanner,
    comb,
    corner_marks,
    press,
    print_form,
    save_blank,
    scan,
    template,
)

COUNT = 2000
COLUMNS, ROWS = 22, 27
CELL_MM = (8.0, 9.5)
DIGIT_MM = 6.5
PAGE_MM = (200.0, 290.0)

SCANNERS = {
    "office": (Scanner(dpi=300, skew_deg=0.8, noise=4, jpeg=80), 30),
    "shaded, pale pen": (Scanner(dpi=200, skew_deg=-1.5, noise=4, jpeg=70, shading=0.3), 130),
    "1-bit": (Scanner(dpi=200, skew_deg=-1.0, one_bit=True), 30),
}


@cache
def mnist() -> tuple[np.ndarray, np.ndarray]:
    folders = [Path(os.environ["FORMDIGITS_DATA"]) / "mnist"] if "FORMDIGITS_DATA" in os.environ else []
    folders.append(Path.home() / ".keras" / "datasets")
    for folder in folders:
        if (folder / "mnist.npz").is_file():
            with np.load(folder / "mnist.npz") as arrays:
                return arrays["x_test"][:COUNT], arrays["y_test"][:COUNT]
    pytest.skip("no mnist.npz in FORMDIGITS_DATA/mnist nor in Keras' cache")


@cache
def classifier() -> LiteRTClassifier:
    try:
        return load_classifier("cnn")
    except ModelError:
        return load_classifier("seed-ann")


@pytest.fixture(scope="module")
def form_and_blank(tmp_path_factory) -> tuple[FormTemplate, np.ndarray]:
    rows = [comb(f"row{row}", 12, 15 + row * (CELL_MM[1] + 0.4), COLUMNS, CELL_MM) for row in range(ROWS)]
    marks = corner_marks(*PAGE_MM, inset_mm=6.0)
    blank = print_form(template(rows, PAGE_MM, marks=marks))
    file = save_blank(blank, tmp_path_factory.mktemp("form") / "blank.png")
    return template(rows, PAGE_MM, marks=marks, blank=file, name="digits"), blank


def write_digit(page: np.ndarray, digit: np.ndarray, middle_mm: tuple[float, float], pen_grey: int) -> None:
    """A digit of MNIST as a pen would have drawn it: as large as ``DIGIT_MM`` and with sharp edges."""
    scale = DIGIT_MM * PRINT_PX_PER_MM / 20
    large = cv2.resize(digit, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    sharp = np.where(large > 127, 255, 0).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(sharp)
    x, y = (round(at * PRINT_PX_PER_MM) for at in middle_mm)
    press(page, sharp[top : top + height, left : left + width], (x - width // 2, y - height // 2), pen_grey)


def cut_again(form: FormTemplate, filled: np.ndarray, scanner: Scanner, count: int) -> np.ndarray:
    """The first ``count`` cells of a filled page -> (count, 28, 28); zeros where a cell gave no piece."""
    images = np.zeros((len(form.fields) * COLUMNS, 28, 28), np.uint8)
    registered = register(scan(filled, scanner)[0], (form,))
    assert not isinstance(registered, PageProblem), registered
    for row, image in enumerate(isolate_fields(registered)):
        for piece in segment(image).pieces:
            images[row * COLUMNS + piece.start] = normalize(piece.ink)
    return images[:count]


def over_paper(form: FormTemplate, blank: np.ndarray, digits: np.ndarray, scanner: Scanner, pen: int) -> np.ndarray:
    """Write (N, 28, 28) digits into the form, scan it, and cut them out again."""
    pages, a_page = [], COLUMNS * ROWS
    for begin in range(0, len(digits), a_page):
        chunk, filled = digits[begin : begin + a_page], blank.copy()
        for index, digit in enumerate(chunk):
            box = form.fields[index // COLUMNS].boxes[index % COLUMNS]
            write_digit(filled, digit, (box.x_mm + box.width_mm / 2, box.y_mm + box.height_mm / 2), pen)
        pages.append(cut_again(form, filled, scanner, len(chunk)))
    return np.concatenate(pages)


@pytest.mark.parametrize(("scanner", "pen"), SCANNERS.values(), ids=SCANNERS.keys())
def test_digits_are_read_as_well_as_before_they_went_over_paper(scanner, pen, form_and_blank):
    digits, labels = mnist()
    cut = over_paper(*form_and_blank, digits, scanner, pen)
    before, after = (classifier().probabilities(x)[:, :10].argmax(axis=1) == labels for x in (digits, cut))
    assert before.mean() - after.mean() <= 0.003
