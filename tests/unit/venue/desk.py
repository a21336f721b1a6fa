"""A venue with two small symbols and short verbs, so that a test reads as what happens at the exchange."""

from decimal import Decimal as D
from typing import TypeVar

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.venue.conditions import TpSlMode, TriggerBy, TriggerDirection
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import ExecutionReport, OrderReport, PositionReport, Report, WalletReport
from hedgegrid.venue.requests import (
    Accepted,
    FundingDue,
    MarketQuote,
    MarketTrade,
    MarkPrice,
    NewOrder,
    OrderChange,
    OrderRef,
    TradingStop,
)

R = TypeVar("R", bound=Report)
BUY, SELL = Side.BUY, Side.SELL


def instrument(symbol: str = "ABCUSDT", **changes: D) -> Instrument:
    """Tick 0.1, lot 0.01, minimum 0.01 and 5 USDT, leverage 1 to 50, band X 1 % and Y 2 %."""
    filters = {
        "tick_size": D("0.1"),
        "qty_step": D("0.01"),
        "min_qty": D("0.01"),
        "max_limit_qty": D(1000),
        "max_market_qty": D(500),
        "min_notional": D(5),
        "min_price": D("0.1"),
        "max_price": D(100000),
        "min_leverage": D(1),
        "max_leverage": D(50),
        "leverage_step": D("0.01"),
    }
    return Instrument(symbol=symbol, **(filters | changes))  # type: ignore[arg-type]


class Desk:
    """Account `a` of one venue; time moves one ms a call. Prices and quantities are given as text."""

    symbol = "ABCUSDT"

    def __init__(self, *, hedge: bool = True, balance: str = "100000", leverage: str = "10", **options: bool) -> None:
        self.venue = Venue([instrument(), instrument("XYZUSDT")], **options)  # type: ignore[arg-type]
        self.venue.open_account("a", D(balance), hedge_mode=hedge, leverage=D(leverage))
        self.now_ms = 1_700_000_000_000
        self.mark("100")
        self.quote("99.9", "10", "100.1", "10")

    def tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def mark(self, price: str, index: str = "0") -> None:
        self.venue.on_mark(MarkPrice(symbol=self.symbol, mark_px=D(price), index_px=D(index), ts_ms=self.tick()))

    def quote(self, bid: str, bid_qty: str, ask: str, ask_qty: str) -> None:
        self.venue.on_quote(
            MarketQuote(
                symbol=self.symbol, bid_px=D(bid), bid_qty=D(bid_qty), ask_px=D(ask), ask_qty=D(ask_qty),
                ts_ms=self.tick(),
            )
        )  # fmt: skip

    def print(self, price: str, qty: str, taker: Side) -> None:
        self.venue.on_trade(
            MarketTrade(symbol=self.symbol, price=D(price), qty=D(qty), taker_side=taker, ts_ms=self.tick())
        )

    def funding(self, rate: str) -> None:
        self.venue.on_funding(FundingDue(symbol=self.symbol, rate=D(rate), ts_ms=self.tick()))

    def limit(
        self,
        side: Side,
        idx: int,
        qty: str,
        price: str,
        *,
        tif: TimeInForce = TimeInForce.GTC,
        reduce: bool = False,
        link: str = "",
        account: str = "a",
    ) -> Accepted | Refused:
        order = NewOrder(
            symbol=self.symbol,
            side=side,
            order_type=OrderType.LIMIT,
            qty=D(qty),
            price=D(price),
            time_in_force=tif,
            position_idx=idx,
            reduce_only=reduce,
            order_link_id=link,
        )
        return self.venue.submit(account, order, self.tick())

    def market(
        self, side: Side, idx: int, qty: str, *, reduce: bool = False, close: bool = False
    ) -> Accepted | Refused:
        order = NewOrder(
            symbol=self.symbol,
            side=side,
            order_type=OrderType.MARKET,
            qty=D(qty),
            position_idx=idx,
            reduce_only=reduce,
            close_on_trigger=close,
        )
        return self.venue.submit("a", order, self.tick())

    def stop(
        self,
        side: Side,
        idx: int,
        qty: str,
        trigger: str,
        *,
        price: str | None = None,
        direction: TriggerDirection | None = None,
        by: TriggerBy = TriggerBy.LAST,
        reduce: bool = False,
        close: bool = False,
    ) -> Accepted | Refused:
        """A conditional order; it waits for a rise when its trigger lies above 100, for a fall below."""
        order = NewOrder(
            symbol=self.symbol,
            side=side,
            order_type=OrderType.LIMIT if price else OrderType.MARKET,
            qty=D(qty),
            price=D(price) if price else None,
            position_idx=idx,
            reduce_only=reduce,
            close_on_trigger=close,
            trigger_price=D(trigger),
            trigger_direction=direction or (TriggerDirection.RISE if D(trigger) > 100 else TriggerDirection.FALL),
            trigger_by=by,
        )
        return self.venue.submit("a", order, self.tick())

    def protect(self, idx: int, **wish: str | TpSlMode | TriggerBy | OrderType) -> Refused | None:
        """Set the trading stop of a position; prices and sizes as text."""
        decimals = {name: D(value) if type(value) is str else value for name, value in wish.items()}
        stop = TradingStop(symbol=self.symbol, position_idx=idx, **decimals)  # type: ignore[arg-type]
        return self.venue.set_trading_stop("a", stop, self.tick())

    def amend(
        self, answer: Accepted | Refused, *, qty: str | None = None, price: str | None = None
    ) -> Accepted | Refused:
        change = OrderChange(
            symbol=self.symbol,
            order_id=accepted(answer),
            qty=D(qty) if qty else None,
            price=D(price) if price else None,
        )
        return self.venue.amend("a", change, self.tick())

    def cancel(self, answer: Accepted | Refused) -> Accepted | Refused:
        return self.venue.cancel("a", OrderRef(symbol=self.symbol, order_id=accepted(answer)), self.tick())

    def order(self, answer: Accepted | Refused) -> OrderReport:
        report = self.venue.order_by_id("a", accepted(answer))
        assert report is not None
        return report

    def position(self, idx: int) -> PositionReport:
        return self.venue.position("a", self.symbol, idx)

    def drain(self, kind: type[R]) -> list[R]:
        return [report for report in self.venue.drain() if isinstance(report, kind)]

    def executions(self) -> list[ExecutionReport]:
        return self.drain(ExecutionReport)

    def wallet(self) -> WalletReport:
        return self.venue.wallet("a")


def accepted(answer: Accepted | Refused) -> str:
    """Order id of an accepted order; fails with the refusal otherwise."""
    assert isinstance(answer, Accepted), answer
    return answer.order_id


def refused(answer: object) -> int:
    """Code of a refusal; fails when the command was accepted."""
    assert isinstance(answer, Refused), answer
    return answer.code
