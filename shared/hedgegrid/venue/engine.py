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

What others do to an account, and the venue to a symbol: see `outside`.

Queries (see `queries.Queries`; lists newest first): orders_open, orders_closed, order_by_id, order_by_link, executions,
transactions, positions, position, wallet, ticker, hedge_mode, leverage, instrument, instruments, phase, risk_limits,
accounts.

An unknown account or a symbol that the venue does not list raises KeyError in market input and queries; commands answer
`Refused` for an unknown symbol.
"""

from decimal import Decimal

from hedgegrid.domain.order import Side
from hedgegrid.venue import refusals
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.margin import account_margin, exposure, tier_at
from hedgegrid.venue.outside import OutsideEvents
from hedgegrid.venue.refusals import Refused


class Venue(OutsideEvents):
    """All of it: see the module's docstring."""

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
