"""Orders of an account: new ones, their changes and cancels, and the stops of its positions."""

from collections.abc import Iterable
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import OrderType, TimeInForce
from hedgegrid.venue import refusals
from hedgegrid.venue.account import Slot
from hedgegrid.venue.conditional import Conditionals, waiting_stops
from hedgegrid.venue.conditions import OrderFilter, StopOrderType, TpSl, Trigger
from hedgegrid.venue.identity import IdSource
from hedgegrid.venue.liquidation import Liquidation
from hedgegrid.venue.matching import Matching
from hedgegrid.venue.orders import Order
from hedgegrid.venue.protection import Protection
from hedgegrid.venue.queries import Queries
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import CancelType, CreateType
from hedgegrid.venue.requests import Accepted, NewOrder, OrderChange, OrderRef, TradingStop
from hedgegrid.venue.rules import Rules, Terms
from hedgegrid.venue.settlement import Settlement
from hedgegrid.venue.stop_rules import changed_stop, changed_tpsl, new_tpsl, new_trigger


class OrderEntry(Queries):
    """Owns the parts that orders go through. Fees are fractions of the executed value; amounts in USDT."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        seed: int = 0,
        maker_fee: Decimal = Decimal("0.0002"),
        taker_fee: Decimal = Decimal("0.00055"),
        require_min_notional_on_reduce: bool = True,
    ) -> None:
        super().__init__(instruments, taker_fee)
        self._order_ids = IdSource(seed, "order")
        self._settlement = Settlement(maker_fee, taker_fee, seed)
        self._matching = Matching(self._settlement)
        self._rules = Rules(taker_fee, min_notional_on_reduce=require_min_notional_on_reduce)
        self._conditionals = Conditionals(self._settlement, self._matching, self._rules)
        self._protection = Protection(self._settlement, self._conditionals, self._order_ids)
        self._settlement.after_fills = self._protection.after_fills
        self._liquidation = Liquidation(self._settlement, self._matching, self._order_ids)

    def submit(self, account: str, order: NewOrder, now_ms: int) -> Accepted | Refused:
        return self._submit(account, order, CreateType.BY_USER, now_ms)

    def amend(self, account: str, change: OrderChange, now_ms: int) -> Accepted | Refused:
        """A new price or a larger quantity costs the order its place in the queue; a smaller one does not."""
        if not change.order_id and not change.order_link_id:
            return refusals.NO_ORDER_REF
        order = self._open_order(account, change)
        if order is None:
            return refusals.AMEND_TOO_LATE
        tpsl = changed_tpsl(order, change)
        if isinstance(tpsl, Refused):
            return tpsl
        if order.is_untriggered:
            return self._amend_stop(order, change, tpsl, now_ms)
        if change.trigger_price is not None or change.trigger_by is not None:
            return refusals.NOT_CONDITIONAL
        return self._amend_active(order, change, tpsl, now_ms)

    def cancel(self, account: str, which: OrderRef, now_ms: int) -> Accepted | Refused:
        """Cancel an order; the other half of a take-profit and stop-loss pair goes with it."""
        if not which.order_id and not which.order_link_id:
            return refusals.NO_ORDER_REF
        order = self._open_order(account, which)
        if order is None:
            return refusals.CANCEL_TOO_LATE
        return self._cancel(order, now_ms)

    def cancel_all(
        self, account: str, symbol: str | None, now_ms: int, kinds: OrderFilter = OrderFilter.ALL
    ) -> list[Accepted]:
        """Cancel every open order of a symbol, or of the account when `symbol` is None; oldest first."""
        return [
            self._cancel(order, now_ms)
            for order in list(self._accounts[account].open.values())
            if order.is_open and (symbol is None or order.slot.market.symbol == symbol) and _is_meant(order, kinds)
        ]

    def set_trading_stop(self, account: str, wish: TradingStop, now_ms: int) -> Refused | None:
        """Set, change or cancel take-profit, stop-loss and trailing stop of a position."""
        market = self._markets.get(wish.symbol)
        if market is None:
            return refusals.BAD_SYMBOL
        slot = self._accounts[account].slot(market)
        if wish.position_idx not in slot.indexes:
            return refusals.BAD_POSITION_IDX
        return self._protection.set(slot, wish, now_ms)

    # ------------------------------------------------------------------ inside

    def _submit(self, account: str, order: NewOrder, create_type: CreateType, now_ms: int) -> Accepted | Refused:
        market = self._markets.get(order.symbol)
        if market is None:
            return refusals.BAD_SYMBOL
        slot = self._accounts[account].slot(market)
        trigger = new_trigger(market, order)
        if isinstance(trigger, Refused):
            return trigger
        if trigger is None:
            terms = self._rules.new_terms(slot, order)
        else:
            terms = self._rules.conditional_terms(slot, order, trigger)
        if isinstance(terms, Refused):
            return terms
        tpsl = new_tpsl(market, order)
        if isinstance(tpsl, Refused):
            return tpsl
        accepted = self._new_order(slot, order, terms, trigger, tpsl, now_ms)
        if trigger is not None:
            self._conditionals.arm(accepted, now_ms)
        else:
            accepted.create_type = create_type
            slot.started(accepted)
            self._matching.place(accepted, now_ms)
        return Accepted(accepted.order_id, accepted.link_id)

    def _new_order(
        self, slot: Slot, order: NewOrder, terms: Terms, trigger: Trigger | None, tpsl: TpSl | None, now_ms: int
    ) -> Order:
        is_market = order.order_type is OrderType.MARKET
        is_stop = trigger is not None
        return Order(
            slot=slot,
            order_id=self._order_ids.next_id(),
            link_id=order.order_link_id,
            side=order.side,
            position_idx=order.position_idx,
            order_type=order.order_type,
            time_in_force=TimeInForce.IOC if is_market else order.time_in_force,
            price=terms.price,
            qty=terms.qty,
            reduce_only=order.reduce_only,
            close_on_trigger=order.close_on_trigger,
            closing=terms.closing,
            opening_qty=terms.opening_qty,
            created_ms=now_ms,
            create_type=CreateType.BY_STOP_ORDER if is_stop else CreateType.BY_USER,
            stop_order_type=StopOrderType.STOP if is_stop else StopOrderType.NONE,
            trigger=trigger,
            tpsl=tpsl,
        )

    def _amend_stop(self, order: Order, change: OrderChange, tpsl: TpSl | None, now_ms: int) -> Accepted | Refused:
        stop = changed_stop(order, change)
        if isinstance(stop, Refused):
            return stop
        if stop == (order.price, order.qty, order.trigger):
            return self._amend_tpsl(order, tpsl, now_ms)
        order.tpsl = tpsl
        self._conditionals.change(order, stop, now_ms)
        return Accepted(order.order_id, order.link_id)

    def _amend_tpsl(self, order: Order, tpsl: TpSl | None, now_ms: int) -> Accepted | Refused:
        """Amend only what an order has attached."""
        if tpsl == order.tpsl:
            return refusals.UNCHANGED
        order.tpsl = tpsl
        self._settlement.conclude(order, [], order.slot.market.next_seq(), now_ms)
        return Accepted(order.order_id, order.link_id)

    def _amend_active(self, order: Order, change: OrderChange, tpsl: TpSl | None, now_ms: int) -> Accepted | Refused:
        terms = self._rules.changed_terms(order, change)
        if terms is refusals.UNCHANGED:
            return self._amend_tpsl(order, tpsl, now_ms)
        if isinstance(terms, Refused):
            return terms
        account = order.slot.account
        if account.amends_to_lose:
            account.amends_to_lose -= 1
            self._matching.fill_whole(order, now_ms)
            return Accepted(order.order_id, order.link_id)
        keeps_place = terms.price == order.price and terms.qty < order.qty
        if not keeps_place:
            order.slot.market.withdraw(order)
        order.price, order.qty, order.opening_qty, order.tpsl = terms.price, terms.qty, terms.opening_qty, tpsl
        if keeps_place:
            self._settlement.conclude(order, [], order.slot.market.next_seq(), now_ms)
        else:
            self._matching.place(order, now_ms)
        return Accepted(order.order_id, order.link_id)

    def _open_order(self, account: str, which: OrderRef | OrderChange) -> Order | None:
        order = self._accounts[account].find(which.order_id, which.order_link_id)
        if order is None or not order.is_open or order.slot.market.symbol != which.symbol:
            return None
        return order

    def _cancel(self, order: Order, now_ms: int) -> Accepted:
        account = order.slot.account
        if account.cancels_to_lose and order.status.is_active:
            account.cancels_to_lose -= 1
            self._matching.fill_whole(order, now_ms)
            self._settlement.refuse_cancel(order)
        else:
            for each in waiting_stops(order):
                self._settlement.withdraw(each, CancelType.BY_USER, now_ms)
        return Accepted(order.order_id, order.link_id)


def _is_meant(order: Order, kinds: OrderFilter) -> bool:
    if kinds is OrderFilter.ALL:
        return True
    if kinds is OrderFilter.ORDER:
        return not order.is_untriggered
    return order.is_untriggered and (kinds is OrderFilter.STOP_ORDER or order.stop_order_type is StopOrderType.STOP)
