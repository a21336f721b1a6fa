"""What must hold once the world has come to rest, against the venue's own books; and whether it has."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hedgegrid.bus import codec, keys
from hedgegrid.bus.reader import id_key
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.order import Leg
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.events import RiskStageChanged
from hedgegrid.messages.ledger import (
    DifferenceFound,
    FillBooked,
    FundingBooked,
    LedgerMessage,
)
from hedgegrid.strategy.core.state import BotState
from hedgegrid.strategy.plans import plans_of
from hedgegrid.strategy.stored_state import is_stored, read_state
from tests.ledger_sum import realised
from tests.simulation.steps import Violation
from tests.simulation.world import World

ROUNDING = Decimal("0.000001")
"""Fills of one closing order, some told by the socket and some read over REST, may differ from the venue's own split of
the order's result in the last digits; the bot books that as a difference with the next quiet snapshot."""


@dataclass
class Tally:
    """Zeros but for what was broken; amounts in USDT."""

    lost_fills: int = 0
    doubled_fills: int = 0
    duplicated_orders: int = 0
    orphan_orders: int = 0
    pnl_difference: Decimal = Decimal(0)


class AtRest:
    """Reads the committed states and ledgers as a newcomer would."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.money.store
        self._types = {
            (account.id, plan.symbol): plan.strategy.state_type
            for account in world.config.accounts
            for plan in plans_of(account)
        }

    def state(self, account: str, symbol: str) -> Any:
        """The committed state, None before the first one."""
        fields = {name.decode(): value for name, value in self._store.hgetall(keys.bot(account, symbol)).items()}
        return read_state(fields, self._types[account, symbol]) if is_stored(fields) else None

    def ledger(self, account: str, symbol: str) -> list[LedgerMessage]:
        rows = (codec.decode_ledger(fields) for _, fields in self._store.xrange(keys.ledger(account)))
        return [row for row in rows if row.symbol == symbol]

    # ---- has it come to rest

    def unrest(self) -> str:
        """What still moves or waits; "" at rest."""
        for account in self._world.accounts:
            executor = self._store.hgetall(keys.executor(account))
            waiting = [name.decode() for name in executor if name.startswith(b"sent:")]
            if waiting:
                return f"in flight: {', '.join(waiting)}"
            commands = self._store.xrevrange(keys.commands(account), count=1)
            if commands and executor.get(b"checkpoint", b"0-0") != commands[0][0]:
                return "commands wait for the executor"
            newest = self._store.xrevrange(keys.events(account), count=1)
            for symbol in self._world.symbols:
                problem = self._bot_unrest(account, symbol, newest[0][0].decode() if newest else "0-0")
                if problem:
                    return f"{symbol}: {problem}"
        return ""

    def _bot_unrest(self, account: str, symbol: str, newest: str) -> str:
        fields = self._store.hgetall(keys.bot(account, symbol))
        state: BotState | None = self.state(account, symbol)
        if state is None:
            return "not born"
        if id_key(fields[b"events_at"].decode()) < id_key(newest):
            return "events wait for the bot"
        if state.trading_state is TradingState.HALTED:
            return ""
        if not state.reconciled:
            return "not reconciled"
        for leg in state.legs:
            for order in leg.orders:
                if order.phase != "live":
                    return f"{order.client_order_id} is {order.phase}"
            at_venue = self._world.exchange.venue.position(account, symbol, leg.leg.value).cum_realised_pnl
            earned = realised(self.ledger(account, symbol), leg.leg)
            if earned != at_venue:
                return f"PnL identity: {leg.leg.word} has {earned} in the ledger, {at_venue} at the venue"
            if state.stage is not RiskStage.NORMAL:
                continue
            if leg.opening.until_ms > self._world.loom.now_ms or leg.closing.until_ms > self._world.loom.now_ms:
                return f"{leg.leg.word} backs off"
        return ""

    def halted(self) -> list[str]:
        """Why bots do not trade on, by symbol: they have halted themselves, or the account guard holds them."""
        found = []
        for account in self._world.accounts:
            for symbol in self._world.symbols:
                state = self.state(account, symbol)
                if state is not None and state.trading_state is TradingState.HALTED:
                    found.append(f"{symbol}: HALTED, {state.why}")
                elif state is not None and state.stage is not RiskStage.NORMAL:
                    found.append(f"{symbol}: guard {state.stage.name}")
        return found

    # ---- what must hold then

    def check(self, went_back: bool) -> None:
        """Raises Violation. After the store has gone back a bot may have booked a difference instead of its parts."""
        tally = self.tally()
        if (tally.lost_fills or tally.doubled_fills) and not went_back:
            raise Violation(f"no lost fill: {tally.lost_fills} lost, {tally.doubled_fills} doubled")
        for account in self._world.accounts:
            stage = self._stage(account)
            for symbol in self._world.symbols:
                state = self.state(account, symbol)
                if state.stage is not stage and not went_back:
                    raise Violation(f"no silent skip: {symbol} is at {state.stage.name}, the guard told {stage.name}")
                if state.trading_state is TradingState.HALTED:
                    continue
                self._orders(account, symbol, state)
                for leg in state.legs:
                    self._position(account, symbol, leg, went_back)

    def tally(self) -> Tally:
        """Counts over all bots, halted ones too."""
        tally = Tally()
        for account in self._world.accounts:
            booked: Counter[str] = Counter()
            for symbol in self._world.symbols:
                rows = self.ledger(account, symbol)
                booked.update(row.trade_id for row in rows if isinstance(row, FillBooked | FundingBooked))
                state = self.state(account, symbol)
                known = _ids(state)
                open_orders = self._world.exchange.venue.orders_open(account, symbol)
                tally.orphan_orders += sum(order.order_link_id not in known for order in open_orders)
                levels = Counter(parse_client_order_id(o.order_link_id)[2:5] for o in open_orders if o.order_link_id)  # type: ignore[index]
                tally.duplicated_orders += sum(count - 1 for count in levels.values())
                for leg in Leg:
                    position = self._world.exchange.venue.position(account, symbol, leg.value)
                    tally.pnl_difference += abs(realised(rows, leg) - position.cum_realised_pnl)
            executed = {report.exec_id for report in self._world.exchange.venue.executions(account)}
            tally.lost_fills += len(executed - booked.keys())
            tally.doubled_fills += sum(count - 1 for count in booked.values()) + len(booked.keys() - executed)
        return tally

    def _stage(self, account: str) -> RiskStage:
        """What the account guard told last."""
        for _, fields in self._store.xrevrange(keys.events(account)):
            event = codec.decode_event(fields)
            if isinstance(event, RiskStageChanged):
                return event.stage
        return RiskStage.NORMAL

    def _orders(self, account: str, symbol: str, state: BotState) -> None:
        resting = {order.order_link_id for order in self._world.exchange.venue.orders_open(account, symbol)}
        known = _ids(state)
        if resting - known:
            raise Violation(f"no orphan order: the venue has {', '.join(sorted(resting - known))}, the bot does not")
        if known - resting:
            raise Violation(f"no orphan order: the bot has {', '.join(sorted(known - resting))}, the venue does not")

    def _position(self, account: str, symbol: str, leg: Any, went_back: bool) -> None:
        position = self._world.exchange.venue.position(account, symbol, leg.leg.value)
        name = f"{symbol} {leg.leg.word}"
        if leg.book.qty + leg.foreign_qty != position.size:
            raise Violation(f"position identity: {name} is {leg.book.qty} in the book, {position.size} at the venue")
        rows = self.ledger(account, symbol)
        earned = realised(rows, leg.leg)
        if earned != position.cum_realised_pnl:
            raise Violation(
                f"PnL identity: {name} has {earned} in the ledger, {position.cum_realised_pnl} at the venue"
            )
        differences = [row.amount for row in rows if isinstance(row, DifferenceFound)]
        if not went_back and any(abs(amount) > ROUNDING for amount in differences):
            raise Violation(f"PnL identity: {name} has booked differences: {differences}")


def _ids(state: BotState | None) -> set[str]:
    return set() if state is None else {o.client_order_id for leg in state.legs for o in leg.orders}
