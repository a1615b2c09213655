"""Whether what a run read is like what acceptance was set on; where it is not at all, it is not accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.ledger import Ledger
from ledger.watching import Group
from reading.drift import DriftReport, Level, drift, reference_of
from reading.readings import Reason

SAMPLE = 200  # of a run that read fewer fields, the newest before them count too


@dataclass(frozen=True, slots=True)
class Drift:
    """A group whose new fields differ from its reference."""

    group: Group
    report: DriftReport

    def __str__(self) -> str:
        moved = ", ".join(f"{one.name} {one.before:.3g} to {one.now:.3g}" for one in self.report.moved)
        against = f"this form's first {self.report.reference_fields:,} fields"
        strong = self.report.level is Level.STRONG
        end = "strong: nothing of it is accepted" if strong else "look at the flagged fields first"
        return f"{self.group.form}, {self.group.kind}: unlike {against} ({moved}); {end}"


def watch_drift(ledger: Ledger, batch: int, reference_fields: int) -> tuple[Drift, ...]:
    """Compare what the batch brought since it was last watched with the first fields of each group.

    What differs strongly is flagged in the ledger.

    Args:
        ledger: where the fields are.
        batch: the batch; nobody else records into it meanwhile.
        reference_fields: how many fields of a group serve as its reference.
    """
    found = [_compared(ledger, batch, group, reference_fields) for group in ledger.unwatched_groups(batch)]
    drifted = tuple(one for one in found if one is not None and one.report.level > Level.NONE)
    ledger.end_watch(batch, _strongly(drifted), Reason.UNLIKE_TRAINING)
    return drifted


def _compared(ledger: Ledger, batch: int, group: Group, reference_fields: int) -> Drift | None:
    first = ledger.first_fields(group, reference_fields)
    now = ledger.newest_fields(batch, group, first.last_page, SAMPLE)
    report = drift(reference_of(first.samples), now.samples)
    return None if report is None else Drift(group, report)


def _strongly(drifted: Sequence[Drift]) -> list[Group]:
    return [one.group for one in drifted if one.report.level is Level.STRONG]
