"""The simulated venue.

    Venue(instruments, *, seed=0, maker_fee, taker_fee, require_min_notional_on_reduce=True)
    open_account(account, balance_usdt, *, hedge_mode=False, leverage=10)

Commands (each at `now_ms`), answered at once; what follows from them is queued for `drain()`:

    submit(account, NewOrder, now_ms)         -> Accepted | Refused
    amend(account, OrderChange, now_ms)       -> Accepted | Refused
    cancel(account, OrderRef, now_ms)         -> Accepted | Refused
    cancel_all(account, symbol | None, now_ms, OrderFilter.ALL) -> list[Accepted]
    set_trading_stop(account, TradingStop, now_ms)      -> None | Refused
    set_leverage(account, symbol, leverage, now_ms)     -> None | Refused
    switch_mode(account, symbol | None, hedge, now_ms)  -> None | Refused

Market input: on_trade(MarketTrade), on_quote(MarketQuote), on_mark(MarkPrice), on_funding(FundingDue).

Queries (see `queries.Queries`; lists newest first): orders_open, orders_closed, order_by_id, order_by_link, executions,
positions, position, wallet, ticker, hedge_mode, leverage, instrument, instruments, accounts.

An unknown account or a symbol that the venue does not list raises KeyError in market input and queries; commands answer
`Refused` for an unknown symbol.
"""

from collections.abc import Iterable
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Side
from hedgegrid.venue import refusals
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.conditions import TriggerBy
from hedgegrid.venue.margin import account_margin, exposure, tier_at
from hedgegrid.venue.order_entry import OrderEntry
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import Report
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice


class Venue(OrderEntry):
    """Fees are fractions of the executed value; amounts in USDT."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        seed: int = 0,
        maker_fee: Decimal = Decimal("0.0002"),
        taker_fee: Decimal = Decimal("0.00055"),
        require_min_notional_on_reduce: bool = True,
    ) -> None:
        super().__init__(
            instruments,
            seed=seed,
            maker_fee=maker_fee,
            taker_fee=taker_fee,
            require_min_notional_on_reduce=require_min_notional_on_reduce,
        )

    def open_account(
        self,
        account: str,
        balance_usdt: Decimal,
        *,
        hedge_mode: bool = False,
        leverage: Decimal = Decimal(10),
    ) -> None:
        """Mode and leverage are the defaults of every symbol of the account; leverage is kept inside a symbol's bounds.

        Raises:
            ValueError: the account exists already.
        """
        if account in self._accounts:
            raise ValueError(f"account {account!r} is open already")
        self._accounts[account] = Account(account, balance_usdt, hedge_mode, leverage)

    def set_leverage(self, account: str, symbol: str, leverage: Decimal, now_ms: int) -> Refused | None:
        """Change the leverage of both legs; refused above the maximum of the symbol or of the risk tier of what is held
        and ordered, and when the margin then needed is not there."""
        market = self._markets.get(symbol)
        if market is None:
            return refusals.BAD_SYMBOL
        rules = market.instrument
        if not leverage.is_finite() or not rules.min_leverage <= leverage <= rules.max_leverage:
            return refusals.BAD_LEVERAGE
        if leverage % rules.leverage_step:
            return refusals.BAD_LEVERAGE
        slot = self._accounts[account].slot(market)
        before = slot.leverage
        if leverage == before:
            return refusals.LEVERAGE_UNCHANGED
        if any(leverage > tier_at(slot, exposure(slot, side)).max_leverage for side in Side):
            return refusals.BAD_LEVERAGE
        slot.leverage = leverage
        if leverage < before and account_margin(slot.account, self._taker_fee).available < 0:
            slot.leverage = before
            return refusals.LEVERAGE_NO_MARGIN
        for idx in slot.indexes:
            slot.positions[idx].updated_ms = now_ms
            self._settlement.publish_position(slot, idx)
        return None

    def switch_mode(self, account: str, symbol: str | None, hedge: bool, now_ms: int) -> Refused | None:
        """Hedge or one-way mode of a symbol. With `symbol` None: of every symbol without position and orders, and the
        default from now on (Bybit: switching by coin)."""
        owner = self._accounts[account]
        if symbol is None:
            slots = [slot for slot in owner.slots.values() if slot.hedge is not hedge]
            if owner.hedge is hedge and not slots:
                return refusals.MODE_UNCHANGED
            owner.hedge = hedge
            for slot in slots:
                if _mode_refusal(slot, hedge) is None:
                    self._set_mode(slot, hedge, now_ms)
            return None
        market = self._markets.get(symbol)
        if market is None:
            return refusals.BAD_SYMBOL
        slot = owner.slot(market)
        refusal = _mode_refusal(slot, hedge)
        if refusal is None:
            self._set_mode(slot, hedge, now_ms)
        return refusal

    # ------------------------------------------------------------------ market input

    def on_trade(self, trade: MarketTrade) -> None:
        """A print sets the last price and fills the resting orders it reached; reaching none costs only a look."""
        market = self._markets[trade.symbol]
        price = market.last = trade.price
        market.updated_ms = trade.ts_ms
        bid, ask = market.book.bids.best, market.book.asks.best
        if (bid is not None and price <= bid) or (ask is not None and price >= ask):
            self._matching.on_trade(market, trade)
        self._conditionals.fire(market, TriggerBy.LAST, price, trade.ts_ms)

    def on_quote(self, quote: MarketQuote) -> None:
        market = self._markets[quote.symbol]
        market.bid.show(quote.bid_px, quote.bid_qty)
        market.ask.show(quote.ask_px, quote.ask_qty)
        market.updated_ms = quote.ts_ms
        bid, ask = market.book.bids.best, market.book.asks.best
        if (bid is not None and quote.ask_px <= bid) or (ask is not None and quote.bid_px >= ask):
            self._matching.on_quote(market, quote.ts_ms)

    def on_mark(self, mark: MarkPrice) -> None:
        """Margins follow the mark when they are asked for. Liquidation, once modelled, starts here."""
        market = self._markets[mark.symbol]
        market.mark = mark.mark_px
        market.index = mark.index_px or None
        market.updated_ms = mark.ts_ms
        self._conditionals.fire(market, TriggerBy.MARK, mark.mark_px, mark.ts_ms)
        self._conditionals.fire(market, TriggerBy.INDEX, mark.index_px or mark.mark_px, mark.ts_ms)

    def on_funding(self, funding: FundingDue) -> None:
        """Every open position of the symbol pays or receives size × mark × rate."""
        market = self._markets[funding.symbol]
        market.funding_rate = funding.rate
        market.updated_ms = funding.ts_ms
        seq = market.next_seq()
        for account in self._accounts.values():
            slot = account.slots.get(funding.symbol)
            if slot is None:
                continue
            for position in list(slot.held()):
                self._settlement.fund(slot, position, funding.rate, seq, funding.ts_ms)

    def drain(self) -> list[Report]:
        """All reports since the last call, in the order they happened (of all accounts; see each one's `.account`)."""
        reports, self._settlement.reports = self._settlement.reports, []
        return reports

    # ------------------------------------------------------------------ inside

    def _set_mode(self, slot: Slot, hedge: bool, now_ms: int) -> None:
        slot.hedge = hedge
        for idx in slot.indexes:
            slot.positions[idx].updated_ms = now_ms
            self._settlement.publish_position(slot, idx)


def _mode_refusal(slot: Slot, hedge: bool) -> Refused | None:
    if slot.hedge is hedge:
        return refusals.MODE_UNCHANGED
    if any(True for _ in slot.held()):
        return refusals.MODE_HAS_POSITION
    return refusals.MODE_HAS_ORDERS if slot.open or slot.conditional else None
