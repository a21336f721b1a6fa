"""Reading side of the venue; nothing here changes it."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from hedgegrid.domain.instrument import Instrument
from hedgegrid.venue.account import Account
from hedgegrid.venue.market import Market, Phase
from hedgegrid.venue.reports import (
    ExecutionReport,
    OrderReport,
    PositionReport,
    TickerReport,
    TransactionReport,
    WalletReport,
)
from hedgegrid.venue.risk_limits import RiskLimit, risk_limits, with_tiers
from hedgegrid.venue.views import order_report, position_report, ticker_report, transaction_report, wallet_report


class Queries:
    """An unknown account or symbol raises KeyError; lists are newest first."""

    def __init__(self, instruments: Iterable[Instrument], taker_fee: Decimal) -> None:
        self._markets = {rules.symbol: Market(with_tiers(rules), n) for n, rules in enumerate(instruments)}
        self._accounts: dict[str, Account] = {}
        self._taker_fee = taker_fee

    def orders_open(self, account: str, symbol: str | None = None) -> list[OrderReport]:
        orders = reversed(self._accounts[account].open.values())
        return [order_report(o) for o in orders if symbol is None or o.slot.market.symbol == symbol]

    def orders_closed(self, account: str, symbol: str | None = None, limit: int | None = None) -> list[OrderReport]:
        """Finished orders, the last one to finish first; `limit` None means all."""
        orders = reversed(self._accounts[account].closed)
        found = (o for o in orders if symbol is None or o.slot.market.symbol == symbol)
        return [order_report(order) for order in islice(found, limit)]

    def order_by_id(self, account: str, order_id: str) -> OrderReport | None:
        order = self._accounts[account].by_id.get(order_id)
        return order_report(order) if order else None

    def order_by_link(self, account: str, order_link_id: str) -> OrderReport | None:
        order = self._accounts[account].by_link.get(order_link_id)
        return order_report(order) if order else None

    def executions(self, account: str, symbol: str | None = None, limit: int | None = None) -> list[ExecutionReport]:
        rows = reversed(self._accounts[account].executions)
        return list(islice((r for r in rows if symbol is None or r.symbol == symbol), limit))

    def transactions(
        self, account: str, symbol: str | None = None, limit: int | None = None
    ) -> list[TransactionReport]:
        """The transaction log. The deposit is no row of it: Σ `change` = wallet balance − deposit."""
        return [transaction_report(row) for row in self.executions(account, symbol, limit)]

    def positions(self, account: str, symbol: str | None = None) -> list[PositionReport]:
        """With a symbol: its row (one-way) or both rows (hedge), flat or not. Without: rows that hold something."""
        owner = self._accounts[account]
        if symbol is None:
            return [
                position_report(slot, position, self._taker_fee)
                for slot in owner.slots.values()
                for position in slot.held()
            ]
        slot = owner.slot(self._markets[symbol])
        return [position_report(slot, slot.positions[i], self._taker_fee) for i in slot.indexes]

    def position(self, account: str, symbol: str, position_idx: int) -> PositionReport:
        slot = self._accounts[account].slot(self._markets[symbol])
        return position_report(slot, slot.positions[position_idx], self._taker_fee)

    def wallet(self, account: str) -> WalletReport:
        return wallet_report(self._accounts[account], self._taker_fee)

    def ticker(self, symbol: str) -> TickerReport:
        return ticker_report(self._markets[symbol])

    def hedge_mode(self, account: str, symbol: str) -> bool:
        return self._accounts[account].slot(self._markets[symbol]).hedge

    def leverage(self, account: str, symbol: str) -> Decimal:
        return self._accounts[account].slot(self._markets[symbol]).leverage

    def phase(self, symbol: str) -> Phase:
        """Whether the symbol trades, may only be reduced, is being delisted, or is closed."""
        return self._markets[symbol].phase

    def risk_limits(self, symbol: str) -> list[RiskLimit]:
        """Rows of the symbol's risk-limit table, lowest first."""
        market = self._markets[symbol]
        return risk_limits(market.instrument, market.number)

    def instrument(self, symbol: str) -> Instrument:
        return self._markets[symbol].instrument

    def instruments(self) -> list[Instrument]:
        return [market.instrument for market in self._markets.values()]

    def accounts(self) -> list[str]:
        return list(self._accounts)
