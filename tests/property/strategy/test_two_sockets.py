"""Two gateways serve one account: every push is told twice, the second time any number of messages later."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.strategy.core.inputs import CoreInput
from tests.property.strategy.styles import STYLES
from tests.property.strategy.world import World

LAG = 12


class TwoSockets(World):
    """`slow` is what the second socket has not told yet; it keeps its own order, as a socket does."""

    slow: list[CoreInput]

    def __init__(self, seed: int, *arguments: Any) -> None:
        self.slow = []
        super().__init__(seed, *arguments)

    def restamped(self, event: CoreInput) -> CoreInput:
        event = super().restamped(event)
        self.slow.append(event)
        return event

    def deliver(self, shuffle: bool = False, repeat: bool = False) -> None:
        super().deliver(shuffle, repeat)
        while len(self.slow) > self.random.randrange(LAG):
            self.take(self.slow.pop(0))

    def come_to_rest(self) -> None:
        super().come_to_rest()
        while self.slow:
            self.take(self.slow.pop(0))
        super().come_to_rest()


@given(name=st.sampled_from(sorted(STYLES)), seed=st.integers(0, 2**32), steps=st.integers(50, 200))
@settings(max_examples=40)
def test_nothing_is_lost_or_doubled(name: str, seed: int, steps: int) -> None:
    world = TwoSockets(seed, STYLES[name].configs, STYLES[name].strategy)
    for _ in range(steps):
        world.act()
    world.come_to_rest()
    world.check_at_rest()
