"""The kill switch amid random histories: what the executor closes itself is booked once, to the last digit."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.domain.ids import emergency_id
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import Leg, OrderType, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.executor import outcomes
from hedgegrid.executor.kill_switch import forbids
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.events import DenyReason, KillSwitchChanged
from hedgegrid.messages.ledger import CycleClosed, FillBooked
from hedgegrid.venue.requests import NewOrder
from tests.property.strategy.styles import STYLES
from tests.property.strategy.test_world import ACTIONS
from tests.property.strategy.world import ACCOUNT, SYMBOL, World

SEEDS = 12
ACTIONS_PER_SEED = 250


class StoppableWorld(World):
    """The executor's kill switch is part of it: it denies, cancels and closes, whatever the bot knows of it."""

    level: KillLevel | None = None
    stops = 0

    def throw(self, level: KillLevel, is_told: bool) -> None:
        self.level = max(level, self.level or level)
        self.stops += 1
        if is_told:
            self.tell()
        if level >= KillLevel.CANCEL:
            self.venue.cancel_all(ACCOUNT, None, self.now_ms)
        if level is KillLevel.FLATTEN:
            self.close_directly()
        self.collect()

    def tell(self) -> None:
        event = KillSwitchChanged(level=self.level, source="file", reason="test", ts_event=self.now_ms)
        self.feed.append(event)

    def close_directly(self) -> None:
        for leg in Leg:
            size = self.venue.position(ACCOUNT, SYMBOL, leg.value).size
            self.now_ms += 100
            if size:
                order = NewOrder(
                    symbol=SYMBOL, side=leg.closing_side, order_type=OrderType.MARKET, qty=size, position_idx=leg.value,
                    reduce_only=True, order_link_id=emergency_id(SYMBOL, leg, self.now_ms),
                )  # fmt: skip
                self.venue.submit(ACCOUNT, order, self.now_ms)

    def clear(self) -> None:
        self.level = None
        self.tell()
        self.operate(TradingState.ACTIVE)

    def execute(self) -> None:
        if self.level is not None and self.waiting and forbids(self.level, self.waiting[0]):
            command = self.waiting.pop(0)
            if isinstance(command, SubmitOrder) and command.client_order_id not in self.sent:
                self.submitted[command.client_order_id] -= 1  # it never was: a store gone back may make it anew
            self.feed += outcomes.denied(command, DenyReason.KILLED, "test", self.now_ms)  # type: ignore[arg-type]
        else:
            super().execute()

    def come_to_rest(self) -> None:
        if self.level is not None:
            self.tell()  # as an executor does when it starts
        super().come_to_rest()

    def act(self) -> None:
        super().act()
        chance = self.random.random()
        if chance < 0.02:
            self.throw(self.random.choice(list(KillLevel)), is_told=self.random.random() < 0.5)
        elif chance < 0.06 and self.level is not None:
            self.clear()
        elif chance < 0.07:
            self.save()
        elif chance < 0.08:
            self.go_back()
        self.check_always()


def stopped_world(name: str, seed: int) -> StoppableWorld:
    return StoppableWorld(seed, STYLES[name].configs, STYLES[name].strategy)


@pytest.mark.parametrize("name", STYLES)
def test_books_agree_after_any_history_with_the_switch(name: str) -> None:
    stops = emergencies = 0
    for seed in range(SEEDS):
        world = stopped_world(name, seed)
        try:
            for _ in range(ACTIONS_PER_SEED):
                world.act()
            world.come_to_rest()
            world.check_at_rest()
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}, after {len(world.inputs)} inputs: {error}") from error
        stops += world.stops
        emergencies += sum(isinstance(r, FillBooked) and r.purpose is Purpose.EMERGENCY for r in world.ledger)
    assert stops > SEEDS
    assert emergencies > 0, "the executor never closed anything itself"


KILLS = st.one_of(
    ACTIONS,
    st.tuples(st.just("throw"), st.sampled_from(KillLevel), st.booleans()),
    st.tuples(st.just("clear")),
)


@given(name=st.sampled_from(sorted(STYLES)), seed=st.integers(0, 2**32), actions=st.lists(KILLS, max_size=60))
@settings(max_examples=60)
def test_books_agree_after_small_histories_with_the_switch(
    name: str, seed: int, actions: list[tuple[Any, ...]]
) -> None:
    world = stopped_world(name, seed)
    for action, *arguments in actions:
        getattr(world, str(action))(*arguments)
        world.check_always()
    world.come_to_rest()
    world.check_at_rest()


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "untold"])
def test_a_flattened_bot_is_flat_halted_and_booked(is_told: bool) -> None:
    world = stopped_world("resting", 3) if "resting" in STYLES else stopped_world(next(iter(STYLES)), 3)
    world.come_to_rest()
    assert all(leg.book.qty > 0 for leg in world.state.legs)
    world.throw(KillLevel.FLATTEN, is_told)
    world.come_to_rest()
    world.check_at_rest()
    assert all(leg.book.qty == 0 and not leg.orders for leg in world.state.legs)
    assert world.state.trading_state is TradingState.HALTED
    rows = [row for row in world.ledger if isinstance(row, FillBooked) and row.purpose is Purpose.EMERGENCY]
    assert {row.leg for row in rows} == set(Leg)
    assert len([row for row in world.ledger if isinstance(row, CycleClosed)]) == 2
