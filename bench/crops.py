"""What one free-hand field costs that comes as a crop, stage by stage: alone, and as one of many that come together.

    FORMDIGITS_DATA=DIR python -m bench.crops [SET ...] [--crops 200] [--rounds 5]

CPU time of one thread, so that other work on the machine disturbs little. Alone a row is the median over the crops, in
a batch the median over the rounds; "whole" is the read path itself, which does all of it, and a little more.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bench.data import SETS, DataSet
from bench.pages import Stopwatch
from forms.template import FormTemplate
from mnist_model.classifier import Classifier, load_classifier
from mnist_model.strings.reader import StringReader, load_string_reader
from preprocessing.ink_traits import ink_traits
from preprocessing.isolation import whole_image_field
from preprocessing.normalization import normalize_all
from preprocessing.page import Page, PageProblem
from preprocessing.pictures import encode_png
from preprocessing.segmentation import segment
from preprocessing.strips import strip, views
from reading.ctc import decode_columns
from reading.pipeline import PreparedPage, finish_pages, prepare_page
from reading.policy import Policy

TRIED = ("orand_car_a", "meza")  # the sets whose images are crops


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads the crops."""

    classifier: Classifier
    strings: StringReader


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """A classifier whose answer is known, so that what follows can be measured alone."""

    name: str
    answer: np.ndarray

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return self.answer


def main() -> int:
    """Measure and print the tables; exit code 2 where there is no data."""
    options = _options()
    data = os.environ.get("FORMDIGITS_DATA")
    if not data or not Path(data).is_dir():
        print("bench.crops: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    readers = Readers(load_classifier(options.model), load_string_reader(options.string_model))
    watches = {}
    for name in options.sets or TRIED:
        crops = SETS[name](Path(data), options.build)
        watches[f"{name}, alone"] = measured(crops, readers, options.crops, 1, rounds=1)
        watches[f"{name}, {options.crops} together"] = measured(
            crops, readers, options.crops, options.crops, options.rounds
        )
    print(f"{readers.classifier.name} + {readers.strings.name}\n\n{table(watches)}")
    return 0


def measured(crops: DataSet, readers: Readers, count: int, batch: int, rounds: int) -> Stopwatch:
    """The times of the set's first ``count`` crops, read ``batch`` at a time; the first batch warms up."""
    pages = [sample.page for sample in crops.samples[:count]]
    batches = [pages[start : start + batch] for start in range(0, len(pages), batch)]
    _read(batches[0], crops.forms, readers, Stopwatch(time.process_time))
    watch = Stopwatch(time.process_time)
    for _ in range(rounds):
        for some in batches:
            _read(some, crops.forms, readers, watch)
    return watch


def _read(pages: Sequence[Page], forms: tuple[FormTemplate, ...], readers: Readers, watch: Stopwatch) -> None:
    """Each stage by itself, and then the whole path."""
    count, (form,) = len(pages), forms
    images = watch.measure("ink", lambda: [whole_image_field(page, form) for page in pages], count)
    watch.measure("PNG for the reviewer", lambda: [encode_png(image.grey) for image in images], count)
    found = watch.measure("segmentation", lambda: [segment(image) for image in images], count)
    pieces = watch.measure(
        "normalization", lambda: [normalize_all([piece.ink for piece in each.pieces]) for each in found], count
    )
    watch.measure("ink's traits", lambda: [ink_traits(image) for image in images], count)
    inked = [image for image, each in zip(images, found, strict=True) if each.pieces]
    shown = watch.measure("strip and its views", lambda: [look for one in inked for look in views(strip(one))], count)
    answers = watch.measure("classifier", lambda: readers.classifier.probabilities(np.concatenate(pieces)), count)
    columns = watch.measure("string net", lambda: readers.strings.log_probabilities(shown), count)
    watch.measure("CTC search", lambda: [decode_columns(each, 1, 12) for each in columns], count)
    told = _Told(readers.classifier.name, answers)
    prepared = _prepared(pages, forms)
    watch.measure("lattice and decision", lambda: finish_pages(prepared, told, Policy()), count)
    watch.measure("whole", lambda: _whole(pages, forms, readers), count)


def _prepared(pages: Sequence[Page], forms: tuple[FormTemplate, ...]) -> list[PreparedPage]:
    tried = [prepare_page(page, forms) for page in pages]
    return [page for page in tried if not isinstance(page, PageProblem)]


def _whole(pages: Sequence[Page], forms: tuple[FormTemplate, ...], readers: Readers) -> None:
    finish_pages(_prepared(pages, forms), readers.classifier, Policy(), readers.strings)


def table(watches: dict[str, Stopwatch]) -> str:
    """The medians, a row for each stage."""
    head = ["| CPU ms a crop, median | " + " | ".join(watches) + " |", "|---|" + "---:|" * len(watches)]
    rows = [
        f"| {stage} | " + " | ".join(f"{watch.median(stage):.2f}" for watch in watches.values()) + " |"
        for stage in next(iter(watches.values())).times
    ]
    return "\n".join([*head, *rows])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.crops", description=str(__doc__).splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"any of {', '.join(TRIED)}; both where none is given")
    parser.add_argument("--crops", type=int, default=200, help="the first so many crops of each set (default 200)")
    parser.add_argument("--rounds", type=int, default=5, help="how often a batch is read (default 5)")
    parser.add_argument("--model", default="cnn", help="name of a shipped model or a bundle's folder")
    parser.add_argument("--string-model", default="strings", help="name of a shipped string reader or its folder")
    parser.add_argument("--build", type=Path, default=Path("build/bench"), help="folder for what is made of the data")
    options = parser.parse_args()
    for name in options.sets:
        if name not in TRIED:
            parser.error(f"{name!r} is no set of crops; there are {', '.join(TRIED)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
