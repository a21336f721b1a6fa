"""How long events are held."""

from hedgegrid.ws_gateway.held_events import HoldingBound


def test_bound_in_number() -> None:
    bound = HoldingBound(entries=10)
    assert bound.failed(10, 0) == ""
    assert "more than 10" in bound.failed(11, 0)


def test_bound_in_time_counts_from_the_first_failure() -> None:
    bound = HoldingBound(age_ms=1000)
    assert bound.failed(1, 5000) == ""
    assert bound.failed(1, 6000) == ""
    assert "1001 ms" in bound.failed(1, 6001)
    bound.worked()
    assert bound.failed(1, 9000) == ""
