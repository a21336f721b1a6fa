"""The venue closes kept-alive connections whenever it likes, most often between two requests."""

import pytest

from hedgegrid.messages.events import OrderAcked, OrderRejected
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import CREATE, FakeVenue
from tests.integration.executor.floor import Floor, eventually

LANES = 8


@pytest.mark.parametrize("orders", [1, 2 * LANES])
def test_a_connection_that_the_venue_closed_while_it_was_idle_costs_no_order(
    floor: Floor, venue: FakeVenue, start: Start, orders: int
) -> None:
    start(order_rate_per_s=1000)
    warm = [floor.submit() for _ in range(LANES)]
    floor.send(*warm)
    floor.expect(OrderAcked, count=LANES)
    venue.cut_connections()
    later = [floor.submit() for _ in range(orders)]
    floor.send(*later)
    floor.expect(OrderAcked, count=LANES + orders)
    eventually(floor.settled, "settled")
    assert floor.events(OrderRejected) == []
    assert sorted(venue.orders) == sorted(order.client_order_id for order in [*warm, *later])
    created = [seen.params["orderLinkId"] for seen in venue.seen(CREATE)]
    assert len(created) == len(set(created)), "none was sent twice though it had arrived"
