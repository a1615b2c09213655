"""The sets of real scans, found under one folder and never copied from it."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bench.blanks import prepare
from forms.form_file import load_forms
from forms.template import Box, Field, FieldKind, FormTemplate
from preprocessing.page import Page
from preprocessing.scans import list_scans, open_scan


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A page and the true value of its fields, by name."""

    page: Page
    truth: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """Pages that are read with these forms."""

    forms: tuple[FormTemplate, ...]
    samples: tuple[Sample, ...]


def _vote_forms(data: Path, build: Path) -> DataSet:
    return _paged(data / "vote_forms", "photos", _bench_forms(data, build, "vote"))


def _nist_hsf(data: Path, build: Path) -> DataSet:
    return _paged(data / "nist_hsf", ".", _bench_forms(data, build, "hsf"))


def _idrbt_cheques(data: Path, build: Path) -> DataSet:
    return _paged(data / "idrbt_cheques", "images", _bench_forms(data, build, "cheque"))


def _orand(data: Path, build: Path) -> DataSet:
    return _paged(data / "orand_car_a", "images", load_forms("amount"))


def _meza(data: Path, build: Path) -> DataSet:
    return _paged(data / "meza", "images", load_forms("digits"))


def _usps(data: Path, build: Path) -> DataSet:
    return _digits(data / "usps" / "usps.npz")


def _semeion(data: Path, build: Path) -> DataSet:
    return _digits(data / "semeion" / "semeion.npz")


SETS: dict[str, Callable[[Path, Path], DataSet]] = {
    "vote_forms": _vote_forms,
    "nist_hsf": _nist_hsf,
    "idrbt_cheques": _idrbt_cheques,
    "orand_car_a": _orand,
    "meza": _meza,
    "usps": _usps,
    "semeion": _semeion,
}


def _bench_forms(data: Path, build: Path, prefix: str) -> tuple[FormTemplate, ...]:
    folders = prepare(data, build / "forms")
    return tuple(form for name, path in folders.items() if name.startswith(prefix) for form in load_forms(path))


def _paged(folder: Path, images: str, forms: tuple[FormTemplate, ...]) -> DataSet:
    truth = _truth(folder / "values.csv")
    if forms[0].whole_image:
        truth = {scan: {forms[0].fields[0].name: values[""]} for scan, values in truth.items()}
    pages = (page for page in _pages(folder / images) if page.scan in truth)
    return DataSet(forms, tuple(Sample(page, truth[page.scan]) for page in pages))


def _truth(path: Path) -> dict[str, dict[str, str]]:
    """Digits by scan and field name ("" where the scan is one field); doubtful rows are left out."""
    truth: dict[str, dict[str, str]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row.get("doubtful") != "y":
                truth.setdefault(row["file"], {})[row.get("field", "")] = re.sub(r"\D", "", row["value"])
    return truth


def _pages(folder: Path) -> Iterator[Page]:
    for file in list_scans(folder):
        for page in open_scan(file, hashlib.sha256(file.path.read_bytes()).hexdigest()):
            if isinstance(page, Page):
                yield page


def _digits(path: Path) -> DataSet:
    """Single digits, each as a scan of a comb field of one cell."""
    archive = np.load(path)
    images, labels = (archive[key] for key in (("x_test", "y_test") if "x_test" in archive else ("x", "y")))
    field = Field("digit", FieldKind.COMB, (Box(0, 0, 5, 7),), min_length=1, max_length=1)
    form = FormTemplate("digit", "1", "One digit", 5, 7, 200, (field,), whole_image=True)
    samples = tuple(
        Sample(Page(_as_scan(image), None, f"{index}", 1, ""), {"digit": str(int(label))})
        for index, (image, label) in enumerate(zip(images, labels, strict=True))
    )
    return DataSet((form,), samples)


def _as_scan(image: np.ndarray) -> np.ndarray:
    """(16, 16) uint8, white on black -> dark on light paper, enlarged four times, with a margin."""
    large = cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    return 255 - cv2.copyMakeBorder(large, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=0)
