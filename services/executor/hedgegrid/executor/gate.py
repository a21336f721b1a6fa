"""The last look at a command before it may be sent: what the strategy has checked is checked here again."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.bybit.requests import UnsendableCommand, request_of
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Purpose
from hedgegrid.executor.in_flight import only_reduces
from hedgegrid.executor.interlocks import Interlocks
from hedgegrid.executor.kill_switch import KillSwitch
from hedgegrid.executor.order_limits import OrderLimits
from hedgegrid.executor.shared_risk import SharedRisk
from hedgegrid.executor.trading_states import TradingStates
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.messages.commands import AmendOrder, Command, RequestSnapshot, SubmitOrder
from hedgegrid.messages.events import DenyReason
from hedgegrid.runtime.config import AccountConfig, bot_dry_run


class Denial(NamedTuple):
    reason: DenyReason
    text: str


class Gate:
    """`last_price(symbol)` is asked only for market orders under a cap and without a mark."""

    def __init__(
        self,
        config: AccountConfig,
        states: TradingStates,
        door: VenueDoor,
        ttl_ms: int,
        last_price: Callable[[str], Decimal | None],
        risk: SharedRisk,
        interlocks: Interlocks,
        kill: KillSwitch,
        limits: OrderLimits,
    ) -> None:
        self._bots = {bot.symbol: bot for bot in config.bots}
        self._config = config
        self._states = states
        self._door = door
        self._ttl_ms = ttl_ms
        self._last_price = last_price
        self._risk = risk
        self._interlocks = interlocks
        self._kill = kill
        self._limits = limits
        self.instruments: dict[str, Instrument] = {}
        self.not_ready: dict[str, str] = {}
        """Symbols whose mode or leverage could not be set, and why."""

    def denial(self, command: Command, now_ms: int) -> Denial | None:
        """Why a command just taken must not be sent; None when it may."""
        return self.denial_now(command, now_ms) or self._malformed(command) or self._beyond_caps(command)

    def denial_now(self, command: Command, now_ms: int) -> Denial | None:
        """What may have changed since the command was taken; asked again right before it is sent."""
        bot = self._bots.get(command.symbol)
        if bot is None:
            return Denial(DenyReason.INVALID, f"symbol {command.symbol} is not in the config of {self._config.id}")
        if not isinstance(command, RequestSnapshot) and bot_dry_run(self._config, bot):
            return Denial(DenyReason.DRY_RUN, "dry_run is set: nothing is sent")
        shut = self.killed(command) or self._fatal() or self._interlocked(command)
        if shut is not None or only_reduces(command):
            return shut
        forbidden_by = self._states.forbids(command.symbol, _opens_cycle(command))
        if forbidden_by is not None:
            return Denial(DenyReason.HALTED, f"{command.symbol} is {forbidden_by}: no such order that adds exposure")
        if isinstance(command, SubmitOrder | AmendOrder):
            unsafe = self._risk.stage_denial(command.client_order_id)
            if unsafe is not None:
                return Denial(DenyReason.RISK_LIMIT, unsafe)
        if command.symbol in self.not_ready:
            return Denial(DenyReason.NOT_RECONCILED, self.not_ready[command.symbol])
        if self.is_stale(command, now_ms):
            return Denial(DenyReason.STALE, f"issued {now_ms - command.issued_ms} ms ago, more than {self._ttl_ms} ms")
        return None

    def killed(self, command: Command) -> Denial | None:
        """Why the kill switch forbids it."""
        text = self._kill.denial(command)
        return None if text is None else Denial(DenyReason.KILLED, text)

    def is_stale(self, command: Command, now_ms: int) -> bool:
        """True for a command whose reasons are too old to act on now; never for one that reduces exposure."""
        return not only_reduces(command) and now_ms - command.issued_ms > self._ttl_ms

    def _fatal(self) -> Denial | None:
        fatal = self._door.fatal
        if fatal is None:
            return None
        return Denial(DenyReason.HALTED, f"the venue refuses this account: code {fatal.code}, {fatal.reason}")

    def _interlocked(self, command: Command) -> Denial | None:
        text = self._interlocks.denial(command)
        return None if text is None else Denial(DenyReason.INTERLOCKED, text)

    def _malformed(self, command: Command) -> Denial | None:
        """An order the venue would refuse, or silently change: it truncates quantities."""
        if isinstance(command, RequestSnapshot):
            return None
        try:
            request_of(command)
        except UnsendableCommand as error:
            return Denial(DenyReason.INVALID, str(error))
        if isinstance(command, SubmitOrder):
            parts = parse_client_order_id(command.client_order_id)
            if parts is None or parts.symbol != command.symbol or parts.leg is not command.leg:
                text = f"client_order_id {command.client_order_id!r} is not one of {command.symbol} {command.leg.word}"
                return Denial(DenyReason.INVALID, text)
            if command.reduce_only != (command.side is command.leg.closing_side):
                text = f"{command.side} on the {command.leg.word} leg with reduce_only {command.reduce_only}"
                return Denial(DenyReason.INVALID, text)
        instrument = self.instruments.get(command.symbol)
        if instrument is None or not isinstance(command, SubmitOrder | AmendOrder):
            return None
        if not instrument.is_on_step(command.qty):
            return Denial(DenyReason.INVALID, f"qty {plain(command.qty)} is not on step {instrument.qty_step}")
        if command.price is not None and not instrument.is_on_tick(command.price):
            return Denial(DenyReason.INVALID, f"price {plain(command.price)} is not on tick {instrument.tick_size}")
        return None

    def _beyond_caps(self, command: Command) -> Denial | None:
        """One order may not exceed its cap, nor with all others the account's; those let through count."""
        if only_reduces(command) or not isinstance(command, SubmitOrder | AmendOrder):
            return None
        cap = self._config.max_order_notional_usdt
        if cap is not None:
            price = command.price if command.price is not None else self._last_price(command.symbol)
            if price is None:
                return Denial(DenyReason.RISK_LIMIT, "no price is known to judge a market order by")
            notional = command.qty * price
            if notional > cap:
                text = f"{plain(notional)} USDT in one order, more than max_order_notional_usdt {plain(cap)}"
                return Denial(DenyReason.RISK_LIMIT, text)
        broken = self._risk.cap_denial(command, self._last_price)
        if broken is not None:
            return Denial(DenyReason.RISK_LIMIT, broken)
        refusal = self._limits.refusal(command)
        return None if refusal is None else Denial(*refusal)


def _opens_cycle(command: Command) -> bool:
    """An entry begins a cycle; any other order that adds exposure belongs to an open one."""
    parts = parse_client_order_id(command.client_order_id) if isinstance(command, SubmitOrder) else None
    return parts is not None and parts.purpose is Purpose.ENTRY
