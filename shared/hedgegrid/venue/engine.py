"""The simulated venue.

    Venue(instruments, *, seed=0, maker_fee, taker_fee, require_min_notional_on_reduce=True)
    open_account(account, balance_usdt, *, hedge_mode=False, leverage=10)

Commands (each at `now_ms`), answered at once; what follows from them is queued for `drain()`:

    submit(account, NewOrder, now_ms)         -> Accepted | Refused
    amend(account, OrderChange, now_ms)       -> Accepted | Refused
    cancel(account, OrderRef, now_ms)         -> Accepted | Refused
    cancel_all(account, symbol | None, now_ms) -> list[Accepted]
    set_leverage(account, symbol, leverage, now_ms)     -> None | Refused
    switch_mode(account, symbol | None, hedge, now_ms)  -> None | Refused

Market input: on_trade(MarketTrade), on_quote(MarketQuote), on_mark(MarkPrice), on_funding(FundingDue).

Queries (the same report structs, newest first for lists): orders_open, orders_closed, order_by_id, order_by_link,
executions, positions, position, wallet, ticker; instrument(symbol), instruments(), accounts().

An unknown account or a symbol that the venue does not list raises KeyError in market input and queries; commands answer
`Refused` for an unknown symbol.
"""

from collections.abc import Iterable
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import (
    ExecutionReport,
    OrderReport,
    PositionReport,
    Report,
    TickerReport,
    WalletReport,
)
from hedgegrid.venue.requests import (
    Accepted,
    FundingDue,
    MarketQuote,
    MarketTrade,
    MarkPrice,
    NewOrder,
    OrderChange,
    OrderRef,
)


class Venue:
    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        seed: int = 0,
        maker_fee: Decimal = Decimal("0.0002"),
        taker_fee: Decimal = Decimal("0.00055"),
        require_min_notional_on_reduce: bool = True,
    ) -> None:
        raise NotImplementedError

    def open_account(
        self, account: str, balance_usdt: Decimal, *, hedge_mode: bool = False, leverage: Decimal = Decimal(10)
    ) -> None:
        """Raises ValueError when the account exists already."""
        raise NotImplementedError

    def submit(self, account: str, order: NewOrder, now_ms: int) -> Accepted | Refused:
        raise NotImplementedError

    def amend(self, account: str, change: OrderChange, now_ms: int) -> Accepted | Refused:
        raise NotImplementedError

    def cancel(self, account: str, which: OrderRef, now_ms: int) -> Accepted | Refused:
        raise NotImplementedError

    def cancel_all(self, account: str, symbol: str | None, now_ms: int) -> list[Accepted]:
        raise NotImplementedError

    def set_leverage(self, account: str, symbol: str, leverage: Decimal, now_ms: int) -> Refused | None:
        raise NotImplementedError

    def switch_mode(self, account: str, symbol: str | None, hedge: bool, now_ms: int) -> Refused | None:
        raise NotImplementedError

    def on_trade(self, trade: MarketTrade) -> None:
        raise NotImplementedError

    def on_quote(self, quote: MarketQuote) -> None:
        raise NotImplementedError

    def on_mark(self, mark: MarkPrice) -> None:
        raise NotImplementedError

    def on_funding(self, funding: FundingDue) -> None:
        raise NotImplementedError

    def drain(self) -> list[Report]:
        """All reports since the last call, in the order they happened (across accounts; see each one's `.account`)."""
        raise NotImplementedError

    def orders_open(self, account: str, symbol: str | None = None) -> list[OrderReport]:
        raise NotImplementedError

    def orders_closed(self, account: str, symbol: str | None = None, limit: int | None = None) -> list[OrderReport]:
        raise NotImplementedError

    def order_by_id(self, account: str, order_id: str) -> OrderReport | None:
        raise NotImplementedError

    def order_by_link(self, account: str, order_link_id: str) -> OrderReport | None:
        raise NotImplementedError

    def executions(self, account: str, symbol: str | None = None, limit: int | None = None) -> list[ExecutionReport]:
        raise NotImplementedError

    def positions(self, account: str, symbol: str | None = None) -> list[PositionReport]:
        """With a symbol: its row (one-way) or both rows (hedge), flat or not. Without: only rows that hold something."""
        raise NotImplementedError

    def position(self, account: str, symbol: str, position_idx: int) -> PositionReport:
        raise NotImplementedError

    def wallet(self, account: str) -> WalletReport:
        raise NotImplementedError

    def ticker(self, symbol: str) -> TickerReport:
        raise NotImplementedError

    def hedge_mode(self, account: str, symbol: str) -> bool:
        raise NotImplementedError

    def instrument(self, symbol: str) -> Instrument:
        raise NotImplementedError

    def instruments(self) -> list[Instrument]:
        raise NotImplementedError

    def accounts(self) -> list[str]:
        raise NotImplementedError
