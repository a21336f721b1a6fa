from decimal import Decimal as D

from hedgegrid.metrics.price_history import EVERY_MS, KEPT, PriceHistory


def test_one_price_a_step_the_last_within_it_and_never_an_older() -> None:
    history = PriceHistory()
    for ts_ms, price in ((0, 1), (EVERY_MS - 1, 2), (EVERY_MS, 3), (EVERY_MS - 1, 9)):
        history.add("X", ts_ms, D(price))
    assert history.points("X") == [(EVERY_MS - 1, D(2)), (EVERY_MS, D(3))]
    assert history.points("unknown") == []


def test_it_is_bounded() -> None:
    history = PriceHistory()
    for step in range(KEPT + 10):
        history.add("X", step * EVERY_MS, D(step))
    points = history.points("X")
    assert len(points) == KEPT
    assert points[0] == (10 * EVERY_MS, D(10))
