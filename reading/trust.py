"""What confidences are worth: a calibration, and the fields that it was measured on. One JSON file, ``trust.json``.

The file belongs to the networks whose answers it was made from, and says which they are. It holds how signals become
a confidence (``calibrations``, by kind of field), and, in groups, how often each confidence was right on fields that
neither the networks nor the calibration were fitted on: from these a threshold is computed for any error rate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forms.errors import MendableError
from forms.template import FieldKind
from reading.calibration import Calibration, Rescaling
from reading.drift import Reference
from reading.signals import Signals
from reading.thresholds import CERTAINTY, fields_needed, find_threshold

TRUST_FILE = "trust.json"
TRUST_FORMAT = 1
NOTHING = 1.0  # a threshold that no confidence reaches
_MEND = "calibrate again, or copy the file whole"


class TrustError(MendableError):
    """A calibration that cannot be used: what the problem is, and what a person can do about it."""


@dataclass(frozen=True, slots=True, eq=False)
class TrustGroup:
    """Fields of one kind, of one form or (``form`` None) of any, whose truth is known.

    ``fields`` counts all that had ink; ``tally`` those that nothing but their confidence would flag, as rows of
    (confidence, how many right, how many wrong), the surest first. ``rescaling`` is the site's own scale, on which
    the confidences of the tally are. ``reference``: what the fields are like; None in files of earlier versions.
    """

    form: str | None
    kind: FieldKind
    source: str
    fields: int
    tally: tuple[tuple[float, int, int], ...]
    rescaling: Rescaling | None = None
    reference: Reference | None = None

    @property
    def acceptable(self) -> int:
        """How many fields the tally counts."""
        return sum(right + wrong for _, right, wrong in self.tally)

    def threshold(self, max_error: float) -> Promise:
        """The threshold for an error rate, and what it promises."""
        right = np.concatenate([np.repeat([True, False], row[1:]) for row in self.tally] or [np.zeros(0, bool)])
        confidences = np.repeat([row[0] for row in self.tally], [row[1] + row[2] for row in self.tally])
        found = find_threshold(confidences.tolist(), right.tolist(), max_error)
        accepted = 0 if found is None else found.accepted
        return Promise(self, max_error, NOTHING if found is None else found.confidence, accepted)


@dataclass(frozen=True, slots=True)
class Promise:
    """Fields of ``group`` with at least the ``threshold``'s confidence are wrong at a rate of ``max_error`` at most.

    ``accepted`` of the group's fields reach the threshold; none where no threshold keeps the rate.
    """

    group: TrustGroup
    max_error: float
    threshold: float
    accepted: int

    def __str__(self) -> str:
        group, rate = self.group, f"at most {100 * self.max_error:g} % error"
        kind = f"{group.kind} fields" if group.form is None else f"{group.kind} fields of {group.form}"
        if self.accepted:
            share = f"{100 * self.accepted / group.fields:.0f} %"
            certainty = f"{CERTAINTY:.0%}".replace("%", " %")
            return f"{kind}: accepts about {share}, with {rate} ({certainty} confidence, from {_fields(group)})"
        needed = fields_needed(self.max_error)
        if needed > group.acceptable:
            return f"{kind}: flags all, for {rate} takes {needed:,} fields without one, and there are {_fields(group)}"
        return f"{kind}: flags all, for no confidence keeps {rate} on {_fields(group)}"


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """A calibration that was read and found whole. ``readers`` names the networks that it belongs to."""

    version: str
    created: str
    readers: str
    calibrations: Mapping[FieldKind, Calibration]
    groups: tuple[TrustGroup, ...]

    @property
    def name(self) -> str:
        """What stands beside every reading, such as ``trust 2026.11.23-1f3c9a2b``."""
        return f"trust {self.version}"

    def confidence(self, form: str, kind: FieldKind, signals: Signals) -> float:
        """The probability that the value with these signals is right."""
        given = self.calibrations[kind].confidence(signals)
        rescaling = self.group(form, kind).rescaling
        return given if rescaling is None else rescaling.apply(given)

    def group(self, form: str, kind: FieldKind) -> TrustGroup:
        """The fields by which this form's fields of that kind are judged: the form's own, or those of any form."""
        fitting = [group for group in self.groups if group.kind is kind and group.form in (form, None)]
        return min(fitting, key=lambda group: group.form is None)

    def promise(self, form: str, kind: FieldKind, max_error: float) -> Promise:
        """The threshold for this form's fields of that kind."""
        return self.group(form, kind).threshold(max_error)


def tally(confidences: Sequence[float], right: Sequence[bool]) -> tuple[tuple[float, int, int], ...]:
    """``TrustGroup.tally`` of fields with these confidences."""
    levels, places = np.unique(np.asarray(confidences, dtype=float), return_inverse=True)
    known = np.asarray(right, dtype=bool)
    counts = [np.bincount(places[chosen], minlength=len(levels)).tolist() for chosen in (known, ~known)]
    return tuple(zip(levels.tolist()[::-1], counts[0][::-1], counts[1][::-1], strict=True))


def write_trust(
    file: Path, created: str, readers: str, calibrations: Mapping[FieldKind, Calibration], groups: Sequence[TrustGroup]
) -> Trust:
    """Write a calibration; its version is the date and the hash of what it says.

    Raises:
        TrustError: the file cannot be written.
    """
    said = {
        "readers": readers,
        "calibrations": {kind.value: asdict(one) for kind, one in calibrations.items()},
        "groups": [asdict(group) for group in groups],
    }
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    version = f"{created.replace('-', '.')}-{digest[:8]}"
    content = {"format": TRUST_FORMAT, "version": version, "created": created, **said}
    try:
        file.write_text(json.dumps(content) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrustError(f"{file} cannot be written ({error.strerror})", "name another file") from error
    return read_trust(file)


def read_trust(file: Path) -> Trust:
    """Read a calibration.

    Raises:
        TrustError: there is none, or it is not one that this version reads.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != TRUST_FORMAT:
            raise TrustError(f"{file} is of format {content['format']}, this version reads {TRUST_FORMAT}", _MEND)
        return _trust(content)
    except OSError as error:
        raise TrustError(
            f"{file} cannot be read ({error.strerror})", "name a file that formdigits calibrate wrote"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise TrustError(f"{file} is not a calibration ({error})", _MEND) from error


def _trust(content: Mapping[str, Any]) -> Trust:
    calibrations = {FieldKind(kind): Calibration(**one) for kind, one in content["calibrations"].items()}
    groups = tuple(_group(one) for one in content["groups"])
    lacking = [kind for kind in FieldKind if kind not in calibrations or not _has_any(groups, kind)]
    if lacking:
        raise ValueError(f"nothing on {', '.join(lacking)} fields")
    return Trust(content["version"], content["created"], content["readers"], calibrations, groups)


def _has_any(groups: Sequence[TrustGroup], kind: FieldKind) -> bool:
    return any(group.kind is kind and group.form is None for group in groups)


def _group(one: Mapping[str, Any]) -> TrustGroup:
    rescaling = None if one["rescaling"] is None else Rescaling(**one["rescaling"])
    rows = tuple((float(level), int(right), int(wrong)) for level, right, wrong in one["tally"])
    known = one.get("reference")
    reference = None if known is None else Reference(int(known["fields"]), _samples(known["samples"]))
    return TrustGroup(
        one["form"], FieldKind(one["kind"]), one["source"], int(one["fields"]), rows, rescaling, reference
    )


def _samples(found: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(map(float, sample)) for name, sample in found.items()}


def _fields(group: TrustGroup) -> str:
    return f"{group.fields:,} {group.source}"
