"""What a page costs, stage by stage, beside the decoding of its file alone: ``python -m bench.pages``.

Makes A4 pages at 300 dpi with 40 digits in build/bench, reads each of them in every format several times, and prints
the medians as a table. All is measured in one run, in turns, on one thread: figures of different runs do not compare.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image

from bench.page_maker import FORMATS, MadePage, make_form, make_pages
from forms.form_file import load_forms
from forms.template import FieldKind, FormTemplate
from ledger.ledger import Ledger
from mnist_model.classifier import Classifier, load_classifier
from mnist_model.strings.reader import StringReader, load_string_reader
from preprocessing.isolation import isolate_fields
from preprocessing.normalization import normalize_all
from preprocessing.page import PageProblem
from preprocessing.pictures import encode_png
from preprocessing.registration import register
from preprocessing.scans import hash_scan, list_scans, open_scan
from preprocessing.segmentation import segment
from preprocessing.strips import strip
from reading.pipeline import PreparedPage, finish_pages, prepare_page
from reading.policy import Policy
from reading.readings import PageReading

BUILD = Path(__file__).parents[1] / "build" / "bench"

_Result = TypeVar("_Result")


class Stopwatch:
    """Milliseconds a page, by what was measured; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.times: dict[str, list[float]] = defaultdict(list)

    def measure(self, what: str, work: Callable[[], _Result], pages: int = 1) -> _Result:
        """Do the work and put down its time, divided by the pages it was for."""
        started = self.clock()
        result = work()
        self.times[what].append(1000 * (self.clock() - started) / pages)
        return result

    def median(self, what: str) -> float:
        return statistics.median(self.times[what])


@dataclass(frozen=True, slots=True)
class Bench:
    """What reads the pages."""

    forms: tuple[FormTemplate, ...]
    classifier: Classifier
    strings: StringReader
    ledger_file: Path


@dataclass(frozen=True, slots=True)
class TimedClassifier:
    """A classifier that puts down its time."""

    classifier: Classifier
    watch: Stopwatch
    pages: int

    @property
    def name(self) -> str:
        return self.classifier.name

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return self.watch.measure("classification", lambda: self.classifier.probabilities(images), self.pages)


@dataclass(frozen=True, slots=True)
class TimedStrings:
    """A string reader that puts down its time."""

    strings: StringReader
    watch: Stopwatch
    pages: int

    @property
    def name(self) -> str:
        return self.strings.name

    def log_probabilities(self, strips: Sequence[np.ndarray]) -> list[np.ndarray]:
        return self.watch.measure("strings", lambda: self.strings.log_probabilities(strips), self.pages)


def decode_alone(file: Path, watch: Stopwatch) -> None:
    """The bytes of a file to a grey array: by OpenCV and by Pillow, the faster one counts."""
    data = file.read_bytes()
    decoders = Stopwatch(watch.clock)
    decoders.measure("opencv", lambda: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE))
    decoders.measure("pillow", lambda: np.asarray(Image.open(io.BytesIO(data)).convert("L")))
    watch.times["decode alone"].append(min(decoders.median("opencv"), decoders.median("pillow")))


def measure_page(file: Path, bench: Bench, watch: Stopwatch) -> PreparedPage:
    """Each stage from a file to its 28x28 pieces, one by one."""
    (scan,) = list_scans(file)
    sha256 = read(watch.measure("hashing", lambda: hash_scan(scan, settle_s=0)))
    page = watch.measure("intake", lambda: read(*open_scan(scan, sha256)))
    registered = read(watch.measure("registration", lambda: register(page, bench.forms)))
    images = watch.measure("isolation", lambda: isolate_fields(registered))
    candidates = watch.measure("segmentation", lambda: [segment(image) for image in images])
    inks = [[piece.ink for piece in found.pieces] for found in candidates]
    watch.measure("normalization", lambda: [normalize_all(pieces) for pieces in inks])
    free = [image for image in images if image.field.kind is FieldKind.FREEHAND]
    watch.measure("strips", lambda: [strip(image) for image in free])
    watch.measure("crops", lambda: [encode_png(image.grey) for image in images])
    return read(prepare_page(page, bench.forms))


def measure_chunk(prepared: Sequence[PreparedPage], bench: Bench, watch: Stopwatch) -> list[PageReading]:
    """The stages that take many pages at once: classification, decoding with its decisions, recording."""
    classifier = TimedClassifier(bench.classifier, watch, len(prepared))
    strings = TimedStrings(bench.strings, watch, len(prepared))
    readings = watch.measure("decoding", lambda: finish_pages(prepared, classifier, Policy(), strings), len(prepared))
    # finish_pages calls both nets
    watch.times["decoding"][-1] -= watch.times["classification"][-1] + watch.times["strings"][-1]
    with new_batch(bench) as (ledger, batch):
        watch.measure("ledger", lambda: ledger.record_chunk(batch, readings), len(prepared))
    return readings


def measure_whole(files: Sequence[Path], bench: Bench, watch: Stopwatch) -> None:
    """From files to the ledger in one go, as the product reads a chunk."""
    scans = [list_scans(file)[0] for file in files]

    def read_chunk() -> None:
        pages = (read(*open_scan(scan, read(hash_scan(scan, settle_s=0)))) for scan in scans)
        prepared = [read(prepare_page(page, bench.forms)) for page in pages]
        ledger.record_chunk(batch, finish_pages(prepared, bench.classifier, Policy(), bench.strings))

    with new_batch(bench) as (ledger, batch):
        watch.measure("whole", read_chunk, len(files))


@contextmanager
def new_batch(bench: Bench) -> Iterator[tuple[Ledger, int]]:
    """A batch in an empty ledger."""
    bench.ledger_file.unlink(missing_ok=True)
    with Ledger.open(f"sqlite:///{bench.ledger_file}") as ledger:
        yield ledger, ledger.open_batch("bench", bench.forms[0].name, bench.forms[0].digest)


def read(result: _Result | PageProblem) -> _Result:
    """The result, where it is none of a problem: pages made here can all be read."""
    if isinstance(result, PageProblem):
        raise SystemExit(f"{result.scan}: {result.reason}: {result.detail}")
    return result


def right_fields(made: Sequence[MadePage], readings: Sequence[PageReading]) -> int:
    """How many fields were read as they were written."""
    pairs = zip(made, readings, strict=True)
    return sum(field.value == page.truth[field.field] for page, reading in pairs for field in reading.fields)


def table(watches: dict[str, Stopwatch]) -> Iterator[str]:
    """The medians in ms a page, a row for each stage and a column for each format."""
    stages = list(next(iter(watches.values())).times)
    yield f"| ms a page | {' | '.join(watches)} |"
    yield f"|---|{'---:|' * len(watches)}"
    for stage in stages:
        yield f"| {stage} | {' | '.join(f'{watch.median(stage):.1f}' for watch in watches.values())} |"
    ratios = [watch.median("whole") / watch.median("decode alone") for watch in watches.values()]
    yield f"| whole / decode alone | {' | '.join(f'{ratio:.1f}' for ratio in ratios)} |"


def run(by_marks: bool, options: argparse.Namespace) -> None:
    """Make the pages, measure them in turns, print the table."""
    folder = BUILD / ("marks" if by_marks else "print")
    form = make_form(folder, by_marks)
    made = make_pages(folder / "scans", options.pages, by_marks)
    bench = Bench(load_forms(form), load_classifier(options.model), load_string_reader(), folder / "ledger.sqlite")
    watches = {name: Stopwatch(time.process_time if options.cpu else time.perf_counter) for name in FORMATS}
    right = dict.fromkeys(FORMATS, 0)
    for _ in range(options.rounds):
        for name, watch in watches.items():
            files = [page.files[name] for page in made]
            prepared = []
            for file in files:
                decode_alone(file, watch)
                prepared.append(measure_page(file, bench, watch))
            right[name] = right_fields(made, measure_chunk(prepared, bench, watch))
            measure_whole(files, bench, watch)
    print(f"\nRegistered by {'marks' if by_marks else 'print'}; {bench.classifier.name}; {options.pages} pages\n")
    print(*table(watches), sep="\n")
    fields = sum(len(page.truth) for page in made)
    print(f"\nFields read right, of {fields}: " + ", ".join(f"{name} {count}" for name, count in right.items()))


def main() -> None:
    """Measure with both ways of registration."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=12, help="different pages (default 12)")
    parser.add_argument("--rounds", type=int, default=3, help="times that each is read (default 3)")
    parser.add_argument("--model", default="cnn", help="name or folder of a bundle (default cnn)")
    parser.add_argument("--cpu", action="store_true", help="CPU time, on a machine that does other things as well")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for by_marks in (True, False):
        run(by_marks, options)


if __name__ == "__main__":
    main()
