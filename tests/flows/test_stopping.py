from __future__ import annotations

import signal
import threading

import pytest

from flows.stopping import STOP_SIGNALS, stop_on_signal


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_signal_is_a_request_and_the_second_is_not(number: signal.Signals) -> None:
    before = signal.signal(number, lambda *_: seen.append("second"))
    seen: list[str] = []
    try:
        with stop_on_signal() as stop:
            assert not stop
            signal.raise_signal(number)
            assert stop.signal == number
            assert not seen
            signal.raise_signal(number)
            assert seen == ["second"]
    finally:
        signal.signal(number, before)


def test_the_handlers_from_before_come_back() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with stop_on_signal():
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_in_another_thread_there_is_nothing_to_request() -> None:
    stops = []

    def run() -> None:
        with stop_on_signal() as stop:
            stops.append(bool(stop))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert stops == [False]


def test_a_second_ctrl_c_waits_for_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stop_on_signal():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)
    assert "once more" in capfd.readouterr().err
