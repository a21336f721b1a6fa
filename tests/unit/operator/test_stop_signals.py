"""The first request stops cleanly, the second at once; afterwards signals mean what they meant before."""

import signal

import pytest

from hedgegrid.operator.stop_signals import StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_asks_and_the_second_insists(number: signal.Signals, request: pytest.FixtureRequest) -> None:
    ours = signal.getsignal(number)
    request.addfinalizer(lambda: signal.signal(number, ours))
    signal.signal(number, signal.SIG_DFL)  # under nohup, SIGHUP is ignored
    before = signal.getsignal(number)
    calls: list[str] = []
    with StopSignals() as signals:
        signals.at_once = lambda: calls.append("at once")
        signal.raise_signal(number)
        assert signals.requested
        assert not calls
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert calls == ["at once"]
    assert signal.getsignal(number) == before


def test_under_nohup_a_closed_terminal_changes_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            signal.raise_signal(signal.SIGHUP)
            assert not signals.requested
    finally:
        signal.signal(signal.SIGHUP, before)
