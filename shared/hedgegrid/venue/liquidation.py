"""Liquidation of an account in cross margin, and auto-deleveraging.

When the margin balance falls to the maintenance margin (account MM rate 100 %), in this order:

1. All orders of the account are cancelled: `CancelByPrepareLiq` where margin was held, else `CancelAllBeforeLiq`.
2. The position with the largest maintenance margin is reduced at market to the limit of the next lower risk tier
   (`CreateByLiq`, whole or not at all), as often as that helps.
3. A position in the lowest tier, or without liquidity inside the price band, is taken over at its bankruptcy price
   (`CreateByTakeOver_PassThrough`, execution `BustTrade`, taker fee).

The steps follow Bybit's help centre (liquidation process, unified account) and docs/v5/enum. How cross margin shares
the balance among positions is not documented. Here a position's part is its share of the maintenance margin, and the
bankruptcy price is where closing it, fee included, uses up that part, rounded to a tick in the account's favour. So an
account ends with what remains, and below zero only where no positive price would do.
"""

from decimal import Decimal

from hedgegrid.domain.order import ExecType, OrderType, Side, TimeInForce
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.identity import IdSource
from hedgegrid.venue.margin import Solvency, position_mm, solvency
from hedgegrid.venue.matching import Matching
from hedgegrid.venue.orders import Order
from hedgegrid.venue.positions import Position
from hedgegrid.venue.reports import CancelType, CreateType, PositionStatus
from hedgegrid.venue.settlement import Settlement

Held = tuple[Slot, Position]


class Liquidation:
    def __init__(self, settlement: Settlement, matching: Matching, order_ids: IdSource) -> None:
        self._settlement = settlement
        self._matching = matching
        self._order_ids = order_ids
        self._taker_fee = settlement.taker_fee

    def check(self, account: Account, ts_ms: int) -> None:
        """Liquidate an account that no longer has its maintenance margin, until it has it or holds nothing."""
        if not solvency(account, self._taker_fee).is_liquidated:
            return
        self._cancel_orders(account, ts_ms)
        while (state := solvency(account, self._taker_fee)).is_liquidated:
            slot, position = max(_held(account), key=lambda held: position_mm(held[1], held[0], self._taker_fee))
            if not self._step_down(slot, position, ts_ms):
                self._take_over(slot, position, state, ts_ms)
        for slot in account.slots.values():
            for position in slot.positions.values():
                self._set_status(slot, position, PositionStatus.NORMAL)

    def take_over(self, slot: Slot, position: Position, ts_ms: int) -> Order:
        """Liquidate one position whether or not it must be; it costs no more than its maintenance margin."""
        self._cancel_orders(slot.account, ts_ms)
        return self._take_over(slot, position, solvency(slot.account, self._taker_fee), ts_ms)

    def deleverage(self, slot: Slot, position: Position, qty: Decimal, price: Decimal, ts_ms: int) -> Order:
        """Close `qty` of a position against a bankrupt one at `price`, at the maker fee (help centre: ADL); all
        active orders of the symbol are cancelled first."""
        for order in list(slot.open.values()):
            self._settlement.withdraw(order, CancelType.ALL_BEFORE_ADL, ts_ms)
        self._set_status(slot, position, PositionStatus.ADL)
        order = self._order(slot, position, qty, price, CreateType.BY_ADL, ts_ms)
        self._pass_through(order, ExecType.ADL_TRADE, ts_ms)
        self._set_status(slot, position, PositionStatus.NORMAL)
        return order

    def _cancel_orders(self, account: Account, ts_ms: int) -> None:
        for order in list(account.open.values()):
            held = order.reserved > 0
            self._settlement.withdraw(order, CancelType.BY_PREPARE_LIQ if held else CancelType.ALL_BEFORE_LIQ, ts_ms)

    def _step_down(self, slot: Slot, position: Position, ts_ms: int) -> bool:
        """Reduce a position to the limit of the next lower tier; False when it is in the lowest or nothing fills."""
        market = slot.market
        rules, mark = market.instrument, slot.mark_for(position)
        lower = [tier.limit_value for tier in rules.tiers if tier.limit_value < position.size * mark]
        bound = market.bound(position.book.leg.closing_side)
        if not lower or bound is None:
            return False
        self._set_status(slot, position, PositionStatus.LIQ)
        kept = rules.qty_down(lower[-1] / mark)
        order = self._order(slot, position, position.size - kept, bound, CreateType.BY_LIQ, ts_ms)
        self._matching.place(order, ts_ms)
        return order.cum_qty > 0

    def _take_over(self, slot: Slot, position: Position, state: Solvency, ts_ms: int) -> Order:
        self._set_status(slot, position, PositionStatus.LIQ)
        price = bankruptcy_price(slot, position, state, self._taker_fee)
        order = self._order(slot, position, position.size, price, CreateType.BY_TAKE_OVER, ts_ms)
        self._pass_through(order, ExecType.BUST_TRADE, ts_ms)
        return order

    def _order(
        self, slot: Slot, position: Position, qty: Decimal, price: Decimal, create_type: CreateType, ts_ms: int
    ) -> Order:
        order = Order(
            slot=slot,
            order_id=self._order_ids.next_id(),
            side=position.book.leg.closing_side,
            position_idx=position.idx,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.FOK,
            price=price,
            qty=qty,
            reduce_only=True,
            close_on_trigger=True,
            closing=True,
            created_ms=ts_ms,
            create_type=create_type,
        )
        slot.started(order)
        return order

    def _pass_through(self, order: Order, exec_type: ExecType, ts_ms: int) -> None:
        """Fill an order outside the market, at its price."""
        slot = order.slot
        position, seq = slot.positions[order.position_idx], slot.market.next_seq()
        is_maker = exec_type is ExecType.ADL_TRADE
        execution = self._settlement.fill(
            order, order.price, order.qty, is_maker=is_maker, seq=seq, ts_ms=ts_ms, exec_type=exec_type
        )
        if not position.size:
            position.status = PositionStatus.NORMAL
        self._settlement.conclude(order, [execution], seq, ts_ms)

    def _set_status(self, slot: Slot, position: Position, status: PositionStatus) -> None:
        if position.status is not status:
            position.status = status
            self._settlement.publish_position(slot, position.idx)


def bankruptcy_price(slot: Slot, position: Position, state: Solvency, taker_fee: Decimal) -> Decimal:
    """Price at which closing a position costs its part of the margin balance, but no more than its maintenance margin;
    on tick."""
    rules, qty = slot.market.instrument, position.size
    value = qty * slot.mark_for(position)
    part = min(state.balance, state.maintenance) * position_mm(position, slot, taker_fee) / state.maintenance
    if position.side is Side.BUY:
        price = rules.price_up((value - part) / (qty * (1 - taker_fee)))
    else:
        price = rules.price_down((value + part) / (qty * (1 + taker_fee)))
    return max(price, rules.tick_size)


def _held(account: Account) -> list[Held]:
    return [(slot, position) for slot in account.slots.values() for position in slot.held()]
