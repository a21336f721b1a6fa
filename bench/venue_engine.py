"""Cost of an order's life in the venue at 10, 100 and 500 open orders per symbol; `python -m bench.venue_engine`.

Prints microseconds per operation (best of the rounds, each on all sizes in turn) and the ratio of the last column to
the first: near 1 is flat.
"""

import time
from collections.abc import Callable
from decimal import Decimal as D

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import OrderType, Side
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import Accepted, MarketQuote, MarketTrade, MarkPrice, NewOrder, OrderChange, OrderRef

OPEN_ORDERS = (10, 100, 499)
"""One below the cap of 500, so that one more fits."""
ROUNDS = 15
REPEATS = 60
SYMBOL = "ABCUSDT"
TICK = D("0.1")


def instrument() -> Instrument:
    return Instrument(
        symbol=SYMBOL, tick_size=TICK, qty_step=D("0.01"), min_qty=D("0.01"), max_limit_qty=D(1000),
        max_market_qty=D(500), min_notional=D(5), min_price=TICK, max_price=D(100_000), min_leverage=D(1),
        max_leverage=D(50), leverage_step=D("0.01"),
    )  # fmt: skip


class Bench:
    """An account with `count` resting buys, each at its own price below the market, and a position to value."""

    def __init__(self, count: int) -> None:
        self.venue = Venue([instrument()])
        self.venue.open_account("a", D(10_000_000), hedge_mode=True)
        self.venue.on_mark(MarkPrice(symbol=SYMBOL, mark_px=D(1000), ts_ms=1))
        self._quote(0)
        self._submit(OrderType.MARKET, D(1000))
        for n in range(count):
            self._submit(OrderType.LIMIT, D(990) - n * TICK)
        self.ids: list[str] = []
        self.venue.drain()

    def create(self, n: int) -> None:
        self.ids.append(self._submit(OrderType.LIMIT, D(900) - n * TICK))
        self._cancel(self.ids.pop())

    def amend(self, n: int) -> None:
        order_id = self._submit(OrderType.LIMIT, D(900) - n * TICK)
        change = OrderChange(symbol=SYMBOL, order_id=order_id, price=D(899) - n * TICK)
        self.venue.amend("a", change, 3)
        self._cancel(order_id)

    def fill(self, n: int) -> None:
        self._submit(OrderType.LIMIT, D("991") + n % 5 * TICK)
        trade = MarketTrade(symbol=SYMBOL, price=D("990.5"), qty=D(1), taker_side=Side.SELL, ts_ms=4)
        self.venue.on_trade(trade)
        self.venue.drain()

    def look(self, n: int) -> None:
        """A quote, a mark and a print that reach nothing."""
        self._quote(n)
        self.venue.on_mark(MarkPrice(symbol=SYMBOL, mark_px=D(1000) + n % 7 * TICK, ts_ms=5))
        self.venue.on_trade(MarketTrade(symbol=SYMBOL, price=D(1000), qty=D(1), taker_side=Side.BUY, ts_ms=5))

    def _quote(self, n: int) -> None:
        bid = D(1000) - n % 3 * TICK
        self.venue.on_quote(
            MarketQuote(symbol=SYMBOL, bid_px=bid, bid_qty=D(100), ask_px=bid + TICK, ask_qty=D(100), ts_ms=2)
        )

    def _submit(self, order_type: OrderType, price: D) -> str:
        order = NewOrder(
            symbol=SYMBOL, side=Side.BUY, order_type=order_type, qty=D("0.05"), price=price, position_idx=1
        )
        answer = self.venue.submit("a", order, 2)
        assert isinstance(answer, Accepted), answer
        return answer.order_id

    def _cancel(self, order_id: str) -> None:
        self.venue.cancel("a", OrderRef(symbol=SYMBOL, order_id=order_id), 3)
        self.venue.drain()


def round_us(operation: Callable[[int], None]) -> float:
    """Microseconds of one call."""
    begin = time.perf_counter_ns()
    for n in range(REPEATS):
        operation(n)
    return (time.perf_counter_ns() - begin) / REPEATS / 1000


def main() -> None:
    labels = {
        "create": "create + cancel",
        "amend": "create + amend + cancel",
        "fill": "create + fill",
        "look": "quote + mark + print",
    }
    print(f"{'µs an operation':<24}" + "".join(f"{count:>8} open" for count in OPEN_ORDERS) + "   ratio")
    benches = [Bench(count) for count in OPEN_ORDERS]
    for name, label in labels.items():
        rounds = [[round_us(getattr(bench, name)) for bench in benches] for _ in range(ROUNDS)]
        costs = [min(column) for column in zip(*rounds, strict=True)]
        print(f"{label:<24}" + "".join(f"{cost:>13.1f}" for cost in costs) + f"{costs[-1] / costs[0]:>8.2f}")


if __name__ == "__main__":
    main()
