"""How much a resting order gets: an independent account of its queue against what the venue fills."""

from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.domain.order import Side
from tests.unit.venue.desk import BUY, SELL, Desk

LOT = D("0.01")
ticks = st.integers(-12, 12)
prints = st.lists(st.tuples(ticks, st.integers(1, 900).map(lambda n: D(n) / 100), st.sampled_from(Side)), max_size=40)


def expected(is_buy: bool, price: D, qty: D, queue: D, tape: list[tuple[D, D, Side]]) -> list[D]:
    """Fills of an order with `queue` in front: whole lots of what trades at its price once the queue is gone, and of
    what trades beyond it. A print on the passive side, or by a taker of its own side at its price, gives nothing."""
    fills, left = [], qty
    for at, volume, taker in tape:
        beyond = at < price if is_buy else at > price
        at_price = at == price and taker is (SELL if is_buy else BUY)
        if not left or not (beyond or at_price):
            continue
        passed = D(0)
        if not beyond:
            passed = min(queue, volume)
            queue -= passed
        got = min(left, (volume - passed) // LOT * LOT)
        if got:
            fills.append(got)
            left -= got
    return fills


@settings(max_examples=300, deadline=None, print_blob=True)
@given(is_buy=st.booleans(), offset=st.integers(0, 9), shown=st.integers(0, 900), qty=st.integers(6, 900), tape=prints)
def test_a_resting_order_gets_what_trades_after_its_queue(
    is_buy: bool, offset: int, shown: int, qty: int, tape: list[tuple[int, D, Side]]
) -> None:
    desk = Desk()
    size = D(shown) / 100
    # A spread of four ticks: offset 0 and 1 lie inside it, 2 joins the best quote, the rest lie behind.
    desk.quote("99.8", str(size), "100.2", str(size))
    price = D(100) - offset * D("0.1") if is_buy else D(100) + offset * D("0.1")
    side, idx = (BUY, 1) if is_buy else (SELL, 2)
    desk.limit(side, idx, str(D(qty) / 100), str(price))
    queue = size if offset >= 2 else D(0)
    story = [(D(100) + n * D("0.1"), volume, taker) for n, volume, taker in tape]
    for at, volume, taker in story:
        desk.print(str(at), str(volume), taker)
    assert [row.exec_qty for row in desk.executions()] == expected(is_buy, price, D(qty) / 100, queue, story)
