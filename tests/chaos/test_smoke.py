"""A short walk over the kill points, one of each service, in one living world; `make chaos` has the rest."""

import random
from pathlib import Path

import pytest

from tests.chaos import kill_points
from tests.chaos.world import Setting, World

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]
SEED = 1


@pytest.fixture(autouse=True)
def redis_on_this_machine(redis_binary: object) -> None:
    """The world starts its own."""


def test_one_kill_of_each_service_loses_and_doubles_nothing(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    points = ("strategy.after_commit", "executor.after_write", "gateway.after_receive", "metrics.before_save")
    with World(tmp_path / "world", Setting(seed=SEED)) as world:
        for point in points:
            [row] = kill_points.rows(point)
            kill_points.inject(world, row, dice)
            assert (row.injected, row.failures) == (1, []), point
        assert world.fills() > 0
