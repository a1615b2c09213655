"""Pages whose values keep a rule: composed of single digits that people wrote, or chosen among real fields.

What is composed are prepared pages: each cell of a comb holds a digit of a set that no shipped model was trained on.
Only the numbers are made up, by the rule; which writing stands in a cell is drawn at random. One page in a hundred
holds a slip, as people make them: what is written there breaks the rule, and is the truth all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from bench.data import DataSet
from forms.rules import CheckDigit, CheckScheme, DateRule, Roster, SumRule
from forms.template import Box, Field, FieldKind, FormTemplate
from preprocessing.page import PageProblem
from reading.check_digits import keeps_check_digit
from reading.pipeline import PreparedField, PreparedPage, prepare_page

RUN_DAY = date(2026, 1, 31)
ROSTER_SIZE = 10_000
SLIPS = 0.01  # share of the pages on which the writer broke the rule
PARTS = 5


@dataclass(frozen=True, slots=True, eq=False)
class RuledPages:
    """Pages of a form with a rule, and the truth of each page's fields; ``plain`` is the form without any rule."""

    name: str
    form: FormTemplate
    pages: Sequence[PreparedPage]
    truths: Sequence[Mapping[str, str]]

    @property
    def plain(self) -> FormTemplate:
        return without_rules(self.form)


def without_rules(form: FormTemplate) -> FormTemplate:
    """The same form with nothing said about its values but their length."""
    fields = tuple(
        replace(f, check_digit=None, date=None, roster=None, pattern=None, min_value=None, max_value=None)
        for f in form.fields
    )
    return replace(form, fields=fields, sums=())


def read_by(page: PreparedPage, form: FormTemplate) -> PreparedPage:
    """The page as one of another form with the same fields in the same places."""
    fields = tuple(replace(field, field=form.field(field.field.name)) for field in page.fields)
    return replace(page, form=form, fields=fields)


class Digits:
    """Digits that people wrote, each prepared as a cell of a comb."""

    def __init__(self, digits: DataSet, rng: np.random.Generator) -> None:
        self._rng = rng
        self._of: dict[str, list[PreparedPage]] = {str(digit): [] for digit in range(10)}
        for sample in digits.samples:
            page = prepare_page(sample.page, digits.forms)
            if not isinstance(page, PageProblem) and page.fields[0].pieces:
                self._of[sample.truth["digit"]].append(page)

    def page(self, form: FormTemplate, values: Sequence[str]) -> PreparedPage:
        """A page with these values in the form's fields."""
        fields = tuple(self._written(field, value) for field, value in zip(form.fields, values, strict=True))
        return replace(self._of["0"][0], form=form, fields=fields)

    def _written(self, field: Field, value: str) -> PreparedField:
        cells = [self._any(digit).fields[0] for digit in value]
        pieces = tuple(replace(cell.pieces[0], start=n, end=n + 1) for n, cell in enumerate(cells))
        return replace(
            cells[0],
            field=field,
            cuts=len(cells),
            pieces=pieces,
            images=np.concatenate([cell.images[:1] for cell in cells]),
            states=tuple(cell.states[0] for cell in cells),
        )

    def _any(self, digit: str) -> PreparedPage:
        known = self._of[digit]
        return known[self._rng.integers(len(known))]


def composed(digits: Digits, count: int, rng: np.random.Generator) -> Iterator[RuledPages]:
    """``count`` pages for each rule."""
    for name, (form, numbers) in {**_check_digits(rng), **_dates(rng), **_rosters(rng), **_sums(rng)}.items():
        values = [_slipped(numbers(), rng) if rng.random() < SLIPS else numbers() for _ in range(count)]
        names = [field.name for field in form.fields]
        pages = [digits.page(form, value) for value in values]
        yield RuledPages(name, form, pages, [dict(zip(names, value, strict=True)) for value in values])


def chosen(name: str, real: DataSet, rule: CheckDigit, pages: Mapping[str, PreparedPage]) -> RuledPages:
    """The pages of one field whose true value happens to keep a rule, and a few that break it as a slip would.

    ``pages`` are prepared, by scan.
    """
    field = replace(real.forms[0].fields[0], check_digit=rule)
    form = replace(real.forms[0], fields=(field,))
    samples = [sample for sample in real.samples if sample.page.scan in pages]
    kept = [sample for sample in samples if keeps_check_digit(rule, sample.truth[field.name])]
    broken = [sample for sample in samples if len(sample.truth[field.name]) in rule.lengths and sample not in kept]
    slips = np.random.default_rng(len(kept)).permutation(len(broken))[: math.ceil(SLIPS * len(kept))]
    kept += [broken[index] for index in slips]
    return RuledPages(name, form, [pages[sample.page.scan] for sample in kept], [sample.truth for sample in kept])


def _slipped(values: Sequence[str], rng: np.random.Generator) -> Sequence[str]:
    """The values with one digit of one of them turned into another."""
    field = int(rng.integers(len(values)))
    value = values[field]
    place = int(rng.integers(len(value)))
    other = str((int(value[place]) + int(rng.integers(1, 10))) % 10)
    return [*values[:field], value[:place] + other + value[place + 1 :], *values[field + 1 :]]


_Made = dict[str, tuple[FormTemplate, Callable[[], Sequence[str]]]]


def _form(*fields: Field, sums: tuple[SumRule, ...] = ()) -> FormTemplate:
    return FormTemplate("ruled", "1", "Made by a rule", 100, 100, 200, fields, sums=sums)


def _comb(name: str, digits: int, length: int | None = None, **rules: object) -> Field:
    boxes = tuple(Box(7.0 * n, 0.0, 6.0, 8.0) for n in range(digits))
    return replace(Field(name, FieldKind.COMB, boxes, length or digits, digits), **rules)  # type: ignore[arg-type]


def _check_digits(rng: np.random.Generator) -> _Made:
    lengths = {"aba": 9, "luhn": 10, "mod11": 9, "isbn10": 10, "mod97": 12, "verhoeff": 10, "ean": 13}
    made: _Made = {}
    for scheme, length in lengths.items():
        rule = CheckDigit(CheckScheme(scheme))
        made[scheme] = (_form(_comb("number", length, check_digit=rule)), _sound(rule, length, rng))
    return made


def _sound(rule: CheckDigit, length: int, rng: np.random.Generator) -> Callable[[], Sequence[str]]:
    def number() -> Sequence[str]:
        while True:
            value = "".join(map(str, rng.integers(0, 10, length)))
            if keeps_check_digit(rule, value):
                return (value,)

    return number


def _dates(rng: np.random.Generator) -> _Made:
    first, last = date(RUN_DAY.year - 1, RUN_DAY.month, RUN_DAY.day), date(2026, 2, 28)

    def day() -> Sequence[str]:
        return ((first + timedelta(int(rng.integers((last - first).days + 1)))).strftime("%d%m%Y"),)

    calendar, window = DateRule(("ddmmyyyy",)), DateRule(("ddmmyyyy",), first, last)
    return {
        "date": (_form(_comb("day", 8, date=calendar)), day),
        "date, 12 months back, 1 ahead": (_form(_comb("day", 8, date=window)), day),
    }


def _rosters(rng: np.random.Generator) -> _Made:
    values = sorted({f"{number:07d}" for number in rng.integers(0, 10**7, ROSTER_SIZE)})
    field = _comb("number", 7, roster=Roster(frozenset(values)))
    return {f"roster of {ROSTER_SIZE:,}": (_form(field), lambda: (values[rng.integers(len(values))],))}


def _sums(rng: np.random.Generator) -> _Made:
    parts = [_comb(f"part_{n}", 4, 1) for n in range(PARTS)]
    rule = SumRule(tuple(part.name for part in parts), ("total",))

    def page() -> Sequence[str]:
        numbers = [int(10 ** rng.uniform(0, 4)) for _ in parts]
        return [*map(str, numbers), str(sum(numbers))]

    def pair() -> Sequence[str]:
        value = str(int(10 ** rng.uniform(2, 6)))
        return [value, value]

    equality = SumRule(("debit",), ("credit",))
    return {
        f"sum of {PARTS}": (_form(*parts, _comb("total", 5, 1), sums=(rule,)), page),
        "debit = credit": (_form(_comb("debit", 6, 1), _comb("credit", 6, 1), sums=(equality,)), pair),
    }
