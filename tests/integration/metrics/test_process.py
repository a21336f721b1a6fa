"""The service as a process: SIGTERM ends it with 0 and soon, a lost bookmark or stream with another code."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hedgegrid.metrics.bookmarks import TOTALS
from tests.integration.metrics.running import World, eventually, http
from tests.unit.metrics import sample

STOP_WITHIN_S = 20.0
"""What docker compose waits before it kills."""
Break = Callable[[World], object]


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    world = World(redis_url)
    yield world
    world.client.close()


def port_when_counting(world: World) -> int:
    """Wait for a process that counts; return its HTTP port, which its heartbeat tells."""

    def ports() -> list[int]:
        beats = [beat for beat in world.heartbeats() if beat["ready"]]
        return [int(str(beat["http_port"])) for beat in beats]

    eventually(ports, "a ready process")
    return ports()[0]


def test_sigterm_ends_it_and_http_shows_what_it_counts(world: World, tmp_path: Path) -> None:
    world.write(world.ledger, sample.fill())
    with world.process(tmp_path) as process:
        port = port_when_counting(world)
        assert json.loads(http(port, "/readyz"))["ok"] is True
        assert json.loads(http(port, "/healthz"))["ok"] is True
        assert json.loads(http(port, "/api/state"))["bots"][0]["legs"]["long"]["fills"] == 1
        shown = http(port, "/metrics").decode()
        labels = f'account="{world.account}",leg="long",liquidity="maker",symbol="BTCUSDT"'
        assert f"hedgegrid_fills_total{{{labels}}} 1.0" in shown
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=STOP_WITHIN_S) == 0


def test_sigterm_ends_a_process_that_waits_for_its_turn(world: World, tmp_path: Path) -> None:
    with world.running() as first:
        eventually(first.counting)
        with world.process(tmp_path) as second:
            eventually(lambda: any("another" in json.dumps(beat) for beat in world.heartbeats()))
            second.send_signal(signal.SIGTERM)
            assert second.wait(timeout=STOP_WITHIN_S) == 0


@pytest.mark.parametrize(
    "break_it",
    [
        lambda world: world.client.xgroup_destroy(world.events, TOTALS),
        lambda world: world.client.delete(world.ledger),
        lambda world: world.client.set(world.commands, "no stream any more"),
        lambda world: world.client.flushall(),
    ],
    ids=["bookmark lost", "stream deleted", "wrong type", "everything flushed"],
)
def test_a_stream_or_bookmark_lost_ends_the_process_with_an_error(
    world: World, tmp_path: Path, break_it: Break
) -> None:
    with world.process(tmp_path) as process:
        port_when_counting(world)
        break_it(world)
        _, errors = process.communicate(timeout=10)
        assert process.returncode == 1
        assert "crashed" in errors


def test_a_bookmark_lost_is_made_anew_and_nothing_is_counted_twice(world: World, tmp_path: Path) -> None:
    world.write(world.ledger, sample.fill())
    with world.process(tmp_path) as process:
        port_when_counting(world)
        world.client.xgroup_destroy(world.ledger, TOTALS)
        world.write(world.ledger, sample.fill())
        assert process.wait(timeout=10) == 1
    with world.running() as metrics:
        eventually(lambda: metrics.leg()["fills"] == 2)


def test_a_wrong_config_is_one_line_and_exit_code_2(world: World, tmp_path: Path) -> None:
    world.config = "accounts = 3"
    with world.process(tmp_path) as process:
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert errors.count("\n") == 1


def test_kill_9_leaves_totals_that_the_next_process_shows(world: World, tmp_path: Path) -> None:
    with world.process(tmp_path) as process:
        port_when_counting(world)
        world.write(world.ledger, *(sample.fill(trade_id=str(n)) for n in range(2000)))
        process.kill()
        process.wait(timeout=10)
    with world.running() as metrics:
        eventually(lambda: metrics.leg()["fills"] == 2000)
    assert metrics.error is None
