"""Whether what a run read is like what acceptance was set on; where it is not at all, it is not accepted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ledger.ledger import Ledger
from ledger.watching import Group, Span
from reading.drift import LEAST, DriftReport, Level, StatisticDrift, drift, reference_of
from reading.trust import Trust, TrustGroup

SAMPLE = 200  # of a run that read fewer fields, the newest before them count too
# What the readers say of the writing. Other ink that they read as surely as before is told, and no reason to distrust
# them: amounts and log books that differ strongly in all their ink were read with the same error.
_OF_READERS = frozenset({"confidence", "not_a_digit"})


@dataclass(frozen=True, slots=True)
class Drift:
    """A group whose new fields differ from its reference.

    ``against`` says which that is. ``own``: it was written on this form, so that what differs strongly is strange.
    """

    group: Group
    report: DriftReport
    against: str
    own: bool

    @property
    def is_strong(self) -> bool:
        """Whether the new fields should not be accepted."""
        return self.own and any(one.level is Level.STRONG and one.name in _OF_READERS for one in self.report.statistics)

    def __str__(self) -> str:
        moved = ", ".join(f"{one.name} {one.before:.2g} to {one.now:.2g}" for one in self.report.moved)
        strength = "strongly unlike" if self.is_strong else "unlike"
        return f"{self.group.form}, {self.group.kind}: {strength} {self.against} ({moved})"


def find_drift(ledger: Ledger, batch: int, reference_fields: int, trust: Trust | None = None) -> tuple[Drift, ...]:
    """Compare what the batch brought since it was last watched with the first fields of each group.

    A group that is new is compared with the calibration's fields. If these are of the form itself, what differs
    strongly is not accepted. If they are of any form, all other writing differs strongly from them, and is read no
    worse for that (bench/RESULTS.md): then it is told where the readers find it harder.

    Args:
        ledger: where the fields are.
        batch: the batch; nobody else records into it meanwhile.
        reference_fields: how many fields of a group serve as its reference.
        trust: the calibration that the fields were read with.
    """
    found = [_compared(ledger, batch, group, reference_fields, trust) for group in ledger.unwatched_groups(batch)]
    return tuple(one for one in found if one is not None and one.report.level > Level.NONE)


def _compared(ledger: Ledger, batch: int, group: Group, reference_fields: int, trust: Trust | None) -> Drift | None:
    first = ledger.first_fields(group, reference_fields)
    if len(first) < LEAST and trust is not None:
        now = ledger.newest_fields(batch, group, 0, SAMPLE)
        return _beside_calibration(group, trust.group(group.form, group.kind), now)
    now = ledger.newest_fields(batch, group, first.last_page, SAMPLE)
    report = drift(reference_of(first.samples), now.samples)
    if report is None:
        return None
    return Drift(group, report, f"this form's first {report.reference_fields:,} fields", own=True)


def _beside_calibration(group: Group, known: TrustGroup, now: Span) -> Drift | None:
    if known.reference is None:
        return None
    report = drift(known.reference, now.samples)
    if report is None:
        return None
    if known.form is None:
        report = replace(report, statistics=tuple(one for one in report.statistics if _is_harder(one)))
    against = f"the calibration's {known.reference.fields:,} {known.source}"
    return Drift(group, report, against, own=known.form is not None)


def _is_harder(one: StatisticDrift) -> bool:
    lower, higher = one.now < one.before, one.now > one.before
    return lower if one.name == "confidence" else higher if one.name in _OF_READERS else False
