"""What people write on each form: plausible values for its fields, and the words around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sample_scans.plans import Shot
from sample_scans.writing import Writing


def _date(rng: np.random.Generator, first_year: int, last_year: int) -> str:
    day, month = rng.integers(1, 29), rng.integers(1, 13)
    return f"{day:02d}{month:02d}{rng.integers(first_year, last_year + 1)}"


def _cheque(rng: np.random.Generator) -> dict[str, str]:
    amount = rng.integers(1, 10) * 10 ** int(rng.integers(2, 6)) + rng.integers(0, 10 ** int(rng.integers(2, 6)))
    return {"date": _date(rng, 2022, 2026), "amount": str(amount)}


def _envelope(rng: np.random.Generator) -> dict[str, str]:
    return {"zip": f"{rng.integers(501, 99951):05d}"}


def _patient(rng: np.random.Generator) -> dict[str, str]:
    systolic, pulse = rng.integers(95, 190), rng.integers(48, 125)
    diastolic = round(systolic * rng.uniform(0.52, 0.72))
    values = {
        "patient_id": f"{rng.integers(10**7):07d}",
        "date_of_birth": _date(rng, 1931, 2012),
        "visit_date": _date(rng, 2024, 2026),
        "systolic": str(systolic),
        "diastolic": str(diastolic),
        "pulse": str(pulse),
        "systolic_2": str(systolic - rng.integers(2, 14)),
        "diastolic_2": str(diastolic - rng.integers(1, 9)),
        "pulse_2": str(pulse - rng.integers(1, 9)),
        "temperature": str(rng.integers(358, 402)),
        "weight": str(rng.integers(38, 128)),
        "height": str(rng.integers(148, 198)),
    }
    return values | _not_measured(rng)


def _not_measured(rng: np.random.Generator) -> dict[str, str]:
    """Optional fields that stay empty: seldom the height, every other time the second measurement."""
    skipped = [] if rng.random() < 0.7 else ["height"]
    if rng.random() < 0.5:
        skipped += ["systolic_2", "diastolic_2", "pulse_2"]
    return dict.fromkeys(skipped, "")


def _stock(rng: np.random.Generator) -> dict[str, str]:
    counts = {}
    for shelf in "ab":
        for n in range(1, 13):
            counts[f"shelf_{shelf}_{n}"] = str(int(10 ** rng.uniform(0.4, 3.7)))
    return {"store": f"{rng.integers(10, 9990):04d}"} | counts


def _notes(rng: np.random.Generator) -> dict[str, str]:
    lengths = rng.choice([3, 4, 5, 6], 10, p=[0.1, 0.3, 0.4, 0.2])
    return {f"reading_{n}": str(rng.integers(10 ** (k - 1), 10**k)) for n, k in enumerate(lengths.tolist(), start=1)}


VALUES: dict[str, Callable[[np.random.Generator], dict[str, str]]] = {
    "cheque": _cheque,
    "envelope": _envelope,
    "patient": _patient,
    "stock": _stock,
    "notes": _notes,
}


def fill(form: str, shot: Shot, rng: np.random.Generator) -> dict[str, str]:
    """What is written into each field, "" for nothing; a stock sheet's total leaves out what was struck out."""
    values = VALUES[form](rng) | dict.fromkeys(shot.empty, "")
    if form == "stock" and "total" not in shot.empty:
        counts = {name: value for name, value in values.items() if name.startswith("shelf") and name not in shot.struck}
        values["total"] = str(sum(int(value) for value in counts.values() if value))
    return values


def _around_cheque(writing: Writing, rng: np.random.Generator) -> None:
    writing.words(22, 28.4, 70, 2.4)
    writing.words(33, 38.8, 98, 2.2)
    writing.words(14, 48.6, rng.uniform(30, 80), 2.2)
    writing.sign(152, 68, 38)


def _around_envelope(writing: Writing, rng: np.random.Generator) -> None:
    for n in range(4):
        writing.words(107, 47 + 10 * n, rng.uniform(45, 90), 2.6)


def _around_patient(writing: Writing, rng: np.random.Generator) -> None:
    writing.words(135, 50, 52, 2.0)
    writing.words(135, 64, rng.uniform(20, 50), 2.0)
    for n in range(int(rng.integers(0, 4))):
        writing.words(22, 209 + 10 * n, rng.uniform(60, 160), 1.9)
    for n in range(4):
        if rng.random() < 0.3:
            writing.tick(20 + 42 * n, 250)
    writing.sign(138, 271, 40)


def _around_stock(writing: Writing, rng: np.random.Generator) -> None:
    writing.words(38, 45, 52, 2.0)
    writing.words(118, 45, rng.uniform(24, 31), 1.8)
    writing.sign(38, 267, 36)


def _around_notes(writing: Writing, rng: np.random.Generator) -> None:
    writing.sign(34, 196, 40)


AROUND: dict[str, Callable[[Writing, np.random.Generator], None]] = {
    "cheque": _around_cheque,
    "envelope": _around_envelope,
    "patient": _around_patient,
    "stock": _around_stock,
    "notes": _around_notes,
}
