from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.batches import drift_watch
from flows.batches.drift_watch import Drift, find_drift
from forms.template import Box, FieldKind
from ledger.ledger import Ledger
from reading.checked import TRAITS
from reading.drift import reference_of
from reading.readings import FieldReading, PageReading, Reason, Traits
from reading.trust import Trust, TrustGroup


def page(number: int, void: float, contrast: float, draw: random.Random) -> PageReading:
    traits = Traits(max(0.0, draw.gauss(void, 0.01)), draw.gauss(0.1, 0.02), draw.gauss(0.08, 0.01), contrast)
    traits = Traits(traits.not_a_digit, traits.ink_share, traits.stroke_share, draw.gauss(contrast, 0.05))
    place = ((), (), Box(0, 0, 20, 8), b"", FieldKind.COMB)
    field = FieldReading("zip", "412", draw.uniform(0.8, 1), False, (), *place, 0.5, None, traits)
    return PageReading(f"{number}.png", 1, f"sha{number}", "envelope", "1", 0.1, "cnn", 0.5, (field,))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[tuple[Drift, ...], int]]:
    """Read pages into one batch; what has drifted, and how many fields were flagged for it."""
    draw = random.Random(3)
    numbers = iter(range(100_000))

    def night(
        pages: int, void: float = 0.05, contrast: float = 0.6, trust: Trust | None = None
    ) -> tuple[tuple[Drift, ...], int]:
        with Ledger.open(f"sqlite:///{tmp_path}/l.sqlite") as ledger:
            batch = ledger.open_batch("scans", "envelope", "1")
            ledger.record_chunk(batch, [page(next(numbers), void, contrast, draw) for _ in range(pages)])
            found = find_drift(ledger, batch, 300, trust)
            return found, ledger.end_watch(batch, [d.group for d in found if d.is_strong], Reason.UNLIKE_TRAINING)

    return night


def test_the_first_run_has_no_reference_and_the_same_writing_no_drift(run: Callable) -> None:
    assert [run(200), run(300), run(30), run(400)] == [((), 0)] * 4


def test_writing_that_the_reader_takes_for_less_of_a_digit_is_flagged(run: Callable) -> None:
    run(400)
    ((drifted,), flagged) = run(250, void=0.2)
    assert str(drifted).startswith(
        "envelope, comb: strongly unlike this form's first 300 fields (not_a_digit 0.05 to 0.2"
    )
    assert flagged == 250
    assert run(300) == ((), 0)  # what was flagged is no part of the reference


def test_another_scanner_is_told_and_not_flagged(run: Callable) -> None:
    run(400)
    ((drifted,), flagged) = run(250, contrast=0.3)
    assert str(drifted).startswith("envelope, comb: unlike this form's first 300 fields (contrast 0.6 to 0.3")
    assert flagged == 0


def test_small_runs_are_judged_together(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_watch, "SAMPLE", 120)
    run(400)
    found = [run(40, void=0.2) for _ in range(6)]
    assert [bool(drifted) for drifted, _ in found][-3:] == [True] * 3
    assert [flagged for _, flagged in found][-3:] == [40] * 3


def calibrated(form: str | None) -> Trust:
    """A calibration on fields of that form, or of any, which look as those of ``run`` do by default."""
    draw = random.Random(4)
    fields = [field for number in range(500) for field in page(number, 0.05, 0.6, draw).fields]
    samples = {name: [getattr(field.traits, name) for field in fields] for name in TRAITS}
    known = reference_of(samples | {"confidence": [field.confidence for field in fields]})
    groups = [TrustGroup(None, kind, "composed fields", 500, ()) for kind in FieldKind]
    groups.append(TrustGroup(form, FieldKind.COMB, "checked fields", 500, (), None, known))
    return Trust("1", "2026-01-31", "cnn", {}, tuple(groups[::-1]))


def test_a_first_batch_is_compared_with_the_calibration(run: Callable) -> None:
    ((drifted,), flagged) = run(250, void=0.2, trust=calibrated("envelope"))
    against = "strongly unlike the calibration's 500 checked fields (not_a_digit 0.05 to 0.2"
    assert str(drifted).startswith(f"envelope, comb: {against}")
    assert flagged == 250


def test_the_same_writing_as_the_calibration_is_no_drift(run: Callable) -> None:
    assert run(250, trust=calibrated("envelope")) == ((), 0)
    assert run(250, void=0.05, trust=calibrated("envelope")) == ((), 0)


def test_easier_writing_than_the_calibration_on_any_form_is_not_told(run: Callable) -> None:
    assert run(250, void=0.0, contrast=0.2, trust=calibrated(None)) == ((), 0)


def test_a_calibration_on_any_form_only_tells(run: Callable) -> None:
    ((drifted,), flagged) = run(250, void=0.2, contrast=0.2, trust=calibrated(None))
    assert "unlike the calibration's 500 checked fields (not_a_digit 0.05 to 0.2)" in str(drifted)
    assert (drifted.is_strong, flagged) == (False, 0)
    assert run(250, void=0.2, contrast=0.2, trust=calibrated(None)) == ((), 0)  # now it has fields of its own


def test_a_calibration_without_a_reference_tells_nothing(run: Callable) -> None:
    assert run(250, void=0.2, trust=calibrated("other form")) == ((), 0)
