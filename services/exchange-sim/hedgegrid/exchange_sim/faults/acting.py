"""Makes events happen: to sockets, to the server's clock, to the market, and as a human on an account."""

import random
from collections.abc import Callable

from hedgegrid.domain.order import OrderType, Side
from hedgegrid.exchange_sim.faults import events
from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.faults.plan import fits
from hedgegrid.exchange_sim.ws.hub import Hub
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.requests import FundingDue, NewOrder, OrderRef


class EventError(Exception):
    """An event could not happen; one line that names why."""


class Actor:
    """`failures` keeps what went wrong with events that nobody waited for."""

    def __init__(
        self, venue: Venue, hub: Hub, injector: Injector, now_ms: Callable[[], int], flush: Callable[[], None]
    ) -> None:
        self.failures: list[str] = []
        self._venue = venue
        self._hub = hub
        self._injector = injector
        self._now_ms = now_ms
        self._flush = flush

    def act_due(self) -> None:
        """Make everything happen that has become due; called with every step of the market."""
        at_s = self._injector.elapsed_s()
        if at_s < self._injector.schedule.next_s:
            return
        for planned in self._injector.schedule.due(at_s):
            try:
                self.act(planned.event, planned.rng)
            except EventError as error:
                self.failures.append(f"event {planned.id}: {error}")

    def act(self, event: events.Event, rng: random.Random) -> None:
        """Make one event happen now, if its probability has it.

        Raises:
            EventError: the venue refused, or account or symbol do not exist.
        """
        if isinstance(event, events.SocketEvent):
            self._on_sockets(event, rng)
            return
        if rng.random() >= event.probability:
            return
        if isinstance(event, events.Maintenance):
            self._injector.close_for(event.for_s)
            self._hub.close_all()
        elif isinstance(event, events.ClockSkew):
            self._injector.skew_for(event.skew_ms, event.for_s)
        else:
            self._at_the_venue(event)
            self._flush()

    def _on_sockets(self, event: events.SocketEvent, rng: random.Random) -> None:
        wanted = {"channel": event.channel, "account": event.account}
        for connection in sorted(self._hub.connections, key=lambda c: c.id):
            if not fits(wanted, {"channel": connection.channel, "account": connection.account_id}):
                continue
            if rng.random() >= event.probability:
                continue
            if isinstance(event, events.SocketStall):
                connection.stall(event.for_s)
            elif isinstance(event, events.SocketHalfOpen):
                connection.freeze(event.for_s)
            elif isinstance(event, events.SocketClose) and event.code is not None:
                connection.say_goodbye(event.code)
            else:
                connection.close()

    def _at_the_venue(self, event: events.Event) -> None:
        try:
            outcome = self._by_hand(event) if isinstance(event, events.AccountEvent) else self._to_the_market(event)
        except KeyError as error:
            raise EventError(f"{error.args[0]}: no such account or symbol") from None
        if isinstance(outcome, Refused):
            raise EventError(f"{outcome.code} {outcome.text}")

    def _to_the_market(self, event: events.Event) -> object:
        if isinstance(event, events.Funding):
            self._venue.on_funding(FundingDue(symbol=event.symbol, rate=event.rate, ts_ms=self._now_ms()))
        return None

    def _by_hand(self, event: events.AccountEvent) -> object:
        """What somebody does with the same account beside the bot."""
        venue, account, symbol, now_ms = self._venue, event.account, event.symbol, self._now_ms()
        if isinstance(event, events.HumanOrder):
            return self._market_order(event, event.side, event.position_idx, reduce=event.reduce_only)
        if isinstance(event, events.HumanClose):
            side = venue.position(account, symbol, event.position_idx).side
            if side is None:
                raise EventError("the position is flat")
            return self._market_order(event, side.opposite, event.position_idx, reduce=True)
        if isinstance(event, events.HumanCancel):
            if event.order_link_id:
                return venue.cancel(account, OrderRef(symbol=symbol, order_link_id=event.order_link_id), now_ms)
            return venue.cancel_all(account, symbol, now_ms)
        if isinstance(event, events.HumanLeverage):
            return venue.set_leverage(account, symbol, event.leverage, now_ms)
        if isinstance(event, events.HumanMode):
            return self._switch_mode(event)
        raise EventError(f"{type(event).__name__} is not done to an account")

    def _market_order(self, event: events.AccountEvent, side: Side, position_idx: int, *, reduce: bool) -> object:
        """Closing closes all of it, unless the event names a quantity."""
        qty = event.qty if isinstance(event, events.HumanOrder) else None
        size = self._venue.position(event.account, event.symbol, position_idx).size
        order = NewOrder(
            symbol=event.symbol,
            side=side,
            order_type=OrderType.MARKET,
            qty=size if qty is None else qty,
            position_idx=position_idx,
            reduce_only=reduce,
        )
        return self._venue.submit(event.account, order, self._now_ms())

    def _switch_mode(self, event: events.HumanMode) -> object:
        venue, account, symbol, now_ms = self._venue, event.account, event.symbol, self._now_ms()
        venue.cancel_all(account, symbol, now_ms)
        for position in venue.positions(account, symbol):
            if position.side is not None:
                self._market_order(event, position.side.opposite, position.position_idx, reduce=True)
        return venue.switch_mode(account, symbol, event.hedge, now_ms)
