"""The last look: each reason to refuse, and what may pass in spite of it."""

from decimal import Decimal

import msgspec
import pytest

from hedgegrid.bybit.errors import Kind, Outcome
from hedgegrid.domain.order import Leg, OrderType, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.trading_states import TradingStates
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.messages.commands import Command
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import DenyReason
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.config import AccountConfig, BotConfig
from hedgegrid.runtime.health import Health
from tests.unit.executor.entries import SYMBOL, amend, cancel, cancel_all, snapshot, submit

D = Decimal
NOW_MS = 1_000_500
EVERYTHING: list[Command] = [submit(1), submit(2, reduce_only=True), amend(1), cancel(1), cancel_all(), snapshot()]


class Desk:
    def __init__(self, cap: Decimal | None = None, dry_run: bool = False, last: Decimal | None = None) -> None:
        bot = BotConfig(symbol=SYMBOL, leverage=D(5), dry_run=dry_run)
        config = AccountConfig(id="main", bots=(bot,), max_order_notional_usdt=cap)
        self.clock = ManualClock()
        self.health = Health()
        self.states = TradingStates([SYMBOL])
        self.door = VenueDoor("main", self.health, self.clock, 600)
        self.gate = Gate(config, self.states, self.door, 10_000, lambda symbol: last)

    def reasons(self, *commands: Command, now_ms: int = NOW_MS) -> list[DenyReason | None]:
        denials = [self.gate.denial(command, now_ms) for command in commands]
        return [None if denial is None else denial.reason for denial in denials]


def test_all_may_pass() -> None:
    assert Desk().reasons(*EVERYTHING) == [None] * 6


def test_dry_run_lets_only_snapshots_pass() -> None:
    assert Desk(dry_run=True).reasons(*EVERYTHING) == [DenyReason.DRY_RUN] * 5 + [None]


def test_a_refused_account_gets_nothing() -> None:
    desk = Desk()
    desk.door.heard(Outcome(Kind.FATAL, 10003, "API key is invalid"))
    assert desk.reasons(*EVERYTHING) == [DenyReason.HALTED] * 6
    assert not desk.health.ready


def test_a_halted_bot_may_reduce_cancel_and_look() -> None:
    desk = Desk()
    desk.states.apply(SetTradingState(symbol=None, state=TradingState.HALTED, actor="a", reason="r", ts_event=1))
    assert desk.reasons(*EVERYTHING) == [DenyReason.HALTED, None, DenyReason.HALTED, None, None, None]
    assert desk.reasons(amend(1, purpose=Purpose.TAKE_PROFIT)) == [None]


@pytest.mark.parametrize(
    ("state", "entry", "averaging"),
    [
        (TradingState.NO_NEW_CYCLES, DenyReason.HALTED, None),
        (TradingState.TP_ONLY, DenyReason.HALTED, DenyReason.HALTED),
        (TradingState.FLATTEN, DenyReason.HALTED, DenyReason.HALTED),
        (TradingState.ACTIVE, None, None),
    ],
)
def test_a_state_forbids_what_it_names(
    state: TradingState, entry: DenyReason | None, averaging: DenyReason | None
) -> None:
    desk = Desk()
    desk.states.apply(SetTradingState(symbol=SYMBOL, state=state, actor="a", reason="r", ts_event=1))
    orders = [submit(n, purpose=purpose) for n, purpose in ((1, Purpose.ENTRY), (2, Purpose.AVERAGING))]
    assert desk.reasons(*orders, submit(3, reduce_only=True)) == [entry, averaging, None]


def test_a_wish_for_another_symbol_does_not_concern_this_one() -> None:
    desk = Desk()
    desk.states.apply(SetTradingState(symbol="ETHUSDT", state=TradingState.HALTED, actor="a", reason="r", ts_event=1))
    assert desk.reasons(submit(1)) == [None]


def test_what_adds_exposure_gets_stale() -> None:
    late_ms = 1_000_000 + 10_001
    reasons = Desk().reasons(*EVERYTHING, now_ms=late_ms)
    assert reasons == [DenyReason.STALE, None, DenyReason.STALE, None, None, None]
    assert Desk().reasons(submit(1), now_ms=late_ms - 1) == [None]
    assert Desk().reasons(msgspec.structs.replace(submit(1), issued_ms=0)) == [DenyReason.STALE]


def test_a_bot_that_is_not_set_up_may_only_reduce() -> None:
    desk = Desk()
    desk.gate.not_ready[SYMBOL] = "hedge mode could not be set"
    assert desk.reasons(submit(1), submit(2, reduce_only=True)) == [DenyReason.NOT_RECONCILED, None]


@pytest.mark.parametrize(
    ("qty", "price", "last", "reason"),
    [
        ("0.02", "50000", None, None),
        ("0.02", "50000.1", None, DenyReason.RISK_LIMIT),
        ("0.02", None, "50000", None),
        ("0.03", None, "50000", DenyReason.RISK_LIMIT),
        ("0.01", None, None, DenyReason.RISK_LIMIT),
    ],
)
def test_the_cap_of_one_order(qty: str, price: str | None, last: str | None, reason: DenyReason | None) -> None:
    desk = Desk(cap=D(1000), last=None if last is None else D(last))
    order_type = OrderType.MARKET if price is None else OrderType.LIMIT
    changes = {"qty": D(qty), "price": None if price is None else D(price), "order_type": order_type}
    assert desk.reasons(msgspec.structs.replace(submit(1), **changes)) == [reason]
    close = msgspec.structs.replace(submit(1, Leg.SHORT, reduce_only=True), **changes)
    assert desk.reasons(close) == [None]


def test_a_ban_ends_by_itself() -> None:
    desk = Desk()
    desk.door.heard(Outcome(Kind.BANNED, 403, "HTTP 403"))
    assert not desk.health.ready
    assert desk.door.banned_for_ns() == 600_000_000_000
    desk.clock.advance_ms(600_000)
    assert desk.door.banned_for_ns() == 0
    assert desk.health.ready
