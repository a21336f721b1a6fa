"""The harness itself: what is wrong is counted, late recovery is trouble, and memory growth is seen."""

from decimal import Decimal

import pytest

from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.order import Leg, OrderType, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.operator.own_books import OwnBooks
from hedgegrid.operator.report import AccountBooks
from hedgegrid.operator.venue_books import VenueBooks, VenueOrder, VenuePosition
from hedgegrid.strategy.core.state import BotState, LegState, OrderPhase, WorkingOrder
from tests.chaos.figures import FaultFigures, percentile
from tests.chaos.memory import slope
from tests.chaos.sight import BotSight
from tests.chaos.verdict import verdict_of

BTC = "BTCUSDT"
ID = "h1-BTCUSDT-LT00-1"


def sight(order: str | None, qty: str = "0", trading_state: TradingState = TradingState.ACTIVE) -> BotSight:
    orders: tuple[WorkingOrder, ...] = ()
    if order is not None:
        working = WorkingOrder(
            client_order_id=order,
            purpose=Purpose.TAKE_PROFIT,
            level=0,
            order_type=OrderType.LIMIT,
            qty=Decimal(1),
            price=Decimal(1),
            phase=OrderPhase.LIVE,
            since_ms=0,
        )
        orders = (working,)
    leg = LegState(book=LegBook(leg=Leg.LONG, qty=Decimal(qty)), orders=orders)
    state = BotState(symbol=BTC, trading_state=trading_state, long=leg)
    return BotSight(bot=("main", BTC), owner="demo-strategy-1", state=state)


def books(order: str | None, qty: str = "0", realised: str = "0", executions: tuple[str, ...] = ()) -> AccountBooks:
    orders = () if order is None else (VenueOrder(symbol=BTC, client_order_id=order, created_ms=1, ended_ms=None),)
    position = VenuePosition(qty=Decimal(qty), cum_realised=Decimal(realised))
    venue = VenueBooks(orders=orders, executions=dict.fromkeys(executions, BTC), positions={(BTC, Leg.LONG): position})
    return AccountBooks(account="main", symbols=(BTC,), own=OwnBooks(), venue=venue)


def test_books_that_agree_are_clean() -> None:
    assert verdict_of([books(ID, "1")], [sight(ID, "1")]).clean


@pytest.mark.parametrize(
    ("venue", "bot", "counts"),
    [
        (books(ID), sight(None), {"orphan_orders": 1}),
        (books(None), sight(ID), {"orphan_orders": 1}),
        (books(None, "2"), sight(None, "1"), {"orphan_orders": 1}),
        (books(None, executions=("t1", "t2")), sight(None), {"lost_fills": 2}),
        (books(None, realised="-0.5"), sight(None), {"pnl_difference": Decimal("0.5")}),
        (books(None), sight(None, trading_state=TradingState.HALTED), {"halted": 1}),
    ],
)
def test_what_differs_is_counted(venue: AccountBooks, bot: BotSight, counts: dict[str, object]) -> None:
    verdict = verdict_of([venue], [bot])
    assert not verdict.clean
    assert {name: getattr(verdict, name) for name in counts} == counts
    row = FaultFigures("x", "test", injected=1)
    row.judged(verdict, 7)
    assert row.troubles
    assert row.troubles[0].startswith("seed 7: ")


def test_a_fill_told_twice_in_the_ledger_is_counted() -> None:
    doubled = books(None, executions=("t1",))
    doubled.own.booked.update(["t1", "t1"])
    assert verdict_of([doubled], [sight(None)]).doubled_fills == 1


def test_late_recovery_and_faults_that_never_happened_are_trouble() -> None:
    assert FaultFigures("x", "test").troubles == ["was never injected"]
    assert not FaultFigures("x", "test", skipped="no mount").troubles
    late = FaultFigures("x", "test", limit_s=6.0, injected=2, recover_s=[1.0, 6.5])
    assert late.troubles == ["recovery p99 6.5 s, more than 6.0 s"]


def test_percentiles_are_exact() -> None:
    assert percentile([], 0.99) is None
    assert [percentile([float(n) for n in range(1, 101)], share) for share in (0.5, 0.99)] == [50.0, 99.0]


def test_growth_is_seen_over_lives_of_different_size() -> None:
    lives = [[(0.0, 100.0), (1.0, 110.0), (2.0, 120.0)], [(0.0, 900.0), (4.0, 940.0)]]
    assert slope(lives) == pytest.approx(10.0)
    assert slope([[(1.0, 5.0)]]) == 0.0
