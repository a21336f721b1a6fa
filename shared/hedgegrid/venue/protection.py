"""Take-profits, stop-losses and trailing stops of positions: how they are set, and how they follow their position."""

from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.venue import refusals
from hedgegrid.venue.account import Slot
from hedgegrid.venue.conditional import Conditionals
from hedgegrid.venue.conditions import StopOrderType, TpSl, TpSlMode, Trigger, TriggerBy, TriggerDirection
from hedgegrid.venue.identity import IdSource
from hedgegrid.venue.orders import Order, Trail
from hedgegrid.venue.positions import Position
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import CancelType, CreateType, ExecutionReport
from hedgegrid.venue.requests import TradingStop
from hedgegrid.venue.settlement import Settlement
from hedgegrid.venue.stop_rules import StopTerms, partial_qty, tpsl_of, tpsl_refusal, trailing_refusal

_MADE_BY = {
    StopOrderType.TAKE_PROFIT: CreateType.BY_TAKE_PROFIT,
    StopOrderType.STOP_LOSS: CreateType.BY_STOP_LOSS,
    StopOrderType.TRAILING_STOP: CreateType.BY_TRAILING_STOP,
    StopOrderType.PARTIAL_TAKE_PROFIT: CreateType.BY_PARTIAL_TAKE_PROFIT,
    StopOrderType.PARTIAL_STOP_LOSS: CreateType.BY_PARTIAL_STOP_LOSS,
}


class _Half(NamedTuple):
    """One half of a take-profit and stop-loss pair. `limit_price` None: at market."""

    kind: StopOrderType
    price: Decimal
    by: TriggerBy
    limit_price: Decimal | None


class Protection:
    def __init__(self, settlement: Settlement, conditionals: Conditionals, order_ids: IdSource) -> None:
        self._settlement = settlement
        self._conditionals = conditionals
        self._order_ids = order_ids

    def set(self, slot: Slot, wish: TradingStop, ts_ms: int) -> Refused | None:
        """Carry out a trading-stop request on a position, whole or not at all."""
        position = slot.positions[wish.position_idx]
        side = position.side
        if side is None:
            return refusals.NO_POSITION
        refusal = tpsl_refusal(slot.market, wish, side, None) or trailing_refusal(slot, wish, side)
        if refusal is not None:
            return refusal
        seq = slot.market.seq
        if wish.tpsl_mode is TpSlMode.FULL:
            self._set_full(slot, position, wish, ts_ms)
        elif wish.take_profit or wish.stop_loss:
            pairs = {frozenset({id(o), id(o.oco or o)}) for o in _stops_of(slot, position) if not _is_full(o)}
            qty = partial_qty(slot.market, wish, position.size, len(pairs))
            if isinstance(qty, Refused):
                return qty
            self._add_pair(slot, position, _halves(tpsl_of(wish)), qty, "", ts_ms)
        self._set_trailing(slot, position, wish, ts_ms)
        # Every change is published under a new sequence.
        return None if slot.market.seq != seq else refusals.NOT_MODIFIED

    def after_fills(self, order: Order, executions: list[ExecutionReport], ts_ms: int) -> None:
        """Let what stands on a position follow it after fills of one of its orders."""
        slot = order.slot
        position = slot.positions[order.position_idx]
        if slot.conditional:
            self._clear(slot, position, ts_ms)
        if order.tpsl is not None:
            opened = sum((e.exec_qty - e.closed_size for e in executions), ZERO)
            if opened:
                self._attach(order, order.tpsl, position, opened, ts_ms)
        if slot.conditional:
            self._resize(slot, position, ts_ms)
        if slot.closing and any(execution.closed_size for execution in executions):
            self._fit_closing_orders(slot, ts_ms)

    def clear(self, slot: Slot, cancel_type: CancelType, ts_ms: int) -> None:
        """Cancel every conditional order of a symbol, whoever made it."""
        for order in list(slot.conditional.values()):
            self._settlement.withdraw(order, cancel_type, ts_ms)

    # ------------------------------------------------------------------ setting

    def _set_full(self, slot: Slot, position: Position, wish: TradingStop, ts_ms: int) -> None:
        touched = []
        for kind, price, by in (
            (StopOrderType.TAKE_PROFIT, wish.take_profit, wish.tp_trigger_by),
            (StopOrderType.STOP_LOSS, wish.stop_loss, wish.sl_trigger_by),
        ):
            standing = slot.stop(position.idx, kind)
            if price:
                touched.append(self._put(slot, position, _Half(kind, price, by, None), "", ts_ms))
            elif price is not None and standing is not None:
                _unbind(standing)
                self._settlement.withdraw(standing, CancelType.BY_USER, ts_ms)
        _bind(touched)

    def _set_trailing(self, slot: Slot, position: Position, wish: TradingStop, ts_ms: int) -> None:
        if wish.trailing_stop is None:
            return
        kind = StopOrderType.TRAILING_STOP
        standing = slot.stop(position.idx, kind)
        active = wish.active_price or ZERO
        if standing is not None and standing.trail is not None and standing.trigger is not None:
            if standing.trail.distance == wish.trailing_stop and standing.trigger.price == active:
                return
            self._settlement.withdraw(standing, CancelType.BY_USER, ts_ms)
        if wish.trailing_stop:
            half = _Half(kind, active, TriggerBy.LAST, None)
            best = None if active else slot.market.last
            self._make(slot, position, half, position.size, "", ts_ms, Trail(distance=wish.trailing_stop, best=best))

    def _attach(self, order: Order, tpsl: TpSl, position: Position, opened: Decimal, ts_ms: int) -> None:
        """Set what a filled order brought: for the whole position, or for the part that it opened."""
        slot, halves = order.slot, _halves(tpsl)
        if tpsl.mode is TpSlMode.FULL:
            _bind([self._put(slot, position, half, order.link_id, ts_ms) for half in halves])
            return
        standing = [stop for stop in order.stops if stop.is_untriggered]
        for stop in standing:
            if stop.trigger is not None:
                self._conditionals.change(stop, StopTerms(stop.price, stop.qty + opened, stop.trigger), ts_ms)
        if not standing:
            order.stops = self._add_pair(slot, position, halves, opened, order.link_id, ts_ms)

    def _put(self, slot: Slot, position: Position, half: _Half, parent: str, ts_ms: int) -> Order:
        """Set the one stop of its kind for a whole position: a standing one is changed."""
        standing = slot.stop(position.idx, half.kind)
        if standing is None:
            return self._make(slot, position, half, position.size, parent, ts_ms)
        trigger = _trigger(position, half)
        if trigger != standing.trigger:
            _unbind(standing)
            self._conditionals.change(standing, StopTerms(standing.price, position.size, trigger), ts_ms)
        return standing

    def _add_pair(
        self, slot: Slot, position: Position, halves: list[_Half], qty: Decimal, parent: str, ts_ms: int
    ) -> tuple[Order, ...]:
        pair = [
            self._make(slot, position, half._replace(kind=_PARTIAL[half.kind]), qty, parent, ts_ms) for half in halves
        ]
        _bind(pair)
        return tuple(pair)

    def _make(
        self,
        slot: Slot,
        position: Position,
        half: _Half,
        qty: Decimal,
        parent: str,
        ts_ms: int,
        trail: Trail | None = None,
    ) -> Order:
        is_limit = half.limit_price is not None
        order = Order(
            slot=slot,
            order_id=self._order_ids.next_id(),
            side=position.book.leg.closing_side,
            position_idx=position.idx,
            order_type=OrderType.LIMIT if is_limit else OrderType.MARKET,
            time_in_force=TimeInForce.GTC if is_limit else TimeInForce.IOC,
            price=half.limit_price or ZERO,
            qty=qty,
            reduce_only=True,
            close_on_trigger=True,
            created_ms=ts_ms,
            create_type=_MADE_BY[half.kind],
            stop_order_type=half.kind,
            trigger=_trigger(position, half),
            trail=trail,
            parent_link_id=parent,
        )
        self._conditionals.arm(order, ts_ms)
        return order

    # ------------------------------------------------------------------ following the position

    def _clear(self, slot: Slot, position: Position, ts_ms: int) -> None:
        """Cancel the stops of a position that is gone or has turned."""
        for order in _stops_of(slot, position):
            if not position.size or order.side is not position.book.leg.closing_side:
                self._settlement.withdraw(order, CancelType.BY_TPSL_CLEAR, ts_ms)

    def _resize(self, slot: Slot, position: Position, ts_ms: int) -> None:
        for order in _stops_of(slot, position):
            qty = position.size if _is_full(order) else min(order.qty, position.size)
            if order.trigger is not None:
                self._conditionals.change(order, StopTerms(order.price, qty, order.trigger), ts_ms)

    def _fit_closing_orders(self, slot: Slot, ts_ms: int) -> None:
        """Shrink every closing order to what is left of its position; cancel it when nothing is left.

        Bybit does not document how several closing orders share a position; here each one alone may close all of it.
        """
        for order in list(slot.closing.values()):
            room = slot.positions[order.position_idx].reducible_by(order.side)
            if not order.is_open or order.remaining <= room:
                continue
            if room:
                order.qty = order.cum_qty + room
                self._settlement.conclude(order, [], slot.market.next_seq(), ts_ms)
            else:
                self._settlement.withdraw(order, CancelType.BY_REDUCE_ONLY, ts_ms)


_PARTIAL = {
    StopOrderType.TAKE_PROFIT: StopOrderType.PARTIAL_TAKE_PROFIT,
    StopOrderType.STOP_LOSS: StopOrderType.PARTIAL_STOP_LOSS,
}


def _halves(tpsl: TpSl) -> list[_Half]:
    parts = (
        (StopOrderType.TAKE_PROFIT, tpsl.take_profit, tpsl.tp_trigger_by, tpsl.tp_order_type, tpsl.tp_limit_price),
        (StopOrderType.STOP_LOSS, tpsl.stop_loss, tpsl.sl_trigger_by, tpsl.sl_order_type, tpsl.sl_limit_price),
    )
    return [
        _Half(kind, price, by, limit_price if order_type is OrderType.LIMIT else None)
        for kind, price, by, order_type, limit_price in parts
        if price
    ]


def _trigger(position: Position, half: _Half) -> Trigger:
    """A long takes profit when the price rises and is stopped when it falls; a short the other way."""
    rises = (position.side is Side.BUY) == half.kind.takes_profit
    return Trigger(half.price, TriggerDirection.RISE if rises else TriggerDirection.FALL, half.by)


def _stops_of(slot: Slot, position: Position) -> list[Order]:
    return [o for o in slot.conditional.values() if o.position_idx == position.idx and o.stop_order_type.protects]


def _is_full(order: Order) -> bool:
    return order.stop_order_type.follows_size


def _bind(pair: list[Order]) -> None:
    """Make two stops one pair: when one fires, the other ends."""
    if len(pair) == 2:
        first, second = pair
        first.oco, second.oco = second, first


def _unbind(order: Order) -> None:
    if order.oco is not None:
        order.oco.oco = None
        order.oco = None
