from __future__ import annotations

import pytest

from flows import patience
from flows.patience import Patience
from ledger.errors import LedgerError

AWAY = LedgerError("the ledger cannot be reached", "start it", passes=True)
FULL = LedgerError("the ledger has no room left", "make room")


class Work:
    """Fails by each of the errors in turn, then works."""

    def __init__(self, *errors: LedgerError):
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_S", 0.0)


def test_what_passes_is_waited_for_and_told_once() -> None:
    told: list[str] = []
    assert Patience(told.append, lambda: False)(Work(AWAY, AWAY, AWAY)) == "done"
    assert len(told) == 1
    assert "cannot be reached" in told[0]


@pytest.mark.parametrize(
    ("errors", "seconds", "stopped", "left"),
    [((AWAY, FULL), 60, False, 0), ((AWAY, AWAY), 60, True, 1), ((AWAY, AWAY), -1, False, 1)],
    ids=["it stays", "the run is stopped", "it takes too long"],
)
def test_what_does_not_pass_is_raised(
    errors: tuple[LedgerError, ...], seconds: float, stopped: bool, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", seconds)
    work = Work(*errors)
    with pytest.raises(LedgerError):
        Patience(lambda _: None, lambda: stopped)(work)
    assert len(work.errors) == left
