"""The pictures of a model bundle, drawn by matplotlib without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mnist_model.evaluation import Evaluation


def plot_confusion_matrix(evaluation: Evaluation, title: str, file: Path) -> None:
    """Rows are the truth, columns what was read; colour by the logarithm, so that single errors show."""
    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    axes = figure.add_subplot()
    confusion = evaluation.confusion
    axes.imshow(np.log1p(confusion), cmap="Blues")
    for row, column in zip(*confusion.nonzero(), strict=True):
        dark = confusion[row, column] > confusion.max() / 4
        axes.text(
            column, row, str(confusion[row, column]), ha="center", va="center", color="w" if dark else "k", size=8
        )
    axes.set_xticks(range(11), [*"0123456789", "none"])
    axes.set_yticks(range(10))
    axes.set(xlabel="read as", ylabel="truth", title=f"{title}: {evaluation.accuracy:.2%} of {evaluation.count:,}")
    figure.savefig(file, dpi=90)


def plot_training_history(history: Mapping[str, Sequence[float]], title: str, file: Path) -> None:
    """Loss and accuracy of each epoch, training and validation."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[measure]) + 1)
        axes.plot(epochs, history[measure], marker=".", label="training")
        axes.plot(epochs, history[f"val_{measure}"], marker=".", label="validation")
        axes.set(xlabel="epoch", ylabel=measure)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    figure.savefig(file, dpi=90)


def plot_reliability_diagram(evaluation: Evaluation, title: str, file: Path) -> None:
    """How often the classifier is right, by how sure it is (Guo et al. 2017, figure 1); bars show the count."""
    figure = Figure(figsize=(5.4, 5), layout="constrained")
    axes = figure.add_subplot()
    bins = [one for one in evaluation.calibration if one.count]
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    axes.plot([one.confidence for one in bins], [one.accuracy for one in bins], marker="o")
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"{title}: ECE {evaluation.ece:.4f}")
    counts = axes.twinx()
    counts.bar([one.confidence for one in bins], [one.count for one in bins], width=0.02, alpha=0.25, color="k")
    counts.set(yscale="log", ylabel="digits")
    figure.savefig(file, dpi=90)
