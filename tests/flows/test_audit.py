"""A site that is audited: simulated pages with known truth, and people who answer what is flagged."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import cli
from flows.errors import JobError
from flows.reviewing.audit import AcceptanceGuard, audit_ledger, audits, describe_audits
from flows.reviewing.correcting import import_answers
from forms.template import Box, FieldKind
from ledger.ledger import Ledger
from ledger.watching import AuditedField, Group
from reading.policy import Policy
from reading.readings import FieldReading, PageReading, Reason
from reading.trust import Promise, TrustGroup

MODEL = "cnn 1"
GROUP = Group("cheque", FieldKind.FREEHAND, MODEL)


@pytest.fixture(autouse=True)
def _known_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same fields are drawn in each run: what is said of shares and intervals would sometimes fail by chance."""
    monkeypatch.setattr("ledger.batches.secrets.token_hex", lambda length: "5e" * length)


def policy(max_error: float = 0.01, threshold: float = 0.95) -> Policy:
    group = TrustGroup(None, FieldKind.FREEHAND, "strings", 1000, ())
    return Policy(promises={("cheque", "amount"): Promise(group, max_error, threshold, 100)})


def page(number: int, value: str, form: str = "cheque") -> PageReading:
    field = FieldReading(
        "amount", value, 0.99, False, (), (("1", 0.01),), (), Box(0, 0, 20, 8), b"", FieldKind.FREEHAND, 0.95
    )
    return PageReading(f"{number}.png", 1, f"sha{number}", form, "1", 0.1, MODEL, 0.95, (field,))


class Site:
    """Truth is the page's number; a share ``error`` of the values is read wrong."""

    def __init__(self, folder: Path, error: float, max_error: float = 0.01, share: float = 0.5):
        self.folder, self.error, self.share = folder, error, share
        self.policy = policy(max_error)
        self.random = random.Random(7)
        self.url = f"sqlite:///{folder}/formdigits.sqlite"
        self.pages = self.wrong = 0

    def night(self, pages: int = 300) -> tuple[int, tuple[str, ...]]:
        """Read pages, and let people answer; how many were accepted, and what was said of stops."""
        with Ledger.open(self.url) as ledger:
            batch = ledger.open_batch("scans", "cheque", "1")
            guard = AcceptanceGuard(ledger.audited(), self.policy)
            ledger.record_chunk(batch, [guard.guarded(self.read()) for _ in range(pages)], self.share)
            stops = guard.stops_for([GROUP])
            written = ledger.export(batch, self.folder)
            accepted = sum(row["needs_review"] == "false" and not row["reviewer"] for row in table(written.readings))
        self.answer(written.readings)
        return accepted, tuple(map(str, stops))

    def read(self) -> PageReading:
        self.pages += 1
        wrong = self.random.random() < self.error
        self.wrong += wrong
        return page(self.pages, f"9{self.pages}" if wrong else str(self.pages))

    def answer(self, path: Path) -> None:
        rows = table(path)
        for row in rows:
            if row["needs_review"] == "true":
                truth = row["scan"].removesuffix(".png")
                row |= {"corrected_value": "" if truth == row["value"] else truth, "reviewer": "Ada"}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        assert import_answers(path, None).refused == ()


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_poor_model_is_stopped_and_the_run_says_why(tmp_path: Path) -> None:
    site = Site(tmp_path, error=0.05)
    first, stops = site.night()
    assert first > 100
    assert stops == ()
    nights = [site.night() for _ in range(4)]
    accepted = [count for count, _ in nights]
    assert accepted[-1] == accepted[-2]  # nothing more is accepted
    (stop,) = nights[-1][1]
    assert stop.startswith("cheque, freehand: nothing is accepted, for ")
    assert stop.endswith("at most 1 % was asked for")
    held = [row for row in table(tmp_path / "readings.csv") if row["reasons"] == Reason.AUDIT_FAILED]
    assert len(held) >= 300


def test_a_good_model_is_not_stopped(tmp_path: Path) -> None:
    site = Site(tmp_path, error=0.004)
    accepted = [site.night() for _ in range(5)]
    assert [stops for _, stops in accepted] == [()] * 5
    assert accepted[-1][0] > 600
    (audit,) = audit_ledger(site.url)
    low, high = audit.error.interval
    assert low <= site.wrong / site.pages <= high
    assert audit.error.answered == audit.sampled > 600


def simulated(error: float, seed: int, answers: int, look_every: int) -> bool:
    """Whether a site is ever stopped."""
    draw = random.Random(seed)
    fields: list[AuditedField] = []
    for _ in range(answers // look_every):
        truths = ["1" if draw.random() >= error else "7" for _ in range(look_every)]
        fields += [AuditedField(GROUP, "amount", 0.99, "1", truth) for truth in truths]
        if AcceptanceGuard(fields, policy()).stops_for([GROUP]):
            return True
    return False


def test_of_sites_that_just_keep_the_rate_one_in_twenty_is_stopped_at_most() -> None:
    assert sum(simulated(0.01, seed, 1200, 60) for seed in range(100)) <= 5
    assert sum(simulated(0.05, seed, 500, 50) for seed in range(20)) >= 18


def guarded(fields: list[AuditedField], reading: PageReading, asked: Policy) -> tuple[Reason, ...]:
    return AcceptanceGuard(fields, asked).guarded(reading).fields[0].reasons


@pytest.fixture
def failures() -> list[AuditedField]:
    return [AuditedField(GROUP, "amount", 0.97, "1", "2")] * 30


def test_only_what_the_audit_was_about_is_stopped(failures: list[AuditedField]) -> None:
    assert guarded(failures, page(1, "1"), policy()) == (Reason.AUDIT_FAILED,)
    assert guarded(failures, page(1, ""), policy()) == ()
    assert guarded(failures, page(1, "1", form="order"), policy()) == ()
    assert guarded(failures, page(1, "1"), Policy()) == ()  # no error rate was asked for
    assert guarded(failures, page(1, "1"), policy(threshold=0.98)) == ()  # none of them would be accepted today
    of_another_model = [AuditedField(Group("cheque", FieldKind.FREEHAND, "cnn 0"), "amount", 0.97, "1", "2")] * 30
    assert guarded(of_another_model, page(1, "1"), policy()) == ()


def test_unanswered_fields_say_nothing(failures: list[AuditedField]) -> None:
    unanswered = [AuditedField(GROUP, "amount", 0.97, "1", None)] * 500
    (audit,) = audits([*failures, *unanswered])
    assert (audit.sampled, audit.error.answered, audit.error.wrong) == (530, 30, 30)
    assert str(audits(unanswered)[0]) == "cheque, freehand: 0 of 500 sampled fields answered"


def lines(fields: list[AuditedField]) -> Iterator[str]:
    return describe_audits(audits(fields))


def test_the_commands(tmp_path: Path, failures: list[AuditedField]) -> None:
    assert "No accepted field was drawn" in next(iter(lines([])))
    site = Site(tmp_path, error=0.3)
    site.night(100)
    runner = CliRunner()
    (found,) = json.loads(runner.invoke(cli, ["audit", "--ledger", site.url, "--json"]).stdout)
    assert (found["form"], found["kind"], found["model"]) == ("cheque", "freehand", MODEL)
    assert found["sampled"] == found["answered"] > found["wrong"] > 0
    assert found["interval"][0] < found["error"] < found["interval"][1]
    said = runner.invoke(cli, ["audit", "--ledger", site.url]).stdout
    assert f"{found['wrong']:>6}   {100 * found['error']:.2f} [" in said
    again = runner.invoke(cli, ["import", str(tmp_path / "readings.csv")]).stdout
    assert again.startswith("Answers  0 recorded, ")


def test_a_csv_without_its_ledger(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="Name the one that the file was written from"):
        import_answers(tmp_path / "readings.csv", None)
