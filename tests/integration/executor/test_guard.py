"""The guard in a running executor: marks and events from Redis, stages told, orders denied, memory kept."""

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgegrid.bus import keys
from hedgegrid.bus.publisher import publish, publish_market
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.guard.config import GuardConfig, Thresholds
from hedgegrid.guard.decide import GuardState
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import (
    DenyReason,
    OrderAcked,
    OrderDenied,
    PositionChanged,
    RiskStageChanged,
    WalletChanged,
)
from hedgegrid.messages.market import QuoteTick
from tests.integration.executor.conftest import Start
from tests.integration.executor.floor import SYMBOL, Floor, eventually, now_ms

D = Decimal
NONE = Thresholds()
GUARD = GuardConfig(
    mm_rate_pct=NONE,
    liquidation_distance_pct=Thresholds(
        warn=D(40), no_new_cycles=D(30), no_averaging=D(20), reduce=D(10), flatten=D(5)
    ),
    daily_loss_pct=NONE,
    drawdown_pct=NONE,
    blind_after_ms=1_000,
    calm_ms=100,
    reduce_every_ms=200,
    reduce_keep_pct=D(50),
)


@pytest.fixture
def floor(redis_url: str) -> Iterator[Floor]:
    floor = Floor(redis_url, guard=GUARD)
    yield floor
    floor.client.close()


class Market:
    """Ticks at the present mark, ten times a second, as the gateway would send them."""

    def __init__(self, floor: Floor) -> None:
        self._client = floor.client
        self.mark = D(50_000)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def silent(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.1):
            at_ms = now_ms()
            tick = QuoteTick(
                symbol=SYMBOL, last_px=self.mark, mark_px=self.mark, bid_px=self.mark, ask_px=self.mark,
                ts_event=at_ms, ts_init=at_ms, cause_ns=0,
            )  # fmt: skip
            publish_market(self._client, [(keys.market(SYMBOL), tick)])


@pytest.fixture
def market(floor: Floor) -> Iterator[Market]:
    market = Market(floor)
    yield market
    market.silent()


def push(floor: Floor, qty: str, balance: str = "10000", seq: int = 1) -> None:
    """What the gateway publishes after a fill at 50,000."""
    at_ms = now_ms()
    position = PositionChanged(
        symbol=SYMBOL, leg=Leg.LONG, qty=D(qty), entry_px=D(50_000), mark_px=D(50_000), liq_px=None, leverage=D(10),
        cum_realised=D(0), seq=seq, ts_event=at_ms, ts_init=at_ms,
    )  # fmt: skip
    wallet = WalletChanged(
        equity=D(balance), wallet_balance=D(balance), available=None, im_rate=None, mm_rate=None,
        ts_event=at_ms, ts_init=at_ms,
    )  # fmt: skip
    publish(floor.client, [(keys.events(floor.account), position), (keys.events(floor.account), wallet)])


def stages(floor: Floor) -> list[RiskStage]:
    return [event.stage for event in floor.events(RiskStageChanged)]


def at(floor: Floor, stage: RiskStage) -> Callable[[], bool]:
    return lambda: stages(floor)[-1:] == [stage]


def remembered(floor: Floor) -> GuardState:
    return msgspec.json.decode(floor.state()["guard"], type=GuardState)


def test_a_crash_drives_the_stages_and_the_gate_denies(floor: Floor, start: Start, market: Market) -> None:
    start()
    push(floor, "0.5")  # 25,000 USDT on 10,000: liquidated some 40 % below
    eventually(at(floor, RiskStage.WARN), "warned")
    for mark, stage in ((43_000, 2), (37_500, 3), (33_000, 4)):
        market.mark = D(mark)
        eventually(at(floor, RiskStage(stage)), f"stage {stage} at {mark}")
    first = floor.events(RiskStageChanged)[-1]
    assert (first.round, first.keep) == (1, D("0.5"))
    assert first.cause.startswith("liquidation ")
    eventually(lambda: floor.events(RiskStageChanged)[-1].round >= 3, "further rounds while the danger lasts")
    entry, averaging, exit_ = (
        floor.submit(),
        floor.submit(client_order_id=floor.new_id(Leg.LONG, Purpose.AVERAGING)),
        floor.submit(reduce_only=True, price=D(60_000)),
    )
    floor.send(entry, averaging, exit_)
    for order in (entry, averaging):
        denial = floor.one(OrderDenied, order.client_order_id)
        assert denial.reason is DenyReason.RISK_LIMIT
        assert denial.text.startswith("the account guard is at REDUCE: liquidation ")
    floor.expect(OrderAcked, exit_.client_order_id)
    market.mark = D(49_999)
    push(floor, "0.01", seq=2)
    eventually(at(floor, RiskStage.NORMAL), "back to normal")
    after = floor.submit()
    floor.send(after)
    floor.expect(OrderAcked, after.client_order_id)


def test_flatten_outlives_a_restart_until_the_operator_speaks(floor: Floor, start: Start, market: Market) -> None:
    running = start()
    push(floor, "0.5")
    market.mark = D(31_500)
    eventually(at(floor, RiskStage.FLATTEN), "flatten")
    market.mark = D(50_000)
    push(floor, "0", seq=2)
    running.stop()
    told = len(stages(floor))
    start("two")
    eventually(lambda: len(stages(floor)) > told, "told again to bots that may not know")
    assert stages(floor)[-1] is RiskStage.FLATTEN
    order = floor.submit()
    floor.send(order)
    assert floor.one(OrderDenied, order.client_order_id).reason is DenyReason.RISK_LIMIT
    floor.control(SetTradingState(symbol=None, state=TradingState.ACTIVE, actor="a", reason="seen", ts_event=now_ms()))
    eventually(at(floor, RiskStage.NORMAL), "left at the operator's word")
    eventually(lambda: remembered(floor).stage is RiskStage.NORMAL, "remembered")


def test_a_silent_market_is_danger_while_something_is_held(floor: Floor, start: Start, market: Market) -> None:
    start()
    push(floor, "0.01")
    eventually(lambda: "guard" in floor.state(), "seen and saved", within_s=15)
    assert stages(floor) == []
    market.silent()
    eventually(at(floor, RiskStage.NO_AVERAGING), "blind")
    assert floor.events(RiskStageChanged)[-1].cause.startswith(f"blind: the mark of {SYMBOL} for ")


def test_figures_are_shown(floor: Floor, start: Start, market: Market) -> None:
    running = start()
    push(floor, "0.5")

    def shown(name: str, **labels: str) -> Any:
        return running.metrics.registry.get_sample_value(f"hedgegrid_{name}", {"account": floor.account, **labels})

    eventually(lambda: shown("guard_stage", stage="WARN") == 1, "the stage")
    eventually(lambda: shown("guard_worst_notional_usdt") == 25_000, "the exposure")
    assert shown("guard_equity_usdt") == 10_000
    assert 0.01 < shown("guard_mm_rate_ratio") < 0.03
