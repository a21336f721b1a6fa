"""The result of closing fills read over REST adds up to the venue's own, order by order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit import parse
from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.money import ZERO, plain
from hedgegrid.domain.order import Leg
from hedgegrid.executor.closing_gross import MissingResult, gross_of

D = Decimal
lots = st.integers(1, 500).map(lambda n: n * D("0.001"))
prices = st.integers(300_000, 700_000).map(lambda n: n * D("0.1"))
opens = st.lists(st.tuples(lots, prices), min_size=1, max_size=5)


def fill(number: int, order: str, leg: Leg, qty: Decimal, price: Decimal) -> parse.ExecutionRow:
    return parse.ExecutionRow(
        symbol="BTCUSDT", order_id=order, exec_id=f"e{number}", exec_type="Trade", side=leg.closing_side.value,
        exec_price=plain(price), exec_qty=plain(qty), closed_size=plain(qty), exec_time=str(1000 + number), seq=number,
    )  # fmt: skip


def pnl_row(order: str, leg: Leg, qty: Decimal, entry: Decimal, exit_value: Decimal) -> dict[str, object]:
    return {
        "orderId": order, "side": leg.closing_side.value, "closedSize": plain(qty), "cumEntryValue": plain(entry),
        "cumExitValue": plain(exit_value),
    }  # fmt: skip


def closing(leg: Leg, opened: list[tuple[Decimal, Decimal]], parts: list[tuple[int, Decimal]]) -> tuple[object, ...]:
    """Open a leg and close it in parts of one order: the venue's own results, the rows, the closed-pnl row."""
    book = LegBook(leg=leg)
    for qty, price in opened:
        book = book.opened(qty, price, ZERO)
    held, entry = book.qty, book.entry_value
    rows, results, exit_value = [], {}, ZERO
    for number, (share, price) in enumerate(parts):
        qty = (held * share / 100).quantize(D("0.001")) if number < len(parts) - 1 else book.qty
        qty = min(max(qty, D("0.001")), book.qty)
        if not qty:
            break
        book, gross = book.closed(qty, price, ZERO)
        rows.append(fill(number, "o1", leg, qty, price))
        results[f"e{number}"] = gross
        exit_value += qty * price
    return rows, results, pnl_row("o1", leg, held - book.qty, entry - book.entry_value, exit_value)


@given(st.sampled_from(Leg), opens, prices)
def test_one_fill_has_exactly_the_venues_result(
    leg: Leg, opened: list[tuple[Decimal, Decimal]], price: Decimal
) -> None:
    rows, results, pnl = closing(leg, opened, [(100, price)])
    assert gross_of(rows, [pnl]) == results  # type: ignore[arg-type, list-item]


@given(st.sampled_from(Leg), opens, st.lists(st.tuples(st.integers(1, 60), prices), min_size=1, max_size=6))
def test_several_fills_add_up_to_the_venues_result(
    leg: Leg, opened: list[tuple[Decimal, Decimal]], parts: list[tuple[int, Decimal]]
) -> None:
    rows, results, pnl = closing(leg, opened, parts)
    found = gross_of(rows, [pnl])  # type: ignore[arg-type, list-item]
    assert sum(found.values()) == sum(results.values())  # type: ignore[attr-defined]
    for exec_id, gross in results.items():  # type: ignore[attr-defined]
        assert abs(found[exec_id] - gross) <= D("0.00000010")


def test_several_rows_of_one_order_are_one_result() -> None:
    rows = [fill(1, "o1", Leg.SHORT, D(1), D(90)), fill(2, "o1", Leg.SHORT, D(1), D(80))]
    pnl = [pnl_row("o1", Leg.SHORT, D(1), D(100), D(90)), pnl_row("o1", Leg.SHORT, D(1), D(100), D(80))]
    assert gross_of(rows, pnl) == {"e1": D(10), "e2": D(20)}


def test_fills_before_the_window_leave_the_average_price() -> None:
    """The order closed 3, only the last fill was asked for."""
    rows = [fill(3, "o1", Leg.LONG, D(1), D(130))]
    assert gross_of(rows, [pnl_row("o1", Leg.LONG, D(3), D(300), D(360))]) == {"e3": D(30)}


@pytest.mark.parametrize("known", [[], [pnl_row("o1", Leg.LONG, D(1), D(100), D(110))]])
def test_a_result_that_is_not_there_or_lags_is_missing(known: list[dict[str, object]]) -> None:
    rows = [fill(1, "o1", Leg.LONG, D(1), D(110)), fill(2, "o1", Leg.LONG, D(1), D(120))]
    with pytest.raises(MissingResult, match="o1"):
        gross_of(rows, known)
