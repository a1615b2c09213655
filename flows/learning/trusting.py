"""The policy of a run: the error rate or confidence that was asked for, and the calibration that it is kept by."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from flows.errors import JobError
from forms.template import FormTemplate
from mnist_model.bundle import find_bundle
from mnist_model.strings.bundle import find_string_bundle
from reading.policy import MIN_CONFIDENCE, Policy, promising
from reading.trust import TRUST_FILE, Trust, TrustError, read_trust

logger = logging.getLogger(__name__)


def policy_of(
    forms: Sequence[FormTemplate],
    trust: Trust | None,
    max_error: float | None = None,
    min_confidence: float | None = None,
) -> Policy:
    """What is accepted: at ``max_error``, or from ``min_confidence`` on; ``MIN_CONFIDENCE`` where neither is given.

    No rate is promised that was not asked for. A field's own ``max_error``, in the form file, stands above the run's.

    Raises:
        JobError: an error rate is asked for and there is no calibration.
    """
    if trust is not None:
        return promising(forms, trust, max_error, min_confidence)
    if max_error is not None or any(field.max_error is not None for form in forms for field in form.fields):
        raise JobError(
            "An error rate is asked for, and there is no calibration of these models.",
            "Ask for --min-confidence, or name a calibration with --trust (docs/trust.md says how one is made).",
        )
    return Policy(MIN_CONFIDENCE if min_confidence is None else min_confidence)


def find_trust(file: str | None, model: str, string_model: str | None, readers: str) -> Trust | None:
    """The calibration in ``file``, or that beside the model that reads last; None where there is none.

    Args:
        file: a calibration; "" or None for that of the model.
        model: the digit model's name or folder.
        string_model: the string reader's; None where there is none.
        readers: the models' names and versions, as a calibration states them.

    Raises:
        JobError: ``file`` cannot be read, or belongs to other models.
        ModelError: there are no such models.
    """
    bundle = find_bundle(model) if string_model is None else find_string_bundle(string_model)
    place = Path(file).expanduser() if file else bundle / TRUST_FILE
    if not file and not place.is_file():
        return None
    try:
        trust = read_trust(place)
    except TrustError as error:
        raise JobError(str(error)) from error
    if trust.readers == readers:
        return trust
    if file:
        raise JobError(f"{place} is a calibration of {trust.readers}, not of {readers}.", "Calibrate again.")
    logger.info("The calibration %s is of %s, not of %s: it is not used", place, trust.readers, readers)
    return None
