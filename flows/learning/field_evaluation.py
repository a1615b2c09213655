"""``evaluate`` of whole fields: what was read beside the truth, or beside what people answered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.errors import JobError
from flows.learning.calibrating import Place, true_values
from ledger.errors import LedgerError
from ledger.judging import ReadField
from ledger.ledger import Ledger
from reading.field_figures import COVERAGES, RATES, FieldFigures, JudgedField, field_figures

ALL = "all fields"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The figures of some fields: those of one form and kind, or all."""

    name: str
    figures: FieldFigures


def evaluate_fields(ledger_url: str, truth: Path | None = None, scans: str | None = None) -> list[Evaluated]:
    """How good the confidences of a batch are, form by form and kind by kind.

    Args:
        ledger_url: the ledger that the scans were read into.
        truth: a CSV with the columns scan, field, value and perhaps page, that has every value. Without it people's
            answers are the truth: each stands for as many fields as the share of accepted or of flagged fields that was
            answered says, for what people look at is harder than the rest.
        scans: the scans whose batch is meant; None for the newest batch.

    Raises:
        JobError: no such ledger or batch, the CSV cannot be used, or there is nothing to compare.
    """
    source = str(Path(scans).expanduser().resolve()) if scans else None
    try:
        with Ledger.open(ledger_url) as ledger:
            fields = ledger.read_fields(ledger.find_batch(source).id)
    except LedgerError as error:
        raise JobError(str(error)) from error
    judged = _beside_answers(fields) if truth is None else _beside_truth(fields, true_values(truth))
    if not judged:
        raise _nothing_known(fields, truth)
    everything = [one for of_group in judged.values() for one in of_group]
    groups = [Evaluated(name, field_figures(judged[name])) for name in sorted(judged)]
    return groups if len(groups) == 1 else [*groups, Evaluated(ALL, field_figures(everything))]


def _nothing_known(fields: Sequence[ReadField], truth: Path | None) -> JobError:
    if truth is None:
        return JobError("Nobody has answered yet.", "Name true values with --truth, or import people's answers.")
    shown = f" such as {fields[0].scan}, {fields[0].page}, {fields[0].field}" if fields else ""
    return JobError(
        f"{truth} speaks of none of the fields that were read{shown}.", "Name scans and fields as they are."
    )


def _beside_truth(fields: Iterable[ReadField], truth: Mapping[Place, str]) -> dict[str, list[JudgedField]]:
    """What was not read, or taken for blank, is wrong, with no confidence. Rightly blank fields do not count."""
    judged: dict[str, list[JudgedField]] = {}
    unread = {place: value for place, value in truth.items() if value}
    for one in fields:
        true = truth.get((one.scan, str(one.page), one.field))
        unread.pop((one.scan, str(one.page), one.field), None)
        if true is not None and (true or one.value):
            confidence = one.confidence if one.value else 0.0
            judged.setdefault(_name(one), []).append(JudgedField(confidence, one.value == true))
    if judged and unread:
        judged["not read"] = [JudgedField(0.0, right=False)] * len(unread)
    return judged


def _beside_answers(fields: Iterable[ReadField]) -> dict[str, list[JudgedField]]:
    """Answers to fields with a value that people were to look at; each stands for its share of the group's stratum."""
    with_value = [one for one in fields if one.value]
    sizes = Counter((_name(one), one.accepted) for one in with_value)
    answered = [one for one in with_value if one.chosen and one.answer is not None]
    known = Counter((_name(one), one.accepted) for one in answered)
    judged: dict[str, list[JudgedField]] = {}
    for one in answered:
        stratum = (_name(one), one.accepted)
        weight = sizes[stratum] / known[stratum]
        judged.setdefault(_name(one), []).append(JudgedField(one.confidence, one.value == one.answer, weight))
    return judged


def _name(field: ReadField) -> str:
    return f"{field.form}, {field.kind}"


def describe_evaluated(evaluated: Sequence[Evaluated]) -> Iterator[str]:
    """The figures as people read them."""
    for one in evaluated:
        figures = one.figures
        yield f"{one.name}: {figures.count:,} fields, {_percent(figures.exact)} right"
        yield f"  calibration error (ECE) {figures.ece:.4f}, area under risk and coverage (AURC) {figures.aurc:.4f}"
        yield "  surest    wrong     from confidence"
        for point in dict.fromkeys(figures.covering(share) for share in COVERAGES):
            yield f"  {_percent(point.coverage):>8}  {_percent(point.risk):>8}  {point.confidence:.4f}"
        for rate in RATES:
            kept = figures.within(rate)
            told = f"{_percent(kept.coverage)} from confidence {kept.confidence:.4f} on" if kept else "none"
            yield f"  with at most {_percent(rate)} wrong (in hindsight): {told}"


def draw_evaluated(evaluated: Sequence[Evaluated], picture: Path) -> None:
    """Draw reliability, and risk against coverage.

    Raises:
        JobError: the picture cannot be written.
    """
    from reading.field_pictures import plot_field_figures  # matplotlib takes a second

    try:
        plot_field_figures({one.name: one.figures for one in evaluated}, "confidence of whole values", picture)
    except (OSError, ValueError) as error:
        raise JobError(
            f"{picture} cannot be drawn ({error}).", "Name a .png file in a folder that there is."
        ) from error


def evaluated_json(evaluated: Sequence[Evaluated]) -> str:
    """The same for programs."""
    return json.dumps({one.name: asdict(one.figures) for one in evaluated}, indent=1)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
