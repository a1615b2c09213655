"""How good a classifier is: accuracy with its interval, confusion, calibration, and what rejecting buys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_model.classifier import NOT_A_DIGIT, Classifier

CALIBRATION_BINS = 15
_REJECT_THRESHOLDS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class RejectPoint:
    """What is left when digits with less confidence than ``threshold`` are rejected.

    ``error`` is the share of substitutions among the accepted, 0 where none is accepted.
    """

    threshold: float
    read_rate: float
    error: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Digits whose confidence falls into one bin: how many, how sure, how often right."""

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Figures of one classifier on labelled digits.

    ``accuracy`` is over the most probable of all 11 classes, so a digit taken for *not a digit* is wrong;
    ``digit_accuracy`` is over the most probable of the ten digits. ``interval`` is the 95 % interval of ``accuracy``.
    ``aurc`` is the area under the risk-coverage curve.
    ``confusion`` is (10, 11) int64, rows the truth, columns what was read. ``nll`` is in nats.
    """

    count: int
    accuracy: float
    interval: tuple[float, float]
    digit_accuracy: float
    nll: float
    ece: float
    aurc: float
    confusion: np.ndarray
    calibration: tuple[CalibrationBin, ...]
    reject_curve: tuple[RejectPoint, ...]


def evaluate(classifier: Classifier, x: np.ndarray, y: np.ndarray) -> Evaluation:
    """Classifies ``x`` (N, 28, 28) uint8, white on black and normalized as MNIST is, and compares with ``y`` (N,)."""
    return evaluate_probabilities(classifier.probabilities(x), y)


def evaluate_probabilities(probabilities: np.ndarray, y: np.ndarray) -> Evaluation:
    """Figures of ``probabilities`` (N, 11) against the true digits ``y`` (N,) in 0..9, with N at least 1."""
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = predicted == y
    confusion = np.zeros((10, 11), dtype=np.int64)
    np.add.at(confusion, (y, predicted), 1)
    calibration = calibration_bins(confidence, right)
    return Evaluation(
        count=len(y),
        accuracy=float(right.mean()),
        interval=wilson_interval(int(right.sum()), len(y)),
        digit_accuracy=float((probabilities[:, :NOT_A_DIGIT].argmax(axis=1) == y).mean()),
        nll=negative_log_likelihood(probabilities, y),
        ece=expected_calibration_error(calibration),
        aurc=area_under_risk_coverage(confidence, right),
        confusion=confusion,
        calibration=calibration,
        reject_curve=tuple(_reject_point(threshold, confidence, right) for threshold in _REJECT_THRESHOLDS),
    )


def wilson_interval(successes: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927), 95 % by default."""
    share = successes / count
    denominator = 1 + z**2 / count
    middle = (share + z**2 / (2 * count)) / denominator
    half = z / denominator * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(middle - half), float(middle + half)


def negative_log_likelihood(probabilities: np.ndarray, y: np.ndarray) -> float:
    """Mean of -log p(truth), in nats; a probability that underflowed counts as 1e-12."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-12)).mean())


def calibration_bins(confidence: np.ndarray, right: np.ndarray) -> tuple[CalibrationBin, ...]:
    """The bins of a reliability diagram, of equal width over [0, 1] (Guo et al. 2017, section 2)."""
    bin_of = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    counts = np.bincount(bin_of, minlength=CALIBRATION_BINS)
    sure = np.bincount(bin_of, weights=confidence, minlength=CALIBRATION_BINS) / np.maximum(counts, 1)
    true = np.bincount(bin_of, weights=right, minlength=CALIBRATION_BINS) / np.maximum(counts, 1)
    return tuple(CalibrationBin(int(n), float(s), float(t)) for n, s, t in zip(counts, sure, true, strict=True))


def expected_calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """How far confidence is from accuracy, averaged over the digits (Naeini et al. 2015)."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins) / total


def risk_by_coverage(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(N,) float: the error rate among the n surest, for n = 1 .. N.

    Equally sure ones can be accepted together only: each has the error rate at the end of its run.
    """
    order = np.argsort(-confidence, kind="stable")
    risk = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    ranked = -confidence[order]
    return risk[np.searchsorted(ranked, ranked, side="right") - 1]


def area_under_risk_coverage(confidence: np.ndarray, right: np.ndarray) -> float:
    """AURC (Geifman, Uziel and El-Yaniv 2019): the mean error rate over all shares that may be accepted."""
    return float(risk_by_coverage(confidence, right).mean())


def _reject_point(threshold: float, confidence: np.ndarray, right: np.ndarray) -> RejectPoint:
    accepted = confidence >= threshold
    error = 1 - right[accepted].mean() if accepted.any() else 0.0
    return RejectPoint(threshold, float(accepted.mean()), float(error))
