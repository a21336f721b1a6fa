"""The venue's clock is measured so that a slow answer cannot get every later request refused."""

from typing import Any

import pytest

from hedgegrid.bybit.errors import Kind, Outcome, VenueError
from hedgegrid.bybit.requests import Operation
from hedgegrid.bybit.rest import RestClient, RestSettings
from hedgegrid.bybit.rest_transport import Answer, BeforeSend
from hedgegrid.bybit.venue_clock import VenueClock

START_NS = 1_700_000_000_000_000_000
AHEAD_MS = 40


class SlowVenue(RestClient):
    """Its time calls take `delays_ms` on their way there and nothing on their way back."""

    def __init__(self, delays_ms: list[int]) -> None:
        super().__init__(RestSettings(), "key", "secret", lambda call: None)
        self.now_ns = START_NS
        self.delays_ms = delays_ms
        self.clock = VenueClock(lambda: self.now_ns, lambda: self.now_ns)

    def call(
        self,
        operation: Operation,
        name: str,
        method: str,
        path: str,
        params: dict[str, Any],
        before_send: BeforeSend | None = None,
    ) -> Answer:
        if operation is Operation.SETUP:
            if abs(self.offset_ms - AHEAD_MS) > 1000:
                raise VenueError(Outcome(Kind.RETRY_SAME_ID, 10002, "timestamp"), path)
            return Answer({}, 0, {})
        self.now_ns += (self.delays_ms.pop(0) if self.delays_ms else 0) * 1_000_000
        return Answer({"timeNano": str(self.now_ns + AHEAD_MS * 1_000_000)}, 0, {})


@pytest.fixture
def venue() -> SlowVenue:
    return SlowVenue([])


def test_a_slow_answer_is_asked_again_and_the_fastest_counts(venue: SlowVenue) -> None:
    venue.delays_ms = [4_000, 20]
    venue.sync_clock()
    assert venue.offset_ms == AHEAD_MS + 10


def test_when_all_answers_are_slow_the_fastest_counts(venue: SlowVenue) -> None:
    venue.delays_ms = [4_000, 900, 3_000]
    venue.sync_clock()
    assert venue.offset_ms == AHEAD_MS + 450


def test_a_setting_refused_for_its_timestamp_measures_the_clock_anew(venue: SlowVenue) -> None:
    venue.clock.told(START_NS // 1_000_000 + 5_000, START_NS, START_NS)
    with pytest.raises(VenueError):
        venue.switch_to_hedge("BTCUSDT")
    venue.switch_to_hedge("BTCUSDT")
    assert venue.offset_ms == AHEAD_MS
