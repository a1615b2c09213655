"""Whether an error rate that is asked for is kept: thresholds set on some fields, and what they let through on others.

    FORMDIGITS_DATA=DIR python -m bench.trust [--max-error 0.01] [--every N] [--splits 20] [--pictures]

First within a set: the confidence is calibrated and the threshold set on one half of its fields and tried on the other,
as a site would that calibrates on its own rows; means over random halves. Then from one set to another, and from the
calibration that ships, which was made of composed fields. *Counted* is the most lenient threshold with no more than
that error among the calibration's fields; *kept* the one of ``reading.thresholds``, which holds with 95 % confidence
where fields are drawn alike.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

from bench.data import SETS, DataSet
from bench.figures import share
from forms.template import FieldKind
from mnist_model.classifier import Classifier, load_classifier
from mnist_model.evaluation import (
    area_under_risk_coverage,
    calibration_bins,
    expected_calibration_error,
    risk_by_coverage,
)
from mnist_model.strings.bundle import find_string_bundle
from mnist_model.strings.reader import StringReader, load_string_reader
from preprocessing.page import PageProblem
from reading.calibration import Calibration
from reading.checked import CheckedField, checked, fit_calibration
from reading.pipeline import finish_pages, prepare_page
from reading.policy import Policy
from reading.thresholds import find_threshold
from reading.trust import NOTHING, TRUST_FILE, Trust, read_trust

WITHIN = ("orand_car_a", "meza")
TRIED = ("orand_car_a", "meza", "idrbt_cheques", "nist_hsf", "vote_forms")
TRANSFERS = (("orand_car_a", "meza"), ("meza", "orand_car_a"), ("meza", "idrbt_cheques"))
FREEHAND = FieldKind.FREEHAND


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Fields with the confidence that some calibration gives them; all (N,). What was not read has confidence 0."""

    confidence: np.ndarray
    right: np.ndarray
    acceptable: np.ndarray

    def accepted(self, threshold: float) -> np.ndarray:
        """(N,) bool: what a threshold lets through."""
        return self.acceptable & (self.confidence >= threshold)


def main() -> int:
    """Measure and print the tables; exit code 2 where there is no data."""
    options = _options()
    data = os.environ.get("FORMDIGITS_DATA")
    if not data or not Path(data).is_dir():
        print("bench.trust: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    classifier, strings = load_classifier(options.model), load_string_reader(options.string_model)
    fields = {}
    for name in TRIED:
        fields[name] = read_fields(SETS[name](Path(data), options.build), classifier, strings, options.every)
        print(f"{name}: {len(fields[name])} fields", file=sys.stderr)
    trust = _shipped(options.string_model, f"{classifier.name} + {strings.name}")
    print(f"model {classifier.name} + {strings.name}; at most {100 * options.max_error:g} % error asked for\n")
    print("\n".join(within_table(fields, options.max_error, options.splits)), end="\n\n")
    print("\n".join(transfer_table(fields, trust, options.max_error)))
    if options.pictures:
        draw(options.build, fields, trust)
    return 0


def read_fields(
    data_set: DataSet, classifier: Classifier, strings: StringReader, every: int
) -> list[CheckedField | None]:
    """Every field with ink of every so many pages, beside its truth; None for what was not read."""
    found: list[CheckedField | None] = []
    samples = data_set.samples[:: every if len(data_set.samples) > 1000 else 1]
    pages = [(sample.truth, prepare_page(sample.page, data_set.forms)) for sample in samples]
    found += [None for truth, page in pages if isinstance(page, PageProblem) for value in truth.values() if value]
    read = [(truth, page) for truth, page in pages if not isinstance(page, PageProblem)]
    readings = finish_pages([page for _, page in read], classifier, Policy(), strings)
    for (truth, _), reading in zip(read, readings, strict=True):
        known = {field.field: checked(field, truth[field.field]) for field in reading.fields if field.field in truth}
        found += [known.get(name) for name, value in truth.items() if value or known.get(name)]
    return found


def judged(fields: Sequence[CheckedField | None], calibrations: Mapping[FieldKind, Calibration]) -> Judged:
    """The fields with the confidences of these calibrations."""
    sure = [calibrations[f.kind].confidence(f.signals or {}) if f else 0.0 for f in fields]
    right, acceptable = [bool(f and f.right) for f in fields], [bool(f and f.acceptable) for f in fields]
    return Judged(np.array(sure), np.array(right), np.array(acceptable))


def counted(known: Judged, max_error: float) -> float:
    """The most lenient threshold with no more than that error among these fields."""
    sure, right = known.confidence[known.acceptable], known.right[known.acceptable]
    kept = np.flatnonzero(risk_by_coverage(sure, right) <= max_error)
    return float(np.sort(sure)[::-1][kept[-1]]) if len(kept) else NOTHING


def kept(known: Judged, max_error: float) -> float:
    """The threshold that holds with 95 % confidence."""
    found = find_threshold(known.confidence[known.acceptable], known.right[known.acceptable], max_error)
    return NOTHING if found is None else found.confidence


def within_table(fields: Mapping[str, Sequence[CheckedField | None]], max_error: float, splits: int) -> list[str]:
    """For each set the means over random halves."""
    lines = [
        "| set | fields | exact, % | AURC | ECE | with hindsight, % | counted: read, % | error seen, % "
        "| kept: read, % | error seen, % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in WITHIN:
        rows = np.array([_halved(fields[name], max_error, np.random.default_rng(n)) for n in range(splits)])
        exact, aurc, ece, *rates = rows.mean(axis=0)
        counted_error, kept_error = (_pooled(rows, read) for read in (4, 6))
        lines.append(
            f"| {name} | {len(fields[name])} | {100 * exact:.1f} | {aurc:.4f} | {ece:.3f} | {100 * rates[0]:.1f} "
            f"| {100 * rates[1]:.1f} | {counted_error} | {100 * rates[3]:.1f} | {kept_error} |"
        )
    return lines


def _halved(fields: Sequence[CheckedField | None], max_error: float, rng: np.random.Generator) -> list[float]:
    """Exact, AURC, ECE, hindsight; read rate and wrong share by *counted*, then by *kept*; all shares of the half."""
    order = rng.permutation(len(fields))
    known, others = ([fields[index] for index in part] for part in np.array_split(order, 2))
    calibrations = {FREEHAND: fit_calibration([field for field in known if field])}
    own, test = judged(known, calibrations), judged(others, calibrations)
    row = [test.right.mean(), area_under_risk_coverage(test.confidence, test.right), _ece(test)]
    row.append(test.accepted(counted(test, max_error)).mean())
    for rule in (counted, kept):
        accepted = test.accepted(rule(own, max_error))
        row += [accepted.mean(), (accepted & ~test.right).mean()]
    return [float(value) for value in row]


def _pooled(rows: np.ndarray, read: int) -> str:
    """The error seen over all halves: wrong over accepted."""
    accepted, wrong = rows[:, read].sum(), rows[:, read + 1].sum()
    return f"{100 * wrong / accepted:.2f}" if accepted else "-"


def _ece(test: Judged) -> float:
    return expected_calibration_error(calibration_bins(test.confidence, test.right))


def transfer_table(
    fields: Mapping[str, Sequence[CheckedField | None]], trust: Trust | None, max_error: float
) -> list[str]:
    """Thresholds of one set tried on another."""
    lines = [
        "| from | to | fields | exact, % | AURC | ECE | counted: read, % | error seen, % [95 %] "
        "| kept: read, % | error seen, % [95 %] |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for source, target in TRANSFERS:
        calibrations = {FREEHAND: fit_calibration([f for f in fields[source] if f])}
        own, there = judged(fields[source], calibrations), judged(_of_kind(fields[target], FREEHAND), calibrations)
        lines.append(_transferred(source, target, there, counted(own, max_error), kept(own, max_error)))
    for target in TRIED if trust else ():
        for kind in FieldKind:
            chosen = _of_kind(fields[target], kind)
            if trust and any(chosen):
                there = judged(chosen, trust.calibrations)
                promise = trust.promise("", kind, max_error)
                lines.append(_transferred("shipped", f"{target}, {kind}", there, None, promise.threshold))
    return lines


def _of_kind(fields: Sequence[CheckedField | None], kind: FieldKind) -> list[CheckedField | None]:
    """Fields of one kind; what was not read counts with the free-hand ones, which it mostly is."""
    return [field for field in fields if (field.kind if field else FREEHAND) is kind]


def _transferred(source: str, target: str, there: Judged, *thresholds: float | None) -> str:
    cells = [source, target, str(len(there.right)), f"{100 * there.right.mean():.1f}"]
    cells += [f"{area_under_risk_coverage(there.confidence, there.right):.4f}", f"{_ece(there):.3f}"]
    for threshold in thresholds:
        accepted = there.accepted(NOTHING if threshold is None else threshold)
        wrong = int((accepted & ~there.right).sum())
        cells += (
            ["-", "-"] if threshold is None else [f"{100 * accepted.mean():.1f}", share(wrong, int(accepted.sum()))]
        )
    return "| " + " | ".join(cells) + " |"


def draw(folder: Path, fields: Mapping[str, Sequence[CheckedField | None]], trust: Trust | None) -> None:
    """Write trust_risk_coverage.png and trust_reliability.png: each set by itself, and by what ships."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    drawn: Sequence[tuple[str, Callable[[Judged], tuple[np.ndarray, np.ndarray]], str, str]] = (
        ("trust_risk_coverage", _risk_line, "share accepted", "share wrong of the accepted"),
        ("trust_reliability", _reliability_line, "confidence", "share right"),
    )
    for name, line, x_label, y_label in drawn:
        figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
        for label, one in _lines(fields, trust):
            axes.plot(*line(one), label=label, marker="." if line is _reliability_line else "")
        if line is _reliability_line:
            axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.legend()
        figure.savefig(folder / f"{name}.png", dpi=120)
        plt.close(figure)


def _lines(fields: Mapping[str, Sequence[CheckedField | None]], trust: Trust | None) -> list[tuple[str, Judged]]:
    found = []
    for name in WITHIN:
        halves = [list(fields[name][start::2]) for start in (0, 1)]
        own = {FREEHAND: fit_calibration([field for field in halves[0] if field])}
        found.append((f"{name}, calibrated on its other half", judged(halves[1], own)))
        if trust:
            found.append((f"{name}, calibration as shipped", judged(halves[1], trust.calibrations)))
    return found


def _risk_line(one: Judged) -> tuple[np.ndarray, np.ndarray]:
    risk = risk_by_coverage(one.confidence, one.right)
    return np.arange(1, len(risk) + 1) / len(risk), risk


def _reliability_line(one: Judged) -> tuple[np.ndarray, np.ndarray]:
    bins = [b for b in calibration_bins(one.confidence, one.right) if b.count >= 10]
    return np.array([b.confidence for b in bins]), np.array([b.accuracy for b in bins])


def _shipped(string_model: str, readers: str) -> Trust | None:
    file = find_string_bundle(string_model) / TRUST_FILE
    trust = read_trust(file) if file.is_file() else None
    if trust is None or trust.readers != readers:
        print("bench.trust: no calibration of these models ships with them.", file=sys.stderr)
        return None
    return trust


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.trust", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cnn", help="name of a shipped model or a bundle's folder")
    parser.add_argument("--string-model", default="strings", help="the second reader of free-hand fields")
    parser.add_argument("--max-error", type=float, default=0.01)
    parser.add_argument("--every", type=int, default=1, help="read every so many pages of the large sets")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--pictures", action="store_true", help="write risk-coverage and reliability as PNG")
    parser.add_argument("--build", type=Path, default=Path("build/bench"), help="where blanks and pictures go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
