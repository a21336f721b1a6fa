"""The bot keeps its promises whatever happens to it: nothing lost, doubled or wrong to the last digit, no cap broken,
never two orders for a level, take-profits for what is held, and no tick inside the quiet range that matters."""

import os
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import MismatchAnswer
from hedgegrid.messages.ledger import LedgerMessage
from hedgegrid.strategy.core.state import BotState
from tests.property.strategy.styles import STYLES, Style
from tests.property.strategy.world import MOVES, SYMBOL, VOLUMES, World

TRANSITIONS = int(os.environ.get("WORLD_TRANSITIONS", "5200"))
"""Steps of each style, without and with interference: 200,000 and more of all together."""
ACTIONS_PER_SEED = 300
INTERFERENCE = 0.05

ACTIONS = st.one_of(
    st.tuples(st.just("move"), st.sampled_from(MOVES), st.sampled_from(VOLUMES)),
    st.tuples(st.just("tick")),
    st.tuples(st.just("execute")),
    st.tuples(st.just("deliver"), st.booleans(), st.booleans()),
    st.tuples(st.just("fund"), st.sampled_from([Decimal("0.0001"), Decimal("-0.00037")])),
    st.tuples(st.sampled_from(["restart", "gap", "lose", "save", "go_back", "trade_by_hand"])),
    st.tuples(st.just("operate"), st.sampled_from(TradingState)),
    st.tuples(st.just("guard"), st.sampled_from(RiskStage), st.integers(0, 3)),
    st.tuples(st.just("resolve"), st.sampled_from(MismatchAnswer)),
)


def world_of(style: Style, seed: int) -> World:
    return World(seed, style.configs, style.strategy)


def live_through(world: World, actions: int, interference: float) -> None:
    for _ in range(actions):
        world.act()
        if interference and world.random.random() < interference:
            world.interfere()
    world.come_to_rest()
    world.check_at_rest()


@pytest.mark.parametrize("interference", [0, INTERFERENCE], ids=["alone", "interfered"])
@pytest.mark.parametrize("name", STYLES)
def test_promises_are_kept_in_random_histories(
    name: str, interference: float, record_property: Callable[[str, object], None]
) -> None:
    transitions = cycles = quiet_checks = seed = 0
    while transitions < TRANSITIONS:
        world = world_of(STYLES[name], seed)
        try:
            live_through(world, ACTIONS_PER_SEED, interference)
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}, after {len(world.inputs)} inputs: {error}") from error
        transitions += len(world.inputs)
        quiet_checks += world.quiet_checks
        cycles += len(world.cycles)
        seed += 1
    text = f"{name}: seeds 0…{seed - 1}, {transitions} transitions, {cycles} cycles, {quiet_checks} quiet ticks"
    record_property("histories", text)
    assert quiet_checks > transitions / 10
    assert cycles > 0, "the histories do not trade enough to prove anything"


@given(name=st.sampled_from(sorted(STYLES)), seed=st.integers(0, 2**32), actions=st.lists(ACTIONS, max_size=120))
@settings(max_examples=100)
def test_promises_are_kept_in_small_histories(name: str, seed: int, actions: list[tuple[object, ...]]) -> None:
    world = world_of(STYLES[name], seed)
    for action, *arguments in actions:
        getattr(world, str(action))(*arguments)
        world.check_always()
    world.come_to_rest()
    world.check_at_rest()


@pytest.mark.parametrize("name", STYLES)
def test_a_replay_decides_the_same(name: str) -> None:
    style = STYLES[name]
    for seed in (1, 2):
        world = world_of(style, seed)
        for _ in range(ACTIONS_PER_SEED):
            world.act()
        state: BotState = style.strategy.new_state(SYMBOL)
        ledger: list[LedgerMessage] = []
        for config, event in world.inputs:
            stored = msgspec.json.decode(msgspec.json.encode(state), type=style.strategy.state_type)
            decision = style.strategy.step(config, stored, event)
            state = decision.state
            ledger += decision.ledger
        assert state == world.state
        assert ledger == world.ledger


def test_a_long_walk_earns_in_every_cycle() -> None:
    world = World(7)
    for _ in range(3000):
        world.move(Decimal(world.random.choice(["-0.06", "-0.02", "0.02", "0.06"])))
        for _ in range(3):
            world.execute()
            world.deliver()
            world.deliver()
        world.tick()
    world.come_to_rest()
    world.check_at_rest()
    assert len(world.cycles) >= 20
    assert all(cycle.net > 0 for cycle in world.cycles)
