"""Whether what a run read is like what acceptance was set on; where it is not at all, it is not accepted."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.ledger import Ledger
from ledger.watching import Group
from reading.drift import DriftReport, Level, drift, reference_of

SAMPLE = 200  # of a run that read fewer fields, the newest before them count too
# What the readers say of the writing. Other ink that they read as surely as before is told, and no reason to distrust
# them: amounts and log books that differ strongly in all their ink were read with the same error.
_OF_READERS = frozenset({"confidence", "not_a_digit"})


@dataclass(frozen=True, slots=True)
class Drift:
    """A group whose new fields differ from its reference."""

    group: Group
    report: DriftReport

    @property
    def is_strong(self) -> bool:
        """Whether the new fields should not be accepted."""
        return any(one.level is Level.STRONG and one.name in _OF_READERS for one in self.report.statistics)

    def __str__(self) -> str:
        moved = ", ".join(f"{one.name} {one.before:.2g} to {one.now:.2g}" for one in self.report.moved)
        against = f"this form's first {self.report.reference_fields:,} fields"
        strength = "strongly unlike" if self.is_strong else "unlike"
        return f"{self.group.form}, {self.group.kind}: {strength} {against} ({moved})"


def find_drift(ledger: Ledger, batch: int, reference_fields: int) -> tuple[Drift, ...]:
    """Compare what the batch brought since it was last watched with the first fields of each group.

    Args:
        ledger: where the fields are.
        batch: the batch; nobody else records into it meanwhile.
        reference_fields: how many fields of a group serve as its reference.
    """
    found = [_compared(ledger, batch, group, reference_fields) for group in ledger.unwatched_groups(batch)]
    return tuple(one for one in found if one is not None and one.report.level > Level.NONE)


def _compared(ledger: Ledger, batch: int, group: Group, reference_fields: int) -> Drift | None:
    first = ledger.first_fields(group, reference_fields)
    now = ledger.newest_fields(batch, group, first.last_page, SAMPLE)
    report = drift(reference_of(first.samples), now.samples)
    return None if report is None else Drift(group, report)
