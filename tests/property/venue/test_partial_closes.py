"""However a position is closed in parts, the parts add up to the whole."""

from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.venue.reports import ExecutionReport
from tests.unit.venue.desk import BUY, SELL, Desk

lots = st.integers(6, 900).map(lambda n: D(n) / 100)
cents = st.integers(951, 1049).map(lambda n: D(n) / 10)


@settings(max_examples=200, deadline=None, print_blob=True)
@given(
    entries=st.lists(st.tuples(lots, cents), min_size=1, max_size=6),
    exit_price=cents,
    parts=st.lists(lots),
    long=st.booleans(),
)
def test_partial_closes_add_up_to_the_whole(
    entries: list[tuple[D, D]], exit_price: D, parts: list[D], long: bool
) -> None:
    idx, opening, closing = (1, BUY, SELL) if long else (2, SELL, BUY)
    desk = Desk()
    desk.quote("0", "0", "0", "0")
    for qty, price in entries:
        desk.mark(str(price))
        desk.limit(opening, idx, str(qty), str(price))
        desk.print("1" if long else "9999", str(qty), closing)
    held = desk.position(idx)
    desk.mark(str(exit_price))
    desk.limit(closing, idx, str(held.size), str(exit_price), reduce=True)
    for part in [*parts, held.size]:
        desk.print("9999" if long else "1", str(part), opening)
    rows = desk.drain(ExecutionReport)
    gross = sum((r.exec_pnl for r in rows), D(0))
    whole = sum(((exit_price - price) * qty for qty, price in entries), D(0)) * (1 if long else -1)
    assert desk.position(idx).size == 0
    assert gross == whole
    assert desk.position(idx).cum_realised_pnl == whole - sum((r.exec_fee for r in rows), D(0))
