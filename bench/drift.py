"""Whether drift is seen where the writing is another, and not where it is the same.

    FORMDIGITS_DATA=DIR python -m bench.drift [--most 1500] [--splits 200]

One half of a set is the reference. The other half must raise no warning: ``--splits`` random halves tell how often it
does. Another set of the same form kind must. Of a large set ``--most`` fields are read, drawn at random. At last each
set is compared with the calibration that ships, as the first batch of a form is.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.data import SETS, DataSet
from bench.figures import share
from forms.template import FieldKind
from ledger.rows import TRAITS
from mnist_model.classifier import load_classifier
from mnist_model.strings.bundle import find_string_bundle
from mnist_model.strings.reader import load_string_reader
from preprocessing.page import PageProblem
from reading.drift import DriftReport, Level, drift, reference_of
from reading.pipeline import finish_pages, prepare_page
from reading.policy import Policy
from reading.readings import FieldReading
from reading.trust import TRUST_FILE, Trust, read_trust

REFERENCE = "orand_car_a"
OTHERS = ("meza",)
SIZES = (100, 200, 400)
BEFORE = 400

Samples = Mapping[str, np.ndarray]


def main() -> int:
    """Print how often equal writing is reported, and what is said of other writing; exit code 2 without data."""
    options = _options()
    data = os.environ.get("FORMDIGITS_DATA")
    if not data or not Path(data).is_dir():
        print("bench.drift: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    sets = {name: SETS[name](Path(data), options.build) for name in (REFERENCE, *OTHERS)}
    known = _samples(sets[REFERENCE], options.most, Policy())
    print("\n".join(_same_writing(known, options.splits)))
    for name in OTHERS:
        other = _samples(sets[name], options.most, Policy())
        print("\n".join(_other_writing(name, known, other)))
        print("\n".join(_small_samples(name, known, other, options.splits)))
    trust = read_trust(find_string_bundle(options.string_model) / TRUST_FILE)
    for name, data_set in sets.items():
        print("\n".join(_beside_calibration(name, trust, _samples(data_set, options.most, Policy(trust=trust)))))
    return 0


def _samples(data_set: DataSet, most: int, policy: Policy) -> Samples:
    """The statistics of the set's fields with a value, (N,) float64 each."""
    order = np.random.default_rng(0).permutation(len(data_set.samples))[:most]
    prepared = (prepare_page(data_set.samples[index].page, data_set.forms) for index in order)
    pages = [page for page in prepared if not isinstance(page, PageProblem)]
    readings = finish_pages(pages, load_classifier("cnn"), policy, load_string_reader("strings"))
    fields = [field for page in readings for field in page.fields if field.value and field.traits]
    return {name: np.array([_statistic(field, name) for field in fields]) for name in ("confidence", *TRAITS)}


def _statistic(field: FieldReading, name: str) -> float:
    return float(field.confidence if name == "confidence" else getattr(field.traits, name))


def _same_writing(known: Samples, splits: int) -> Iterator[str]:
    yield f"{REFERENCE}, {BEFORE} fields as reference, random others of the same set, {splits} splits\n"
    yield "| fields | warned, % [95 %] | strong, % [95 %] |\n|---|---|---|"
    for size in SIZES:
        levels = [report.level for report in _splits(known, known, size, splits)]
        yield _row(size, levels)


def _small_samples(name: str, known: Samples, other: Samples, splits: int) -> Iterator[str]:
    yield f"\n{REFERENCE}, {BEFORE} fields as reference, random fields of {name}, {splits} draws\n"
    yield "| fields | warned, % [95 %] | strong, % [95 %] |\n|---|---|---|"
    for size in SIZES:
        yield _row(size, [report.level for report in _splits(known, other, size, splits)])


def _row(size: int, levels: Sequence[Level]) -> str:
    warned = sum(level > Level.NONE for level in levels)
    return f"| {size} | {share(warned, len(levels))} | {share(levels.count(Level.STRONG), len(levels))} |"


def _splits(known: Samples, now: Samples, size: int, splits: int) -> Iterator[DriftReport]:
    """``size`` fields beside ``BEFORE`` others, drawn anew each time; never the same field on both sides."""
    random = np.random.default_rng(1)
    for _ in range(splits):
        order = random.permutation(len(known["confidence"]))
        before, rest = order[:BEFORE], order[BEFORE:] if now is known else random.permutation(len(now["confidence"]))
        report = drift(reference_of(_chosen(known, before)), _chosen(now, rest[:size]))
        if report is None:
            raise ValueError(f"{REFERENCE} has too few fields for {BEFORE} and {size} of them")
        yield report


def _chosen(samples: Samples, indices: np.ndarray) -> dict[str, list[float]]:
    return {name: sample[indices].tolist() for name, sample in samples.items()}


def _other_writing(name: str, known: Samples, other: Samples) -> Iterator[str]:
    everything = {statistic: sample.tolist() for statistic, sample in other.items()}
    report = drift(reference_of({statistic: sample.tolist() for statistic, sample in known.items()}), everything)
    if report is None:
        raise ValueError(f"{name} or {REFERENCE} has too few fields")
    yield f"\n{REFERENCE} as reference ({report.reference_fields} fields), {name} ({report.fields} fields)\n"
    yield from _table(report)


def _beside_calibration(name: str, trust: Trust, now: Samples) -> Iterator[str]:
    """All statistics, although a first batch is only told of what the readers say of it."""
    known = trust.group("", FieldKind.FREEHAND).reference
    report = None if known is None else drift(known, {statistic: sample.tolist() for statistic, sample in now.items()})
    if report is None:
        yield f"\n{trust.name} does not say what its fields are like, or {name} has too few"
        return
    yield f"\n{trust.name} as reference ({report.reference_fields} fields), {name} ({report.fields} fields)\n"
    yield from _table(report)


def _table(report: DriftReport) -> Iterator[str]:
    yield "| statistic | median before | now | KS distance | stability index | level |\n|---|---|---|---|---|---|"
    for one in report.statistics:
        told = f"{one.before:.3g} | {one.now:.3g} | {one.distance:.2f} | {one.stability:.2f}"
        yield f"| {one.name} | {told} | {one.level.name.lower()} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.drift", description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1500, help="fields of a set that are read at most")
    parser.add_argument("--splits", type=int, default=200, help="random halves")
    parser.add_argument("--string-model", default="strings", help="the reader whose calibration is compared with")
    parser.add_argument("--build", type=Path, default=Path("build/bench"), help="where blanks go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
