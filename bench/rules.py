"""What rules do to what is read: errors that they remove, and errors that they introduce.

    FORMDIGITS_DATA=DIR python -m bench.rules [--count 500] [--parts composed strings scans]

Each page is read twice, by its form with the rule and without. *Removed*: wrong without the rule, right with it;
*introduced*: the other way round. One page in a hundred of the first two parts breaks its rule by a writer's slip.
*Changed* values are always flagged; the column beside says how many of them are wrong. Accepted, and wrong among the
accepted, stand before and after.

- composed: combs filled with digits of USPS' test part and of Semeion, numbers made by the rule.
- strings: real strings (ORAND's amounts, Meza's cells) whose true value happens to keep a check digit's rule.
- scans: dates on cheques and sums on vote forms, as their forms under bench/forms state them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.data import SETS, DataSet
from bench.figures import share
from bench.ruled_pages import Digits, RuledPages, chosen, composed, read_by, without_rules
from forms.rules import CheckDigit, CheckScheme
from mnist_model.classifier import Classifier, load_classifier
from mnist_model.strings.reader import StringReader, load_string_reader
from preprocessing.page import PageProblem
from reading.pipeline import PreparedPage, finish_pages, prepare_page
from reading.policy import Policy
from reading.readings import FieldReading, Reason

SEED = 1
PARTS = ("composed", "strings", "scans")
SCHEMES = (CheckScheme.LUHN, CheckScheme.VERHOEFF, CheckScheme.MOD11, CheckScheme.MOD97)


@dataclass(frozen=True, slots=True)
class Pair:
    """A field's truth, and what is read without the rules and with them."""

    truth: str
    plain: FieldReading
    ruled: FieldReading

    @property
    def removed(self) -> bool:
        return self.plain.value != self.truth == self.ruled.value

    @property
    def introduced(self) -> bool:
        return self.plain.value == self.truth != self.ruled.value


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads the pages."""

    classifier: Classifier
    strings: StringReader

    def pairs(self, pages: RuledPages) -> list[Pair]:
        """Every field with a truth, read without the rules and with them."""
        plain, ruled = (
            finish_pages([read_by(page, form) for page in pages.pages], self.classifier, Policy(), self.strings)
            for form in (pages.plain, pages.form)
        )
        return [
            Pair(truth[one.field], one, other)
            for before, after, truth in zip(plain, ruled, pages.truths, strict=True)
            for one, other in zip(before.fields, after.fields, strict=True)
            if one.field in truth
        ]


def main() -> int:
    """Measure the parts that were asked for and print a table of each; exit code 2 where there is no data."""
    options = _options()
    data = os.environ.get("FORMDIGITS_DATA")
    if not data or not Path(data).is_dir():
        print("bench.rules: set FORMDIGITS_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    readers = Readers(load_classifier("cnn"), load_string_reader("strings"))
    print(f"model {readers.classifier.name} + {readers.strings.name}, accepted from {Policy().min_confidence:g}")
    makers = {"composed": _composed, "strings": _strings, "scans": _scans}
    for part in options.parts:
        print(f"\n{part}\n\n{_HEADER}")
        totals: list[Pair] = []
        for pages in makers[part](Path(data), options):
            pairs = readers.pairs(pages)
            totals += pairs
            print(_row(pages.name, pairs), flush=True)
        print(_row("all", totals))
    return 0


def _composed(data: Path, options: argparse.Namespace) -> Iterator[RuledPages]:
    for source in ("usps", "semeion"):
        rng = np.random.default_rng(SEED)
        digits = Digits(SETS[source](data, options.build), rng)
        for pages in composed(digits, options.count, rng):
            yield RuledPages(f"{source}, {pages.name}", pages.form, pages.pages, pages.truths)


def _strings(data: Path, options: argparse.Namespace) -> Iterator[RuledPages]:
    for source in ("orand_car_a", "meza"):
        real = SETS[source](data, options.build)
        wanted = [CheckDigit(scheme) for scheme in SCHEMES]
        prepared = _prepared(real)
        for rule in wanted:
            yield chosen(f"{source}, {rule.scheme}", real, rule, prepared)


def _scans(data: Path, options: argparse.Namespace) -> Iterator[RuledPages]:
    for source in ("idrbt_cheques", "vote_forms"):
        real = SETS[source](data, options.build)
        prepared = _prepared(real)
        truths = {sample.page.scan: sample.truth for sample in real.samples}
        for form in real.forms:
            ruled = {field.name for field in form.fields if form.sums or field != without_rules(form).field(field.name)}
            pages = [page for page in prepared.values() if page.form.name == form.name]
            kept = [{name: value for name, value in truths[page.scan].items() if name in ruled} for page in pages]
            yield RuledPages(form.name, form, pages, kept)


def _prepared(real: DataSet) -> dict[str, PreparedPage]:
    """The pages that can be read, by scan."""
    pages = (prepare_page(sample.page, real.forms) for sample in real.samples)
    return {page.scan: page for page in pages if not isinstance(page, PageProblem)}


_HEADER = """| rule | fields | wrong, plain -> ruled | removed | introduced | changed | of these wrong | \
accepted, plain -> ruled | wrong of accepted, plain -> ruled |
|---|---|---|---|---|---|---|---|---|"""


def _row(name: str, pairs: Sequence[Pair]) -> str:
    changed = [pair for pair in pairs if Reason.RULE_CHANGED_VALUE in pair.ruled.reasons]
    wrong = [sum(getattr(pair, side).value != pair.truth for pair in pairs) for side in ("plain", "ruled")]
    cells = [
        name,
        str(len(pairs)),
        f"{wrong[0]} -> {wrong[1]}",
        str(sum(pair.removed for pair in pairs)),
        str(sum(pair.introduced for pair in pairs)),
        str(len(changed)),
        str(sum(pair.ruled.value != pair.truth for pair in changed)),
        " -> ".join(_accepted(pairs, side)[0] for side in ("plain", "ruled")),
        " -> ".join(_accepted(pairs, side)[1] for side in ("plain", "ruled")),
    ]
    return f"| {' | '.join(cells)} |"


def _accepted(pairs: Sequence[Pair], side: str) -> tuple[str, str]:
    """The share that is accepted in per cent, and the share of these that is wrong with its interval."""
    accepted = [pair for pair in pairs if not getattr(pair, side).needs_review]
    wrong = sum(getattr(pair, side).value != pair.truth for pair in accepted)
    return f"{100 * len(accepted) / max(1, len(pairs)):.1f}", share(wrong, len(accepted)) if accepted else "-"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.rules", description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--count", type=int, default=500, help="pages composed for each rule and set")
    parser.add_argument("--build", type=Path, default=Path("build/bench"), help="where blanks go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
