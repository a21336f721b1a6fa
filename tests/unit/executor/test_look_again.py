"""How often the venue is asked about an order that may or may not have arrived."""

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.executor.settings import ExecutorSettings

NS_PER_MS = 1_000_000


@given(
    rounds=st.integers(1, 20),
    span_ms=st.integers(0, 600_000),
    first_ms=st.integers(1, 60_000),
    looks_before=st.integers(0, 40),
)
def test_absence_is_proven_in_no_more_rounds_and_time_than_asked_for(
    rounds: int, span_ms: int, first_ms: int, looks_before: int
) -> None:
    settings = ExecutorSettings(absent_rounds=rounds, absent_span_ms=span_ms, retry_first_ms=first_ms)
    pauses = [settings.look_again_ns(looks_before + absences, absences) for absences in range(1, rounds)]
    if rounds > 1:
        assert sum(pauses) >= span_ms * NS_PER_MS, "so the last of these rounds is the last one"
        assert sum(pauses) <= (max(span_ms, (rounds - 1) * first_ms) + rounds) * NS_PER_MS


@given(looks=st.integers(0, 200))
def test_a_line_that_is_back_is_noticed_soon_and_the_first_looks_come_sooner(looks: int) -> None:
    settings = ExecutorSettings()
    pause_ms = settings.look_again_ns(looks, 0) // NS_PER_MS
    assert pause_ms == min(500 * 2**looks, 5_000)
    assert settings.look_again_ns(looks, 1) // NS_PER_MS == 5_000
