"""The calibration of nets that have learned: on composed fields for any form, on corrected ones for the site's own.

The corrected fields were read by nets that had not seen them. Most of them were flagged, so that they are harder than
what comes in, and thresholds set on them are rather too strict than too lenient. A form has thresholds of its own where
it has enough of them, where it had some before, and where those of the composed fields let too much through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from forms.template import FieldKind
from reading.calibration import Calibration
from reading.checked import CheckedField, fit_calibration, group_of, site_group
from reading.gate import RATES, Honesty
from reading.realised_error import RealisedError
from reading.trust import Trust, TrustGroup, write_trust

COMPOSED = "composed fields"
CORRECTED = "corrected fields"
LEAST_OF_SITE = (
    1000  # of a form and kind; fewer can support no rate of 1 %, and would only flag what composed fields allow
)
_FITTED = 4  # on every fourth composed field the calibration is fitted, on the others it is measured

Site = Sequence[tuple[str, CheckedField]]


def fit_site_trust(
    file: Path, created: str, readers: str, composed: Sequence[CheckedField], site: Site, before: Trust | None
) -> Trust:
    """Calibrate nets and write what their confidences are worth.

    Args:
        file: where it goes.
        created: the day, as an ISO date.
        readers: the nets, as ``reading.pipeline.readers_of`` names them.
        composed: composed fields of both kinds that these nets have read.
        site: the name of the form and the field, for each corrected field.
        before: the calibration of the nets before; where composed fields are all right or all wrong its weights are
            taken.

    Raises:
        TrustError: the file cannot be written.
    """
    calibrations = {kind: _calibration(kind, composed, before) for kind in FieldKind}
    any_form = {kind: _of_any(kind, composed, calibrations) for kind in FieldKind}
    groups = [*_of_site(site, calibrations, any_form, before), *any_form.values()]
    return write_trust(file, created, readers, calibrations, groups)


def _calibration(kind: FieldKind, composed: Sequence[CheckedField], before: Trust | None) -> Calibration:
    fields = [field for field in composed if field.kind is kind][::_FITTED]
    if before is not None and len({field.right for field in fields}) < 2:
        return before.calibrations[kind]
    return fit_calibration(fields)


def _of_any(kind: FieldKind, composed: Sequence[CheckedField], known: Mapping[FieldKind, Calibration]) -> TrustGroup:
    fields = [field for field in composed if field.kind is kind]
    others = [field for number, field in enumerate(fields) if number % _FITTED]
    return group_of(others, known[kind], None, kind, COMPOSED)


def _of_site(
    site: Site, known: Mapping[FieldKind, Calibration], any_form: Mapping[FieldKind, TrustGroup], before: Trust | None
) -> list[TrustGroup]:
    found: dict[tuple[str, FieldKind], list[CheckedField]] = defaultdict(list)
    for form, field in site:
        confidence = known[field.kind].confidence(field.signals or {})
        found[form, field.kind].append(replace(field, confidence=confidence))
    return [
        site_group(fields, form, kind, CORRECTED, None)
        for (form, kind), fields in found.items()
        if len(fields) >= LEAST_OF_SITE or _had_own(form, kind, before) or _breaks(fields, any_form[kind])
    ]


def _had_own(form: str, kind: FieldKind, before: Trust | None) -> bool:
    return before is not None and before.group(form, kind).form is not None


def _breaks(fields: Sequence[CheckedField], group: TrustGroup) -> bool:
    """Whether the thresholds of composed fields surely let more errors through than was asked for."""
    for rate in RATES:
        least = group.threshold(rate).threshold
        accepted = [field.right for field in fields if field.acceptable and field.confidence >= least]
        if not Honesty(rate, RealisedError(accepted.count(False), len(accepted))).is_kept:
            return True
    return False
