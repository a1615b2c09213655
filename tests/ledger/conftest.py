import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forms.template import Box
from ledger.ledger import Ledger
from preprocessing.page import PageProblem, PixelBox, ProblemReason
from reading.readings import DigitReading, FieldReading, PageReading, Reason

_numbers = itertools.count(1)


def _field(name: str, value: str = "0412", *reasons: Reason, **changes: Any) -> FieldReading:
    values: dict[str, Any] = {
        "field": name,
        "value": value,
        "confidence": 0.98765,
        "needs_review": bool(reasons),
        "reasons": reasons,
        "alternatives": (("0472", 0.0093), ("0112", 0.001)),
        "digits": (DigitReading("0", 0.99, PixelBox(1, 2, 30, 40)),),
        "box": Box(20, 31.5, 48, 8),
        "crop_png": b"\x89PNG" + name.encode(),
        "threshold": 0.95,
    }
    return FieldReading(**values | changes)


def _read(scan: str = "a.png", page: int = 1, sha256: str = "", *fields: FieldReading, **changes: Any) -> PageReading:
    values: dict[str, Any] = {
        "scan": scan,
        "page": page,
        "sha256": sha256 or hashlib.sha256(scan.encode("utf-8", "surrogateescape")).hexdigest(),
        "form": "envelope",
        "form_version": "2",
        "residual_mm": 0.1416,
        "model": "cnn 1",
        "threshold": 0.95,
        "fields": fields or (_field("zip", "00412"),),
    }
    return PageReading(**values | changes)


def _problem(scan: str, reason: ProblemReason, page: int = 0, sha256: str = "") -> PageProblem:
    return PageProblem(scan, page, sha256, reason, f"It is {reason}.")


@pytest.fixture(scope="session")
def field() -> Callable[..., FieldReading]:
    return _field


@pytest.fixture(scope="session")
def read() -> Callable[..., PageReading]:
    return _read


@pytest.fixture(scope="session")
def problem() -> Callable[..., PageProblem]:
    return _problem


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    server = request.getfixturevalue("postgresql")
    name = f"ledger{next(_numbers)}"
    server.psql(f"CREATE DATABASE {name}")
    return str(server.get_uri(name))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite_ledger(sqlite_url: str) -> Iterator[Ledger]:
    with Ledger.open(sqlite_url) as opened:
        yield opened
