"""An account: one wallet, and per symbol a slot with mode, leverage, positions and working orders."""

from collections.abc import Iterator
from decimal import Decimal

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Side
from hedgegrid.venue.conditions import StopOrderType
from hedgegrid.venue.market import Market
from hedgegrid.venue.orders import Order
from hedgegrid.venue.positions import ONE_WAY, Position
from hedgegrid.venue.reports import ExecutionReport


class Slot:
    """What an account has on one symbol.

    `open` holds active orders, `conditional` those that wait for their trigger. `reserved` is, per side, the value of
    active orders for which margin is held.
    """

    __slots__ = (
        "account",
        "closing",
        "conditional",
        "hedge",
        "leverage",
        "market",
        "open",
        "positions",
        "reserved",
    )

    def __init__(self, account: "Account", market: Market, hedge: bool, leverage: Decimal) -> None:
        self.account = account
        self.market = market
        self.hedge = hedge
        self.leverage = leverage
        self.open: dict[str, Order] = {}
        self.conditional: dict[str, Order] = {}
        self.closing: dict[str, Order] = {}
        self.positions = {idx: Position(idx) for idx in (0, 1, 2)}
        self.reserved = {Side.BUY: ZERO, Side.SELL: ZERO}

    @property
    def indexes(self) -> tuple[int, ...]:
        """positionIdx values of the current mode."""
        return (1, 2) if self.hedge else (ONE_WAY,)

    def held(self) -> Iterator[Position]:
        """Positions that are not flat."""
        return (position for position in self.positions.values() if position.book.qty)

    def mark_for(self, position: Position) -> Decimal:
        """Mark price, or the position's entry where the venue has seen no price yet."""
        return self.market.mark or self.market.last or position.book.entry_px

    def started(self, order: Order) -> None:
        """Register a new order, active or conditional."""
        self.account.open[order.order_id] = order
        self.account.by_id[order.order_id] = order
        if order.link_id:
            self.account.by_link[order.link_id] = order
        if order.is_untriggered:
            self.conditional[order.order_id] = order
        else:
            self.activated(order)

    def activated(self, order: Order) -> None:
        """Register an order among the active ones; a conditional order stops being one."""
        self.conditional.pop(order.order_id, None)
        self.open[order.order_id] = order
        if order.closing:
            self.closing[order.order_id] = order

    def ended(self, order: Order) -> None:
        """Move an order to the closed ones and free its margin."""
        if self.open.pop(order.order_id, None) is None:
            del self.conditional[order.order_id]
        del self.account.open[order.order_id]
        self.closing.pop(order.order_id, None)
        self.account.closed.append(order)
        self.reserve(order)

    def stop(self, idx: int, kind: StopOrderType) -> Order | None:
        """The waiting take-profit, stop-loss or trailing stop of a whole position."""
        if not self.conditional:
            return None
        return next((o for o in self.conditional.values() if o.position_idx == idx and o.stop_order_type is kind), None)

    def reserve(self, order: Order) -> None:
        """Hold margin for the part of an open order that would enlarge exposure, none for a finished one."""
        value = min(order.opening_qty, order.remaining) * order.price if order.is_open else ZERO
        self.reserved[order.side] += value - order.reserved
        order.reserved = value


class Account:
    """`balance` = deposit + Σ realised over all positions, exactly. `by_link` holds every id ever used.

    `cancels_to_lose` and `amends_to_lose` count the next ones that shall come too late.
    """

    __slots__ = (
        "amends_to_lose", "balance", "by_id", "by_link", "cancels_to_lose", "closed", "deposit", "executions", "hedge",
        "leverage", "name", "open", "slots", "updated_ms",
    )  # fmt: skip

    def __init__(self, name: str, deposit: Decimal, hedge: bool, leverage: Decimal) -> None:
        self.name = name
        self.deposit = deposit
        self.balance = deposit
        self.hedge = hedge
        self.leverage = leverage
        self.slots: dict[str, Slot] = {}
        self.open: dict[str, Order] = {}
        self.closed: list[Order] = []
        self.by_id: dict[str, Order] = {}
        self.by_link: dict[str, Order] = {}
        self.executions: list[ExecutionReport] = []
        self.updated_ms = 0
        self.cancels_to_lose = 0
        self.amends_to_lose = 0

    def slot(self, market: Market) -> Slot:
        """The account's slot of a symbol, made on first use with the account's default mode and leverage."""
        slot = self.slots.get(market.symbol)
        if slot is None:
            rules = market.instrument
            leverage = min(max(self.leverage, rules.min_leverage), rules.max_leverage)
            slot = self.slots[market.symbol] = Slot(self, market, self.hedge, leverage)
        return slot

    def find(self, order_id: str, link_id: str) -> Order | None:
        """An order by venue id, which wins, or by the client's id."""
        return self.by_id.get(order_id) if order_id else self.by_link.get(link_id)
