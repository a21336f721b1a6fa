"""Makes events happen: to sockets, to the server's clock, to the market, and as a human on an account."""

import random
from collections import deque
from collections.abc import Callable

from hedgegrid.domain.order import OrderType
from hedgegrid.exchange_sim.faults import events
from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.faults.plan import fits
from hedgegrid.exchange_sim.faults.symbols import SymbolDesk
from hedgegrid.exchange_sim.ws.hub import Hub
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.requests import NewOrder, OrderRef

FAILURES_KEPT = 1000
_FORCED = (events.Liquidation, events.AutoDeleverage)


class EventError(Exception):
    """An event could not happen; one line that names why."""


class Actor:
    """`failures` keeps the latest of what went wrong with events that nobody waited for."""

    def __init__(
        self,
        venue: Venue,
        hub: Hub,
        injector: Injector,
        symbols: SymbolDesk,
        now_ms: Callable[[], int],
        flush: Callable[[], None],
    ) -> None:
        self.failures: deque[str] = deque(maxlen=FAILURES_KEPT)
        self._venue = venue
        self._hub = hub
        self._injector = injector
        self._symbols = symbols
        self._now_ms = now_ms
        self._flush = flush

    def act_due(self) -> None:
        """Make everything happen that has become due; called with every step of the market."""
        schedule = self._injector.schedule
        if schedule.is_over:
            return
        for planned in schedule.due(self._injector.elapsed_s()):
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
            outcome: object = None
            if isinstance(event, events.AccountEvent):
                outcome = self._to_the_account(event) if isinstance(event, _FORCED) else self._by_hand(event)
            elif isinstance(event, events.SymbolEvent):
                self._symbols.act(event, self._now_ms())
            elif isinstance(event, events.PartialFills):
                self._venue.fill_in_parts(event.parts)
        except KeyError as error:
            raise EventError(f"{error.args[0]}: no such account or symbol") from None
        if isinstance(outcome, Refused):
            raise EventError(f"{outcome.code} {outcome.text}")

    def _to_the_account(self, event: events.AccountEvent) -> object:
        venue, account, symbol, now_ms = self._venue, event.account, event.symbol, self._now_ms()
        if isinstance(event, events.Liquidation):
            return venue.force_liquidation(account, symbol, event.position_idx, now_ms)
        if isinstance(event, events.AutoDeleverage):
            return venue.force_adl(account, symbol, event.position_idx, event.qty, now_ms, event.price)
        return None

    def _by_hand(self, event: events.AccountEvent) -> object:
        """What somebody does with the same account beside the bot."""
        venue, account, symbol, now_ms = self._venue, event.account, event.symbol, self._now_ms()
        if isinstance(event, events.HumanOrder):
            order = NewOrder(
                symbol=symbol,
                side=event.side,
                order_type=OrderType.MARKET,
                qty=event.qty,
                position_idx=event.position_idx,
                reduce_only=event.reduce_only,
            )
            return venue.submit(account, order, now_ms)
        if isinstance(event, events.HumanClose):
            return venue.close_by_hand(account, symbol, event.position_idx, event.qty, now_ms)
        if isinstance(event, events.HumanCancel):
            if event.order_link_id:
                return venue.cancel(account, OrderRef(symbol=symbol, order_link_id=event.order_link_id), now_ms)
            return venue.cancel_all(account, symbol, now_ms)
        if isinstance(event, events.HumanLeverage):
            return venue.set_leverage(account, symbol, event.leverage, now_ms)
        if isinstance(event, events.HumanMode):
            return self._switch_mode(event)
        raise EventError(f"{type(event).__name__} is not done to an account")

    def _switch_mode(self, event: events.HumanMode) -> object:
        venue, account, symbol, now_ms = self._venue, event.account, event.symbol, self._now_ms()
        venue.cancel_all(account, symbol, now_ms)
        for position in venue.positions(account, symbol):
            if position.side is not None:
                venue.close_by_hand(account, symbol, position.position_idx, None, now_ms)
        return venue.switch_mode(account, symbol, event.hedge, now_ms)
