"""What the venue or somebody else does to an account without a command of its client.

    close_by_hand(account, symbol, position_idx, qty | None, now_ms)     -> Accepted | Refused
    force_liquidation(account, symbol, position_idx, now_ms)             -> Accepted | Refused
    force_adl(account, symbol, position_idx, qty | None, now_ms, price)  -> Accepted | Refused
    force_funding(symbol, rate, now_ms)
    lose_next_cancel(account), lose_next_amend(account)
    fill_in_parts(n)
    change_instrument(Instrument)
    allow_only_reducing(symbol, only)
    delist(symbol), then settle(symbol, now_ms, price)

A leverage or mode that somebody else changes goes through `set_leverage` and `switch_mode`.
"""

from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType
from hedgegrid.venue import refusals
from hedgegrid.venue.account import Slot
from hedgegrid.venue.market import Phase
from hedgegrid.venue.market_input import MarketInput
from hedgegrid.venue.positions import Position
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import CancelType, CreateType
from hedgegrid.venue.requests import Accepted, FundingDue, NewOrder
from hedgegrid.venue.risk_limits import with_tiers


class OutsideEvents(MarketInput):
    """Symbols and accounts that do not exist raise KeyError; a flat position is `Refused`."""

    def close_by_hand(
        self, account: str, symbol: str, position_idx: int, qty: Decimal | None, now_ms: int
    ) -> Accepted | Refused:
        """A market order without a client id, as the position area of web and app sends it; `qty` None closes all."""
        position = self._position(account, symbol, position_idx)[1]
        order = NewOrder(
            symbol=symbol,
            side=position.book.leg.closing_side,
            order_type=OrderType.MARKET,
            qty=qty or ZERO,
            position_idx=position_idx,
            reduce_only=True,
            close_on_trigger=qty is None,
        )
        return self._submit(account, order, CreateType.BY_CLOSING if qty is None else CreateType.BY_USER, now_ms)

    def force_liquidation(self, account: str, symbol: str, position_idx: int, now_ms: int) -> Accepted | Refused:
        """Take a position over at its bankruptcy price, whatever the account's margin."""
        slot, position = self._position(account, symbol, position_idx)
        if not position.size:
            return refusals.NO_POSITION
        order = self._liquidation.take_over(slot, position, now_ms)
        return Accepted(order.order_id, order.link_id)

    def force_adl(
        self,
        account: str,
        symbol: str,
        position_idx: int,
        qty: Decimal | None,
        now_ms: int,
        price: Decimal | None = None,
    ) -> Accepted | Refused:
        """Deleverage `qty` of a position (None: all) at `price`, the bankruptcy price of somebody else's position; the
        mark when it is None."""
        slot, position = self._position(account, symbol, position_idx)
        rules = slot.market.instrument
        if qty is not None and not qty.is_finite():
            return refusals.BAD_QTY
        if price is not None and not (price.is_finite() and price > 0):
            return refusals.BAD_PRICE
        lots = rules.qty_down(position.size if qty is None else min(qty, position.size))
        if lots <= 0:
            return refusals.NO_POSITION
        at = rules.price_down(price or slot.mark_for(position))
        order = self._liquidation.deleverage(slot, position, lots, at, now_ms)
        return Accepted(order.order_id, order.link_id)

    def force_funding(self, symbol: str, rate: Decimal, now_ms: int) -> None:
        """A funding moment out of turn; see `on_funding`."""
        self.on_funding(FundingDue(symbol=symbol, rate=rate, ts_ms=now_ms))

    def lose_next_cancel(self, account: str) -> None:
        """Let the next cancel of an active order come too late: it is accepted, but the order fills whole. Two `Filled`
        reports follow, the second with the cancel's refusal (docs/v5/websocket/private/order)."""
        self._accounts[account].cancels_to_lose += 1

    def lose_next_amend(self, account: str) -> None:
        """Let the next amendment of an active order come too late: it is accepted, but the order fills as it was."""
        self._accounts[account].amends_to_lose += 1

    def fill_in_parts(self, parts: int) -> None:
        """From now on report every fill as up to `parts` fills, whole lots each; 1 is the default.

        Raises:
            ValueError: `parts` is below 1.
        """
        if parts < 1:
            raise ValueError(f"parts must be at least 1, not {parts}")
        self._matching.parts = parts

    def change_instrument(self, rules: Instrument) -> None:
        """New filters of a symbol. Orders keep their price and quantity until they are amended."""
        self._markets[rules.symbol].change(with_tiers(rules))

    def allow_only_reducing(self, symbol: str, only: bool) -> None:
        """Refuse (110023), or allow again, orders that would enlarge a position. A closed symbol stays closed."""
        self._set_phase(symbol, Phase.REDUCE_ONLY if only else Phase.TRADING)

    def delist(self, symbol: str) -> None:
        """Announce the end of a symbol: from now on positions may only be reduced (30228)."""
        self._set_phase(symbol, Phase.DELISTING)

    def settle(self, symbol: str, now_ms: int, price: Decimal | None = None) -> None:
        """End a symbol: orders are cancelled, positions closed without a fee at `price`.

        Bybit takes the mean index price of the last 30 minutes; with `price` None the present index price stands for
        it, or the mark.

        Raises:
            ValueError: `price` is no positive number.
        """
        if price is not None and not (price.is_finite() and price > 0):
            raise ValueError(f"settlement price must be a positive number, not {price}")
        market = self._markets[symbol]
        for account in self._accounts.values():
            slot = account.slots.get(symbol)
            if slot is None:
                continue
            for order in [*slot.open.values(), *slot.conditional.values()]:
                self._settlement.withdraw(order, CancelType.BY_SETTLE, now_ms)
            for position in list(slot.held()):
                at = price or market.index or slot.mark_for(position)
                self._settlement.settle(slot, position, at, market.next_seq(), now_ms)
        market.phase = Phase.CLOSED

    def _set_phase(self, symbol: str, phase: Phase) -> None:
        market = self._markets[symbol]
        if market.phase is not Phase.CLOSED:
            market.phase = phase

    def _position(self, account: str, symbol: str, position_idx: int) -> tuple[Slot, Position]:
        slot = self._accounts[account].slot(self._markets[symbol])
        return slot, slot.positions[position_idx]
