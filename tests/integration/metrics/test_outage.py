"""Redis dies and comes back: whether the service rode it out or was replaced, the totals are right."""

import random
from decimal import Decimal
from pathlib import Path

import pytest

from hedgegrid.operator.redis_server import RedisBinary, RedisServer
from tests.integration.metrics.running import World, eventually
from tests.unit.metrics import sample

ROUNDS = 3


def test_totals_are_right_after_redis_was_killed_and_came_back(redis_binary: RedisBinary, tmp_path: Path) -> None:
    dice = random.Random(7)
    with RedisServer(tmp_path / "redis", binary=redis_binary) as server:
        world = World(server.url)
        written = Decimal(0)
        for round_number in range(ROUNDS):
            with world.running() as metrics:
                eventually(metrics.counting)
                amounts = [Decimal(dice.randint(1, 10**8)) / 10**8 for _ in range(50)]
                fills = [sample.fill(gross=amount, trade_id=f"{round_number}-{n}") for n, amount in enumerate(amounts)]
                world.write(world.ledger, *fills)
                server.kill()
                server.start()
                survived = world.client.xlen(world.ledger)
                assert survived == 50 * (round_number + 1), "the money profile syncs every write"
                written += sum(amounts)
        with world.running() as last:
            eventually(last.counting)
            eventually(lambda: last.leg()["fills"] == 50 * ROUNDS)
            assert Decimal(last.leg()["realised"]["gross"]) == written
            assert last.error is None
        world.client.close()


def test_a_service_that_starts_in_an_outage_waits_for_its_end(
    redis_binary: RedisBinary, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Dying of it again and again would make the demo's supervisor give up and end the trading with it."""
    with RedisServer(tmp_path / "redis", binary=redis_binary) as server:
        world = World(server.url)
        world.write(world.ledger, sample.fill())
        server.stop()
        with world.running() as metrics:
            eventually(lambda: metrics.ended() or "waiting for redis" in caplog.text)
            server.start()
            eventually(lambda: metrics.ended() or metrics.counting())
            assert metrics.error is None
            assert metrics.leg()["fills"] == 1
        world.client.close()


def test_a_service_that_outlives_an_outage_goes_on_counting(redis_binary: RedisBinary, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis", binary=redis_binary) as server:
        world = World(server.url)
        with world.running() as metrics:
            for fills in (1, 2):
                eventually(metrics.counting)
                server.stop()
                eventually(lambda: not metrics.context.health.ready)
                server.start()
                world.write(world.ledger, sample.fill(trade_id=str(fills)))
                eventually(lambda: metrics.ended() or metrics.leg()["fills"] == fills)  # noqa: B023 - this round only
            eventually(lambda: metrics.ended() or metrics.context.health.conditions["redis"].ok)
        assert metrics.error is None
        with world.running() as last:
            eventually(lambda: last.leg()["fills"] == 2)
        world.client.close()
