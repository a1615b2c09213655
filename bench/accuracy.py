"""How well real scans are read: exact values, characters, and what is accepted without a person.

    FORMDIGITS_DATA=DIR python -m bench.accuracy [SET ...] [--model cnn] [--max-error 0.01 | --min-confidence 0.95]
        [--pictures]

Every set is one that the shipped models were not trained on. A row gives the number of fields, the share whose whole
value is right with its 95 % Wilson interval, the character error rate, the share accepted without a person (read
rate) and the share of those that is wrong (substitution error). ``--pictures`` writes a page with the worst fields
for each set.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.data import SETS, DataSet, Sample
from bench.figures import Outcome, markdown_table
from bench.worst import write_worst
from flows.learning.trusting import find_trust, policy_of
from mnist_model.classifier import Classifier, load_classifier
from mnist_model.strings.reader import StringReader, load_string_reader
from preprocessing.page import PageProblem
from reading.pipeline import finish_pages, prepare_page, readers_of
from reading.policy import Policy
from reading.readings import PageReading


def main() -> int:
    """Measure the sets that were asked for and print the table; exit code 2 where there is no data."""
    options = _options()
    data = os.environ.get("FORMDIGITS_DATA")
    if not data or not Path(data).is_dir():
        print("bench.accuracy: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    classifier = load_classifier(options.model)
    strings = None if options.string_model == "none" else load_string_reader(options.string_model)
    string_model = None if strings is None else options.string_model
    trust = find_trust(None, options.model, string_model, readers_of(classifier, strings))
    rows = []
    for name in options.sets or SETS:
        began = time.perf_counter()
        data_set = SETS[name](Path(data), options.build)
        policy = policy_of(data_set.forms, trust, options.max_error, options.min_confidence)
        outcomes = list(measure(data_set, classifier, policy, strings))
        rows.append((name, outcomes, time.perf_counter() - began))
        print(f"{name}: {len(outcomes)} fields; {'; '.join(policy.describe())}", file=sys.stderr)
        if options.pictures:
            write_worst(options.build / f"worst_{name}.html", name, outcomes)
    print(f"model {readers_of(classifier, strings)}, {trust.name if trust else 'not calibrated'}\n")
    print(markdown_table(rows))
    return 0


def measure(
    data_set: DataSet, classifier: Classifier, policy: Policy, strings: StringReader | None = None
) -> Iterator[Outcome]:
    """Read every page of a set, all pieces of it in one call, and lay each field beside its truth."""
    prepared, samples = [], []
    for sample in data_set.samples:
        page = prepare_page(sample.page, data_set.forms)
        if isinstance(page, PageProblem):
            yield from _lost(sample, page)
        else:
            prepared.append(page)
            samples.append(sample)
    for sample, reading in zip(samples, finish_pages(prepared, classifier, policy, strings), strict=True):
        yield from _compared(sample, reading)


def _compared(sample: Sample, reading: PageReading) -> Iterator[Outcome]:
    readings = {field.field: field for field in reading.fields}
    for name, truth in sample.truth.items():
        found = readings.get(name)
        if found is None:  # the page was taken for another form
            yield Outcome(sample.page.scan, name, truth, "", 0.0, False, f"read as form {reading.form}", b"")
        else:
            reasons = ";".join(found.reasons)
            accepted = not found.needs_review
            yield Outcome(
                sample.page.scan, name, truth, found.value, found.confidence, accepted, reasons, found.crop_png
            )


def _lost(sample: Sample, problem: PageProblem) -> Iterator[Outcome]:
    for name, truth in sample.truth.items():
        yield Outcome(sample.page.scan, name, truth, "", 0.0, False, problem.reason.value, b"")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"any of {', '.join(SETS)}; all where none is given")
    parser.add_argument("--model", default="cnn", help="name of a shipped model or a bundle's folder")
    parser.add_argument("--string-model", default="strings", help="the second reader of free-hand fields, or none")
    accepted = parser.add_mutually_exclusive_group()
    accepted.add_argument("--max-error", type=float, help="what digitize would accept for it")
    accepted.add_argument("--min-confidence", type=float)
    parser.add_argument("--pictures", action="store_true", help="write an HTML page of the worst fields of each set")
    parser.add_argument("--build", type=Path, default=Path("build/bench"), help="where blanks and pictures go")
    options = parser.parse_args()
    for name in options.sets:
        if name not in SETS:
            parser.error(f"no set is called {name!r}; there are {', '.join(SETS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
