"""Pictures of how good confidences of whole values are, drawn by matplotlib without a display."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reading.field_figures import FieldFigures, JudgedField, field_figures
from reading.trust import Trust, TrustGroup

TRUST_PICTURE = "field_reliability.png"  # beside ``trust.json``
_LEAST = 10  # fields of a point: of fewer the share that is right says little
_COLOURS = ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7")


def plot_field_figures(figures: Mapping[str, FieldFigures], title: str, file: Path) -> None:
    """Reliability (Guo et al. 2017, figure 1), with how many fields, beside risk and coverage; a line a group."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    reliability, risk = figure.subplots(1, 2)
    _draw_reliability(reliability, figures)
    for colour, (name, one) in zip(_COLOURS, figures.items(), strict=False):
        coverage = [100 * point.coverage for point in one.curve]
        risk.step(coverage, [100 * point.risk for point in one.curve], where="post", color=colour, label=name)
    risk.set(xlabel="surest fields, %", ylabel="wrong of these, %", title="risk and coverage", xlim=(0, 101))
    risk.set_ylim(bottom=0)
    risk.grid(alpha=0.3)
    figure.suptitle(title)
    figure.savefig(file, dpi=90)


def plot_trust(trust: Trust, file: Path) -> None:
    """What the confidences of a calibration are worth, on the fields that it was measured on.

    These are the fields that nothing but their confidence would flag; the calibration was fitted on others.
    """
    figures = {f"{group.kind}, {group.source}": field_figures(judged(group)) for group in trust.groups if group.tally}
    plot_field_figures(figures, f"{trust.readers}, {trust.name}", file)


def judged(group: TrustGroup) -> list[JudgedField]:
    """The fields that a group's tally counts."""
    return [
        JudgedField(confidence, right, float(count))
        for confidence, *counts in group.tally
        for right, count in zip((True, False), counts, strict=True)
        if count
    ]


def _draw_reliability(axes: Axes, figures: Mapping[str, FieldFigures]) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    counts = axes.twinx()
    width = 0.016
    for number, (colour, (name, one)) in enumerate(zip(_COLOURS, figures.items(), strict=False)):
        shown = [each for each in one.reliability if each.weight >= _LEAST]
        sure = [each.confidence for each in shown]
        label = f"{name}: ECE {one.ece:.3f}, AURC {one.aurc:.4f}"
        axes.plot(sure, [each.right for each in shown], marker="o", color=colour, label=label)
        places = [each.confidence + number * width for each in one.reliability]
        counts.bar(places, [each.weight for each in one.reliability], width=width, alpha=0.25, color=colour)
    axes.set(xlabel="confidence", ylabel="share right", title="reliability", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="upper left", fontsize="small")
    counts.set(yscale="log", ylabel="fields")
