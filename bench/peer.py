"""RapidOCR beside this project, on the same crops in the same run.

    pip install '.[bench]'
    FORMDIGITS_DATA=DIR python -m bench.peer [SET ...] [--sample 1000] [--string-model strings]

Both get one crop at a time and give one value and its confidence; of what the peer reads, the digits are kept. RapidOCR
runs its recogniser alone (PP-OCRv6, which is in its wheel), for the crops hold one line each. A row gives the share of
exact values with its 95 % Wilson interval, the read rate at 1 % error, the threshold being chosen with hindsight, and
the median of a crop's time: of this thread alone, on which all is calculated, so that other work on the machine
disturbs little. Below stands where this project's time goes.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.figures import read_rate, share
from bench.pages import Stopwatch
from forms.form_file import load_forms
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
from reading.pipeline import finish_pages, prepare_page
from reading.policy import Policy

WARM_UP = 10
ERROR = 0.01

Read = tuple[str, float]  # a value, and its confidence


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One field: ``image`` (H, W, 3) uint8, what it says, and the built-in form that fits it."""

    image: np.ndarray
    truth: str
    form: str


@dataclass(frozen=True, slots=True)
class Result:
    """What one reader made of one crop, in milliseconds of this thread."""

    right: bool
    confidence: float
    ms: float


def main() -> int:
    """Measure both readers and print the tables; exit code 2 where the data or the peer is missing."""
    options = _options()
    data = os.environ.get("FORMDIGITS_DATA")
    if not data or not Path(data).is_dir():
        print("bench.peer: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    ours = _Ours(load_classifier(options.model), _strings(options.string_model))
    try:
        readers = {"RapidOCR": rapid_ocr(), "this project": ours.read}
    except ImportError as error:
        print(f"bench.peer: {error.name} is missing: install the extra [bench].", file=sys.stderr)
        return 2
    crops = {name: _sampled(SETS[name](Path(data)), options.sample) for name in options.sets or SETS}
    print(f"{ours.name}\n\n{_table(crops, readers)}\n\n{ours.stages(crops)}")
    return 0


def rapid_ocr() -> Callable[[Crop], Read]:
    """RapidOCR's recogniser on one thread.

    Raises:
        ImportError: it is not installed.
    """
    import onnxruntime  # noqa: F401  RapidOCR itself would say it later and otherwise
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine: Any = RapidOCR(params={**threads, "Global.text_score": 0.0, "Global.log_level": "error"})

    def read(crop: Crop) -> Read:
        found = engine(crop.image, use_det=False, use_cls=False, use_rec=True)
        return re.sub(r"[^0-9]", "", "".join(found.txts or ())), float(min(found.scores or (0.0,)))

    return read


class _Ours:
    """This project's path from a crop to its decision."""

    def __init__(self, classifier: Classifier, strings: StringReader | None):
        self._classifier = classifier
        self._strings = strings
        self._forms = {name: load_forms(name) for name in ("amount", "date", "digits")}

    @property
    def name(self) -> str:
        return self._classifier.name + (f" + {self._strings.name}" if self._strings else "")

    def read(self, crop: Crop) -> Read:
        prepared = prepare_page(_page(crop), self._forms[crop.form])
        if isinstance(prepared, PageProblem):
            return "", 0.0
        (field,) = finish_pages([prepared], self._classifier, Policy(), self._strings)[0].fields
        return field.value, field.confidence

    def stages(self, crops: Mapping[str, Sequence[Crop]]) -> str:
        """A table of the medians of each stage, in ms a crop."""
        watches = {name: Stopwatch(time.thread_time) for name in crops}
        for name, chosen in crops.items():
            for crop in chosen[:200]:
                self._read_by_stages(crop, watches[name])
        stages = next(iter(watches.values())).times
        head = ["| ms a crop, median | " + " | ".join(crops) + " |", "|---|" + "---:|" * len(crops)]
        rows = [
            f"| {stage} | " + " | ".join(f"{w.median(stage):.2f}" for w in watches.values()) + " |" for stage in stages
        ]
        return "\n".join([*head, *rows])

    def _read_by_stages(self, crop: Crop, watch: Stopwatch) -> None:
        page, forms = _page(crop), self._forms[crop.form]
        image = watch.measure("ink", lambda: whole_image_field(page, forms[0]))
        candidates = watch.measure("segmentation", lambda: segment(image))
        pieces = watch.measure("normalization", lambda: normalize_all([piece.ink for piece in candidates.pieces]))
        watch.measure("classifier", lambda: self._classifier.probabilities(pieces))
        if self._strings is not None and candidates.pieces:
            self._read_strip(watch, watch.measure("strip", lambda: strip(image)))
        watch.measure("ink's traits", lambda: ink_traits(image))
        watch.measure("PNG for the reviewer", lambda: encode_png(image.grey))
        prepared = prepare_page(page, forms)
        if not isinstance(prepared, PageProblem):
            told = _Told(self._classifier.name, pieces, self._classifier.probabilities(pieces))
            watch.measure("lattice and decision", lambda: finish_pages([prepared], told, Policy()))

    def _read_strip(self, watch: Stopwatch, whole: np.ndarray) -> None:
        assert self._strings is not None
        strings = self._strings
        shown = watch.measure("views", lambda: views(whole))
        columns = watch.measure("string net", lambda: strings.log_probabilities(shown))
        watch.measure("CTC search", lambda: [decode_columns(each, 1, 12) for each in columns])


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """A classifier whose answer is known, so that what follows can be measured alone."""

    name: str
    images: np.ndarray
    answer: np.ndarray

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return self.answer


def _page(crop: Crop) -> Page:
    return Page(cv2.cvtColor(crop.image, cv2.COLOR_BGR2GRAY), None, "crop", 1, "")


def _strings(name: str) -> StringReader | None:
    return None if name == "none" else load_string_reader(name)


def _whole_images(folder: Path, form: str) -> Iterator[Crop]:
    for row in _rows(folder):
        image = cv2.imread(str(folder / "images" / row["file"]))
        assert image is not None
        yield Crop(image, _digits(row["value"]), form)


def _cheque_boxes(folder: Path) -> Iterator[Crop]:
    for row in _rows(folder):
        image = cv2.imread(str(folder / "images" / row["file"]))
        assert image is not None
        x, y, width, height = (int(row[key]) for key in ("x", "y", "w", "h"))
        yield Crop(image[y : y + height, x : x + width], _digits(row["value"]), row["field"])


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    """The rows of ``values.csv`` without the doubtful ones."""
    with (folder / "values.csv").open(newline="", encoding="utf-8") as file:
        yield from (row for row in csv.DictReader(file) if row.get("doubtful") != "y")


def _digits(value: str) -> str:
    return re.sub(r"\D", "", value)


SETS: dict[str, Callable[[Path], Iterator[Crop]]] = {
    "orand_car_a": lambda data: _whole_images(data / "orand_car_a", "amount"),
    "meza": lambda data: _whole_images(data / "meza", "digits"),
    "idrbt_cheques": lambda data: _cheque_boxes(data / "idrbt_cheques"),
}


def _sampled(crops: Iterator[Crop], most: int) -> list[Crop]:
    known = list(crops)
    chosen = np.random.default_rng(0).permutation(len(known))[:most]
    return [known[index] for index in sorted(chosen)]


def _table(crops: Mapping[str, Sequence[Crop]], readers: dict[str, Callable[[Crop], Read]]) -> str:
    lines = [
        "| set | crops | | exact, % [95 %] | read at 1 % error, % | ms a crop, median |",
        "|---|---|---|---|---|---|",
    ]
    for name, chosen in crops.items():
        results = _in_turns(chosen, readers)
        lines += [f"| {name} | {len(chosen)} | {reader} | {_row(found)} |" for reader, found in results.items()]
    return "\n".join(lines)


def _in_turns(crops: Sequence[Crop], readers: dict[str, Callable[[Crop], Read]]) -> dict[str, list[Result]]:
    """Every reader reads a crop before the next one comes."""
    for read in readers.values():
        for crop in crops[:WARM_UP]:
            read(crop)
    results: dict[str, list[Result]] = {name: [] for name in readers}
    for crop in crops:
        for name, read in readers.items():
            began = time.thread_time()
            value, confidence = read(crop)
            results[name].append(Result(value == crop.truth, confidence, 1000 * (time.thread_time() - began)))
    return results


def _row(results: Sequence[Result]) -> str:
    right = [result.right for result in results]
    rate = read_rate([result.confidence for result in results], right, ERROR)
    ms = statistics.median(result.ms for result in results)
    return f"{share(sum(right), len(right))} | {100 * rate:.1f} | {ms:.2f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.peer", description=str(__doc__).splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"any of {', '.join(SETS)}; all where none is given")
    parser.add_argument("--model", default="cnn", help="name of a shipped model or a bundle's folder")
    parser.add_argument("--string-model", default="strings", help="the second reader, or none")
    parser.add_argument("--sample", type=int, default=1000, help="at most so many crops of each set, always the same")
    options = parser.parse_args()
    for name in options.sets:
        if name not in SETS:
            parser.error(f"no set is called {name!r}; there are {', '.join(SETS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
