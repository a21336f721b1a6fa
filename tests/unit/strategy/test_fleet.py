"""What the fleet took or put aside is told even when Redis went away in the middle."""

from typing import Any, cast

import pytest
import redis

from hedgegrid.bus.members import Membership
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.dual_grid import DualGrid
from hedgegrid.strategy.fleet import Fleet

CONFIG = DualGridConfig(leverage=10, initial_margin_usdt=10)  # type: ignore[arg-type]
TTL_MS = 5_000


class Server:
    """Grants every lease; `fails_at` counts the acquisitions down to the one whose answer is lost."""

    def __init__(self) -> None:
        self.fails_at = 0

    def fcall(self, name: str, *args: Any) -> int:
        if name == "hg1_lease_acquire":
            self.fails_at -= 1
            if self.fails_at == 0:
                raise redis.ConnectionError("gone")
        return 1

    def hgetall(self, key: str) -> dict[bytes, bytes]:
        return {}


class Members:
    def __init__(self) -> None:
        self.names = ["a"]

    def renew(self, now_ms: int) -> list[str]:
        return self.names


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("hedgegrid.strategy.fleet.time.monotonic", lambda: now[0])
    return now


def bots() -> tuple[Bot, ...]:
    return tuple(Bot("main", symbol, DualGrid(), CONFIG, "hash") for symbol in ("BTCUSDT", "ETHUSDT"))


def test_a_bot_taken_before_redis_went_away_is_told_with_the_next_look(seconds: list[float]) -> None:
    server = Server()
    fleet = Fleet(cast(Any, server), cast(Membership, Members()), bots(), "a", TTL_MS)
    server.fails_at = 2
    with pytest.raises(redis.ConnectionError):
        fleet.look_after(0)
    assert [bot.symbol for bot in fleet.held.values()] == ["BTCUSDT"]
    taken, left = fleet.look_after(0)
    assert [bot.symbol for bot in taken] == ["BTCUSDT"]
    assert left == []
    seconds[0] += TTL_MS / 1000
    assert [bot.symbol for bot in fleet.look_after(0)[0]] == ["ETHUSDT"]


def test_a_bot_to_hand_back_is_not_forgotten_when_redis_goes_away(seconds: list[float]) -> None:
    server, members = Server(), Members()
    three = (*bots(), Bot("main", "SOLUSDT", DualGrid(), CONFIG, "hash"))
    fleet = Fleet(cast(Any, server), cast(Membership, members), three, "a", TTL_MS)
    fleet.look_after(0)
    members.names = ["a", "b", "c"]
    fleet.held.pop(("main", "BTCUSDT"))
    seconds[0] += TTL_MS / 1000
    taken, left = fleet.look_after(0)
    assert [bot.symbol for bot in left] == ["SOLUSDT"]
    assert taken == []
