"""``train`` and ``evaluate``: plain functions around ``mnist_model``; the Prefect flow calls them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.errors import JobError
from flows.settings import TrainJob
from mnist_model.bundle import SHIPPED, Bundle, ModelError
from mnist_model.classifier import load_classifier
from mnist_model.datasets import Dataset, DatasetError, load_digits, load_training_digits
from mnist_model.evaluation import Evaluation
from mnist_model.evaluation import evaluate as evaluate_classifier
from mnist_model.strings.bundle import StringBundle, StringCard
from preprocessing.normalization import normalize_all

MNIST_SHAPE = (28, 28)


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """How far a training is: ``done`` of ``total`` epochs, or rounds, and a line on the last one."""

    done: int
    total: int
    line: str


def train(job: TrainJob, progress: Callable[[TrainingStep], None]) -> Bundle | StringBundle:
    """Train a network and write its bundle.

    Raises:
        JobError: the data can't be had, or the bundle can't be written there.
    """
    try:
        dataset = load_training_digits(job.data)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what goes wrong is raised; the rest is chatter
        trainer = _train_strings if job.architecture == "strings" else _train_digits
        return trainer(job, dataset, progress)
    except (DatasetError, ModelError) as error:
        raise JobError(str(error)) from error


def _train_digits(job: TrainJob, dataset: Dataset, progress: Callable[[TrainingStep], None]) -> Bundle:
    from mnist_model.training import EpochReport, train  # 3 to 6 s, for TensorFlow: after all that can be wrong

    def report(epoch: EpochReport) -> None:
        line = (
            f"Epoch {epoch.epoch}/{epoch.epochs}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}; "
            f"validation {epoch.val_loss:.4f}, {epoch.val_accuracy:.2%}"
        )
        progress(TrainingStep(epoch.epoch, epoch.epochs, line))

    return train(job.architecture, dataset, bundle_folder(job), seed=job.seed, epochs=job.epochs, progress=report)


def _train_strings(job: TrainJob, dataset: Dataset, progress: Callable[[TrainingStep], None]) -> StringBundle:
    from mnist_model.strings.training import RoundReport, train_strings

    def report(round_: RoundReport) -> None:
        line = f"Round {round_.round}/{round_.rounds}: loss {round_.loss:.4f} nats a strip"
        progress(TrainingStep(round_.round, round_.rounds, line))

    return train_strings(dataset, bundle_folder(job), seed=job.seed, rounds=job.epochs, progress=report)


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


def describe_bundle(bundle: Bundle | StringBundle) -> list[str]:
    """What a new bundle is, in lines."""
    card = bundle.card
    if isinstance(card, StringCard):
        share, count, (low, high) = card.test_exact, f"{card.test_strips} composed strips", card.test_exact_interval
    else:
        share, count, (low, high) = card.test_accuracy, str(card.test_images), card.test_accuracy_interval
    return [
        f"Model    {bundle.name}: {card.title}, {card.parameters} parameters",
        f"Test     {share:.2%} of {count} ({low:.2%} to {high:.2%})",
        f"Written  {bundle.folder}",
    ]


def describe_evaluation(evaluation: Evaluation) -> Iterator[str]:
    """An evaluation as people read it: accuracy, confusion, calibration, and what rejecting buys."""
    low, high = evaluation.interval
    yield f"Digits       {evaluation.count}"
    yield f"Accuracy     {evaluation.accuracy:.2%} ({low:.2%} to {high:.2%})"
    yield f"             {evaluation.digit_accuracy:.2%} where every image is taken for a digit"
    yield f"Calibration  error {evaluation.ece:.2%}, negative log likelihood {evaluation.nll:.4f}"
    yield f"Ranking      area under the risk-coverage curve {evaluation.aurc:.5f}"
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
