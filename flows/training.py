"""``train`` and ``evaluate``: plain functions around ``mnist_model``; the Prefect flow calls them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import JobError
from flows.settings import TrainJob
from mnist_model.bundle import SHIPPED, Bundle, ModelError
from mnist_model.classifier import load_classifier
from mnist_model.datasets import DatasetError, load_digits, load_mnist
from mnist_model.evaluation import Evaluation
from mnist_model.evaluation import evaluate as evaluate_classifier
from preprocessing.normalization import normalize_all

if TYPE_CHECKING:  # loads TensorFlow
    from mnist_model.training import EpochReport

MNIST_SHAPE = (28, 28)


def train(job: TrainJob, progress: Callable[[EpochReport], None]) -> Bundle:
    """Train a network and write its bundle.

    Raises:
        JobError: the data can't be had, or the bundle can't be written there.
    """
    try:
        dataset = load_mnist(Path(job.data).expanduser() if job.data else None)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what goes wrong is raised; the rest is chatter
        from mnist_model import training  # 3 to 6 s, for TensorFlow: after all that can be wrong

        return training.train(
            job.architecture, dataset, bundle_folder(job), seed=job.seed, epochs=job.epochs, progress=progress
        )
    except (DatasetError, ModelError) as error:
        raise JobError(str(error)) from error


def bundle_folder(job: TrainJob) -> Path:
    """Where the bundle goes: ``out``, or among the bundles that ship with the project."""
    return Path(job.out).expanduser().absolute() if job.out else SHIPPED / job.architecture


def evaluate(digits: Path, model: str) -> Evaluation:
    """Measure a model on an .npz of labelled digits: ``x`` (N, H, W) uint8, white on black, and ``y`` (N,) in 0..9.

    Images of 28x28 are taken to be normalized as MNIST is; others are normalized first.

    Raises:
        JobError: no such file or model.
    """
    try:
        x, y = load_digits(digits)
        classifier = load_classifier(model)
    except (DatasetError, ModelError) as error:
        raise JobError(str(error)) from error
    normalized = x if x.shape[1:] == MNIST_SHAPE else normalize_all(list(x))
    return evaluate_classifier(classifier, normalized, y)


def describe_epoch(report: EpochReport) -> str:
    """One line on an epoch."""
    return (
        f"Epoch {report.epoch}/{report.epochs}: loss {report.loss:.4f}, accuracy {report.accuracy:.2%}; "
        f"validation {report.val_loss:.4f}, {report.val_accuracy:.2%}"
    )


def describe_bundle(bundle: Bundle) -> list[str]:
    """What a new bundle is, in lines."""
    low, high = bundle.card.test_accuracy_interval
    return [
        f"Model    {bundle.name}: {bundle.card.title}, {bundle.card.parameters} parameters",
        f"Test     {bundle.card.test_accuracy:.2%} of {bundle.card.test_images} ({low:.2%} to {high:.2%})",
        f"Written  {bundle.folder}",
    ]


def describe_evaluation(evaluation: Evaluation) -> Iterator[str]:
    """An evaluation as people read it: accuracy, confusion, calibration, and what rejecting buys."""
    low, high = evaluation.interval
    yield f"Digits       {evaluation.count}"
    yield f"Accuracy     {evaluation.accuracy:.2%} ({low:.2%} to {high:.2%})"
    yield f"             {evaluation.digit_accuracy:.2%} where every image is taken for a digit"
    yield f"Calibration  error {evaluation.ece:.2%}, negative log likelihood {evaluation.nll:.4f}"
    yield ""
    yield "Confusion: rows the truth, columns what was read (- is not a digit)"
    yield "     " + "".join(f"{name:>6}" for name in "0123456789-")
    yield from (
        f"{digit:>5}" + "".join(f"{count:>6}" for count in row) for digit, row in enumerate(evaluation.confusion)
    )
    yield ""
    yield "Rejected below   read rate   error of what is read"
    for point in evaluation.reject_curve:
        yield f"{point.threshold:>14.3f}   {point.read_rate:>9.2%}   {point.error:>21.2%}"
