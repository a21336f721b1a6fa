"""The heartbeat sets an expiring key; an outage is logged once and is no end."""

import logging
import time

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from hedgegrid.runtime.heartbeat import TTL_MS, Heartbeat


class FakeRedis:
    """Just SET, which can be made to fail."""

    def __init__(self) -> None:
        self.failing = False
        self.calls: list[tuple[str, str, int]] = []

    def set(self, key: str, value: str, px: int) -> None:
        if self.failing:
            raise RedisConnectionError("refused")
        self.calls.append((key, value, px))


@pytest.fixture
def fake() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def heart(fake: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> Heartbeat:
    monkeypatch.setattr("hedgegrid.runtime.heartbeat.Redis.from_url", lambda *_, **__: fake)
    return Heartbeat("redis://127.0.0.1:1/0", "heartbeat:strategy:x", lambda: {"pid": 7})


def test_it_sets_an_expiring_key(heart: Heartbeat, fake: FakeRedis) -> None:
    assert heart.beat()
    assert fake.calls == [("heartbeat:strategy:x", '{"pid": 7}', TTL_MS)]


def test_an_outage_is_logged_once_and_overcome(
    heart: Heartbeat, fake: FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake.failing = True
    assert [heart.beat() for _ in range(3)] == [False] * 3
    fake.failing = False
    assert heart.beat()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_broken_report_does_not_kill_the_thread(
    fake: FakeRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hedgegrid.runtime.heartbeat.Redis.from_url", lambda *_, **__: fake)

    def broken() -> dict[str, object]:
        raise KeyError("x")

    assert not Heartbeat("redis://127.0.0.1:1/0", "k", broken).beat()
    assert len(caplog.records) == 1


def test_on_a_real_server(redis_url: str) -> None:
    heart = Heartbeat(redis_url, "heartbeat:strategy:x", lambda: {"pid": 7})
    heart.start()
    with Redis.from_url(redis_url) as client:
        deadline = time.monotonic() + 5
        while not client.exists("heartbeat:strategy:x") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert client.get("heartbeat:strategy:x") == b'{"pid": 7}'
        assert 0 < int(str(client.pttl("heartbeat:strategy:x"))) <= TTL_MS
    heart.close()
