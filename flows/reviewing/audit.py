"""The blind audit: what people's answers say of accepted fields, and where acceptance stops."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from flows.errors import JobError
from ledger.errors import LedgerError
from ledger.ledger import Ledger
from ledger.watching import AuditedField, Group
from reading.policy import Policy
from reading.readings import FieldReading, PageReading, Reason
from reading.realised_error import CERTAINTY, RealisedError

_SURE = f"{CERTAINTY:.0%}".replace("%", " %")


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit sample of one group: how many fields it drew, and the error among those that people answered."""

    group: Group
    sampled: int
    error: RealisedError

    def __str__(self) -> str:
        where, error = f"{self.group.form}, {self.group.kind}", self.error
        answered = f"{where}: {error.answered} of {self.sampled} sampled fields answered"
        if not error.answered:
            return answered
        low, high = (f"{100 * bound:.2g}" for bound in error.interval)
        return f"{answered}, {error.wrong} wrong: error {100 * error.rate:.2g} % [{low}, {high}]"


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing of a group is accepted at ``max_error`` any more, because its error is larger."""

    audit: Audit
    max_error: float

    def __str__(self) -> str:
        group, error = self.audit.group, self.audit.error
        return (
            f"{group.form}, {group.kind}: nothing is accepted, for {error.wrong} of {error.answered} accepted fields "
            f"that people checked were wrong: an error above {100 * error.at_least:.2g} % ({_SURE} sure), where at "
            f"most {100 * self.max_error:g} % was asked for"
        )


def audits(fields: Iterable[AuditedField]) -> list[Audit]:
    """The audit sample, group by group."""
    ordered = sorted(fields, key=lambda field: field.group)
    return [_audit(group, list(of_group)) for group, of_group in groupby(ordered, key=lambda field: field.group)]


def _audit(group: Group, fields: Sequence[AuditedField]) -> Audit:
    answered = [field for field in fields if field.answer is not None]
    wrong = sum(field.answer != field.value for field in answered)
    return Audit(group, len(fields), RealisedError(wrong, len(answered)))


class AcceptanceGuard:
    """Knows where the audit broke the error rate that a run asks for, and flags what would be accepted there."""

    def __init__(self, fields: Iterable[AuditedField], policy: Policy):
        self._policy = policy
        self._stops = {(stop.audit.group, stop.max_error): stop for stop in _stops(fields, policy)}

    def guarded(self, reading: PageReading) -> PageReading:
        """The reading, without what must not be accepted."""
        if not self._stops:
            return reading
        return replace(reading, fields=tuple(self._guarded(reading, field) for field in reading.fields))

    def stops_for(self, groups: Iterable[Group]) -> tuple[Stop, ...]:
        """The stops of these groups."""
        wanted = set(groups)
        return tuple(stop for (group, _), stop in self._stops.items() if group in wanted)

    def _guarded(self, reading: PageReading, field: FieldReading) -> FieldReading:
        group = Group(reading.form, field.kind, reading.model)
        stopped = (group, _max_error(self._policy, reading.form, field.field)) in self._stops
        if field.needs_review or not field.value or not stopped:
            return field
        return replace(field, needs_review=True, reasons=(Reason.AUDIT_FAILED,))


def _stops(fields: Iterable[AuditedField], policy: Policy) -> Iterator[Stop]:
    """Where fields that would be accepted today were wrong too often for the rate asked for of them."""
    for max_error, judged in _by_rate(fields, policy).items():
        yield from (Stop(audit, max_error) for audit in audits(judged) if audit.error.exceeds(max_error))


def _by_rate(fields: Iterable[AuditedField], policy: Policy) -> Mapping[float, list[AuditedField]]:
    judged: dict[float, list[AuditedField]] = {}
    for field in fields:
        promise = policy.promises.get((field.group.form, field.field))
        if promise is not None and field.confidence >= promise.threshold:
            judged.setdefault(promise.max_error, []).append(field)
    return judged


def _max_error(policy: Policy, form: str, field: str) -> float | None:
    promise = policy.promises.get((form, field))
    return None if promise is None else promise.max_error


def audit_ledger(ledger_url: str) -> list[Audit]:
    """The audit sample in a ledger.

    Raises:
        JobError: there is no such ledger, or it cannot be read.
    """
    try:
        with Ledger.open(ledger_url) as ledger:
            return audits(ledger.audited())
    except LedgerError as error:
        raise JobError(str(error)) from error


def describe_audits(found: Sequence[Audit]) -> Iterator[str]:
    """The audit as people read it, a line a group."""
    if not found:
        yield "No accepted field was drawn for an audit; digitize --audit-share 0.02 draws two in a hundred."
        return
    heads = f"{'form':<16}{'kind':<10}{'sampled':>8}{'answered':>9}{'wrong':>6}"
    yield f"{heads}   {'error [95 %], %':<22}{'at least, %':>11}   model"
    for audit in found:
        yield f"{_row(audit)}   {audit.group.model}"
    yield "error: of accepted fields, with its exact interval; at least: with 95 % certainty however often one looks"


def _row(audit: Audit) -> str:
    error = audit.error
    low, high = (100 * bound for bound in error.interval)
    rate = f"{100 * error.rate:.2f} [{low:.2f}, {high:.2f}]" if error.answered else "-"
    counts = f"{audit.sampled:>8}{error.answered:>9}{error.wrong:>6}"
    return f"{audit.group.form:<16}{audit.group.kind:<10}{counts}   {rate:<22}{100 * error.at_least:>11.2f}"


def audits_json(found: Sequence[Audit]) -> str:
    """The audit for programs: rates as shares from 0 to 1, null where nothing was answered."""
    return json.dumps([_as_dict(audit) for audit in found], indent=2)


def _as_dict(audit: Audit) -> dict[str, object]:
    error = audit.error
    return {
        "form": audit.group.form,
        "kind": audit.group.kind.value,
        "model": audit.group.model,
        "sampled": audit.sampled,
        "answered": error.answered,
        "wrong": error.wrong,
        "error": error.rate if error.answered else None,
        "interval": list(error.interval),
        "at_least": error.at_least,
    }
