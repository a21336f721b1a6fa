"""The last look: each reason to refuse, and what may pass in spite of it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from hedgegrid.bybit.errors import Kind, Outcome
from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import Leg, OrderType, Purpose, TimeInForce
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.interlocks import Interlocks
from hedgegrid.executor.kill_switch import KillSwitch
from hedgegrid.executor.order_limits import OrderLimits, Pace
from hedgegrid.executor.shared_risk import SharedRisk
from hedgegrid.executor.trading_states import TradingStates
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.guard.config import GuardConfig
from hedgegrid.guard.decide import GuardState
from hedgegrid.messages.commands import Command
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import DenyReason, OrderRejected, WalletChanged
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.config import AccountConfig, BotConfig
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.kill_latch import LatchFile
from hedgegrid.runtime.metric_names import Metrics
from tests.unit.executor.entries import SYMBOL, amend, cancel, cancel_all, snapshot, submit

D = Decimal
NOW_MS = 1_000_500
EVERYTHING: list[Command] = [submit(1), submit(2, reduce_only=True), amend(1), cancel(1), cancel_all(), snapshot()]


def wallet(now_ms: int, balance: str = "10000") -> WalletChanged:
    return WalletChanged(
        equity=D(balance), wallet_balance=D(balance), available=None, im_rate=None, mm_rate=None,
        ts_event=now_ms, ts_init=now_ms,
    )  # fmt: skip


def unlimited(config: AccountConfig, clock: ManualClock) -> OrderLimits:
    return OrderLimits(config, {}, lambda symbol: None, lambda symbol: 0, 1, Pace(1000, 1000), clock)


class Desk:
    def __init__(
        self, cap: Decimal | None = None, dry_run: bool = False, last: Decimal | None = None, **guard: Any
    ) -> None:
        bot = BotConfig(symbol=SYMBOL, leverage=D(5), dry_run=dry_run)
        config = self.config = AccountConfig(
            id="main", bots=(bot,), max_order_notional_usdt=cap, guard=GuardConfig(**guard),
            collar_crossing_pct=D(0), collar_resting_pct=D(0),
        )  # fmt: skip
        self.clock = ManualClock()
        self.health = Health()
        self.interlocks = Interlocks("main", self.health, Metrics(CollectorRegistry()))
        self.states = TradingStates([SYMBOL])
        self.door = VenueDoor("main", self.health, self.clock, 600)
        self.risk = SharedRisk(config, self.clock)
        self.risk.apply(wallet(self.clock.now_ms()))
        self.kill = KillSwitch("main", LatchFile(Path("nowhere"), "main"), self.clock, KillLevel.CANCEL)
        self.gate = Gate(
            config, self.states, self.door, 10_000, lambda symbol: last, self.risk, self.interlocks, self.kill,
            unlimited(config, self.clock),
        )  # fmt: skip

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


@pytest.mark.parametrize("stage", list(RiskStage))
def test_the_guards_stage_is_checked_again(stage: RiskStage) -> None:
    desk = Desk()
    desk.risk.resume(msgspec.json.encode(GuardState(stage=stage, cause="loss of the day 12% ≥ 10%")))
    orders: list[Command] = [submit(1), submit(2, purpose=Purpose.AVERAGING), amend(1, purpose=Purpose.AVERAGING)]
    entry = DenyReason.RISK_LIMIT if stage >= RiskStage.NO_NEW_CYCLES else None
    averaging = DenyReason.RISK_LIMIT if stage >= RiskStage.NO_AVERAGING else None
    assert desk.reasons(*orders) == [entry, averaging, averaging]
    assert desk.reasons(submit(3, reduce_only=True), cancel(1), cancel_all(), snapshot()) == [None] * 4
    denial = desk.gate.denial_now(submit(1), NOW_MS)
    assert (denial is None) == (entry is None)
    if denial is not None:
        assert denial.text == f"the account guard is at {stage.name}: loss of the day 12% ≥ 10%"


def test_the_sum_of_all_orders_is_capped_before_they_are_sent() -> None:
    desk = Desk(max_open_notional_usdt=D(1200))
    for number, reason in ((1, None), (2, None), (3, DenyReason.RISK_LIMIT)):
        assert desk.reasons(submit(number)) == [reason]
        if reason is None:
            desk.risk.expect(submit(number))
    desk.risk.judge({})
    assert desk.reasons(submit(4)) == [DenyReason.RISK_LIMIT]  # measured anew, they still count
    desk.risk.apply(
        OrderRejected(symbol=SYMBOL, client_order_id=submit(2).client_order_id, code=1, reason="no", ts_event=1)
    )
    desk.risk.judge({})
    assert desk.reasons(submit(5)) == [None]


def test_the_balance_buffer_is_kept_by_every_order() -> None:
    desk = Desk(balance_buffer_pct=D("98.5"))  # 150 USDT of margin may be used, an order takes about 100
    assert desk.reasons(submit(1)) == [None]
    desk.risk.expect(submit(1))
    denial = desk.gate.denial(submit(2), NOW_MS)
    assert denial is not None
    assert denial.text.startswith("free equity would be 9799.")
    assert "less than the balance buffer of 9850 USDT (98.5 % of 10000)" in denial.text


def test_an_account_that_is_not_known_gets_no_exposure() -> None:
    desk = Desk()
    desk.risk = SharedRisk(AccountConfig(id="main", bots=(BotConfig(symbol=SYMBOL, leverage=D(5)),)), desk.clock)
    account = AccountConfig(id="main", bots=(BotConfig(symbol=SYMBOL, leverage=D(5)),))
    gate = Gate(account, desk.states, desk.door, 10_000, lambda symbol: None, desk.risk, desk.interlocks, desk.kill,
                unlimited(account, desk.clock))  # fmt: skip
    denial = gate.denial(submit(1), NOW_MS)
    assert denial is not None
    assert denial.text.startswith("equity and margin are not known: positions and orders are not confirmed")


@pytest.mark.parametrize(
    ("level", "allowed"),
    [
        (KillLevel.PAUSE, {"close", "take-profit", "cancel", "cancel-all", "snapshot"}),
        (KillLevel.CANCEL, {"close", "cancel", "cancel-all", "snapshot"}),
        (KillLevel.FLATTEN, {"close", "cancel", "cancel-all", "snapshot"}),
    ],
)
def test_what_each_level_of_the_kill_switch_lets_pass(level: KillLevel, allowed: set[str]) -> None:
    desk = Desk()
    desk.kill.throw(level, "test", "why")
    market: dict[str, Any] = {"order_type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.IOC}
    close_id = str(ClientOrderId(1, SYMBOL, Leg.LONG, Purpose.CLOSE, 0, 9))
    commands: dict[str, Command] = {
        "entry": submit(1),
        "take-profit": submit(2, reduce_only=True),
        "close": msgspec.structs.replace(submit(3, reduce_only=True), client_order_id=close_id, **market),
        "amend": amend(1),
        "cancel": cancel(1),
        "cancel-all": cancel_all(),
        "snapshot": snapshot(),
    }
    reasons = dict(zip(commands, desk.reasons(*commands.values()), strict=True))
    assert {name for name, reason in reasons.items() if reason is None} == allowed
    assert {reason for reason in reasons.values() if reason is not None} == {DenyReason.KILLED}
