"""The bot keeps its promises whatever the delivery does: nothing lost, doubled or wrong to the last digit."""

import os
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.messages.ledger import LedgerMessage
from hedgegrid.strategy.core.dual_grid import DualGrid
from hedgegrid.strategy.core.dual_state import DualGridState
from hedgegrid.strategy.core.state import BotState
from tests.property.strategy.world import MOVES, SYMBOL, VOLUMES, World

SEEDS = int(os.environ.get("WORLD_SEEDS", "200"))
ACTIONS_PER_SEED = 400

ACTIONS = st.one_of(
    st.tuples(st.just("move"), st.sampled_from(MOVES), st.sampled_from(VOLUMES)),
    st.tuples(st.just("tick")),
    st.tuples(st.just("execute")),
    st.tuples(st.just("deliver"), st.booleans(), st.booleans()),
    st.tuples(st.just("fund"), st.sampled_from([Decimal("0.0001"), Decimal("-0.00037")])),
    st.tuples(st.sampled_from(["restart", "gap", "lose"])),
)


@pytest.mark.parametrize("first", range(0, SEEDS, 50))
def test_ledger_equals_the_venue_after_random_histories(first: int) -> None:
    cycles = 0
    for seed in range(first, min(first + 50, SEEDS)):
        world = World(seed)
        try:
            for _ in range(ACTIONS_PER_SEED):
                world.act()
            world.come_to_rest()
            world.check_at_rest()
        except AssertionError as error:
            raise AssertionError(f"World({seed}) after {len(world.inputs)} inputs: {error}") from error
        cycles += len(world.cycles)
    assert cycles > 50, "the histories do not trade enough to prove anything"


@given(seed=st.integers(0, 2**32), actions=st.lists(ACTIONS, max_size=120))
@settings(max_examples=100)
def test_ledger_equals_the_venue_in_small_histories(seed: int, actions: list[tuple[object, ...]]) -> None:
    world = World(seed)
    for name, *arguments in actions:
        getattr(world, str(name))(*arguments)
        world.check_always()
    world.come_to_rest()
    world.check_at_rest()


@pytest.mark.parametrize("seed", range(20))
def test_a_replay_decides_the_same(seed: int) -> None:
    world = World(seed)
    for _ in range(ACTIONS_PER_SEED):
        world.act()
    strategy = DualGrid()
    state: BotState = strategy.new_state(SYMBOL)
    ledger: list[LedgerMessage] = []
    for config, event in world.inputs:
        stored = msgspec.json.decode(msgspec.json.encode(state), type=DualGridState)
        decision = strategy.step(config, stored, event)
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
