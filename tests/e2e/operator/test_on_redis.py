"""The operator's dealings with a real Redis: leftovers, following streams, tail, state, heartbeats."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect, load_functions
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bus.lease import Lease
from hedgegrid.bus.progress import report_bot
from hedgegrid.bus.publisher import publish
from hedgegrid.bus.reader import last_id
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import CancelAllOrders
from hedgegrid.messages.control import MismatchAnswer, ResolveMismatch, SetTradingState
from hedgegrid.operator import run_redis
from hedgegrid.operator.children import Child, ChildSpec
from hedgegrid.operator.control import resolve_mismatch, set_state
from hedgegrid.operator.heartbeats import forget, not_ready
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.operator.run_redis import RunRedis, clear_former_demo
from hedgegrid.operator.stream_books import StreamBooks
from hedgegrid.operator.tail import lines, streams_of
from hedgegrid.runtime.errors import ConfigError
from tests.unit.operator.books import BTC, ENTRY, ack, fill

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url, "test")
    load_functions(client)
    yield client
    client.close()


def committed(client: redis.Redis, account: str, owner: str) -> None:
    lease = Lease(client, keys.lease(account, BTC), owner, 5000)
    assert lease.acquire()
    FencedState(client, keys.bot(account, BTC), lease).commit({"state": "x"}, add=[(keys.ledger(account), ack(ENTRY))])


def test_what_a_former_demo_left_is_removed(client: redis.Redis) -> None:
    committed(client, "main", "demo-strategy-1")
    committed(client, "other", "strategy-7")
    client.xadd(keys.market(BTC), {"a": "b"})
    clear_former_demo(client, client, ["main"], [BTC])
    assert sorted(client.keys("*")) == sorted(
        key.encode() for key in (keys.bot("other", BTC), keys.lease("other", BTC), keys.ledger("other"))
    )


def test_an_empty_redis_needs_no_clearing(client: redis.Redis) -> None:
    clear_former_demo(client, client, ["main"], [BTC])


def test_state_that_is_not_a_demos_is_never_touched(client: redis.Redis) -> None:
    committed(client, "main", "strategy-1")
    before = sorted(client.keys("*"))
    with pytest.raises(ConfigError, match=r"holds \{main\}:bot:BTCUSDT, written by strategy-1"):
        clear_former_demo(client, client, ["main"], [BTC])
    assert sorted(client.keys("*")) == before


def test_a_redis_with_running_services_is_refused(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_redis, "HEARTBEAT_LIFE_S", 0.01)
    client.set(keys.heartbeat("executor", "x"), "{}")
    committed(client, "main", "demo-strategy-1")
    with pytest.raises(ConfigError, match=r"services run on that Redis \(heartbeat:executor:x"):
        clear_former_demo(client, client, ["main"], [BTC])
    assert client.exists(keys.bot("main", BTC))


def test_own_server_comes_back_with_its_data(tmp_path: Path) -> None:
    said: list[str] = []
    server = RunRedis(tmp_path, None, said.append)
    try:
        client, market = server.start()
        client.set("kept", "yes")
        server.check(client, market)
        assert not said
        server.kill()
        while _answers(client) or _answers(market):
            pass
        server.check(client, market)
        assert client.get("kept") == b"yes"
        assert said == ["redis died; starting it again with its data"] * 2
        client.close()
        market.close()
    finally:
        server.stop()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_an_external_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    server = RunRedis(tmp_path, RedisUrls("redis://:hunter2@127.0.0.1:1/0", "redis://127.0.0.1:1/0"), lambda line: None)
    with pytest.raises(ConfigError, match="HEDGEGRID_REDIS_URL: that server does not answer") as caught:
        server.start()
    assert "hunter2" not in str(caught.value)


def test_books_grow_with_the_streams_even_when_they_are_trimmed(client: redis.Redis) -> None:
    books = StreamBooks(client, client, [("main", BTC)])
    publish(client, [(keys.events("main"), ack(ENTRY)), (keys.ledger("main"), fill("t1", ENTRY, "1", "0.5"))])
    assert books.catch_up() == 2
    client.xtrim(keys.ledger("main"), maxlen=0)
    publish(client, [(keys.ledger("main"), fill("t2", ENTRY, "1", "0.5"))])
    client.xadd(keys.events("main"), {"junk": "x"})
    assert books.catch_up() == 2
    assert books.catch_up() == 0
    own = books.own["main"]
    assert (list(own.sent), own.booked.total(), books.unreadable) == ([ENTRY], 2, 1)


def test_ticks_go_on_counting_when_a_bot_changes_hands(client: redis.Redis) -> None:
    books = StreamBooks(client, client, [("main", BTC)])
    for told in (0, 10, 25, 3, 7):
        report_bot(client, "main", BTC, 1, "0-0", told)
        books.catch_up()
    assert books.ticks["main", BTC] == 32


def test_commands_are_settled_when_the_executor_stands_at_the_last(client: redis.Redis) -> None:
    books = StreamBooks(client, client, [("main", BTC)])
    assert books.commands_settled("main")
    publish(client, [(keys.commands("main"), CancelAllOrders(symbol=BTC))])
    assert not books.commands_settled("main")
    newest = last_id(client, keys.commands("main"))
    client.hset(keys.executor("main"), mapping={"checkpoint": newest, "sent:submit:x": "?"})
    assert not books.commands_settled("main")
    client.hdel(keys.executor("main"), "sent:submit:x")
    assert books.commands_settled("main")


def test_tail_shows_messages_in_order_and_junk_as_it_is(client: redis.Redis) -> None:
    client.xadd(keys.events("main"), {codec.FIELD: codec.encode(ack(ENTRY))}, id="1000-0")
    client.xadd(keys.commands("main"), {codec.FIELD: codec.encode(CancelAllOrders(symbol=BTC))}, id="1001-0")
    client.xadd(keys.events("main"), {"junk": "x"}, id="1002-0")
    streams = streams_of(client, [])
    assert streams == ["{main}:commands", "{main}:events"]
    shown = list(lines(client, streams, last=10, follow=False))
    assert f"00:00:01.000 {{main}}:events OrderAcked symbol=BTCUSDT client_order_id={ENTRY}" in shown[0]
    assert shown[1].endswith("{main}:commands CancelAllOrders symbol=BTCUSDT issued_ms=0")
    assert shown[2].endswith("{main}:events {b'junk': b'x'}")
    assert list(lines(client, streams_of(client, ["main:events"]), last=1, follow=False)) == shown[2:]


def test_tail_goes_on_with_new_messages(client: redis.Redis) -> None:
    publish(client, [(keys.events("main"), ack(ENTRY))])
    following = lines(client, streams_of(client, ["{main}:events"]), last=1, follow=True)
    assert "OrderAcked" in next(following)
    client.xadd(keys.events("main"), {"new": "x"})
    assert "new" in next(following)


def test_tail_of_a_stream_that_is_not_there_says_so(client: redis.Redis) -> None:
    with pytest.raises(ConfigError, match="no streams on this Redis"):
        streams_of(client, [])
    with pytest.raises(ConfigError, match="main:evnets: no such stream"):
        streams_of(client, ["main:evnets"])


def test_a_state_is_asked_for_in_the_accounts_control_stream(client: redis.Redis) -> None:
    committed(client, "main", "strategy-1")
    set_state(client, "main:btcusdt", "no-new-cycles", "ann", "news", 5)
    set_state(client, "main", "FLATTEN", "ann", "now", 6)
    rows: list[tuple[bytes, dict[bytes, bytes]]] = client.xrange(keys.control("main"))  # type: ignore[assignment]
    wishes = [codec.decode_control(fields) for _, fields in rows]
    told = [wish for wish in wishes if isinstance(wish, SetTradingState)]
    assert [(wish.symbol, wish.state, wish.actor, wish.reason, wish.ts_event) for wish in told] == [
        (BTC, TradingState.NO_NEW_CYCLES, "ann", "news", 5),
        (None, TradingState.FLATTEN, "ann", "now", 6),
    ]


@pytest.mark.parametrize(
    ("bot", "state", "words"),
    [
        ("main:ETHUSDT", "HALTED", "no bot 'main:ETHUSDT' on this Redis; there are: main:BTCUSDT"),
        ("mian", "HALTED", "no bot 'mian'"),
        ("main", "STOP", "no state 'STOP'; choose one of ACTIVE, NO_NEW_CYCLES, TP_ONLY, HALTED, FLATTEN"),
    ],
)
def test_a_wish_nobody_would_hear_is_refused(client: redis.Redis, bot: str, state: str, words: str) -> None:
    committed(client, "main", "strategy-1")
    with pytest.raises(ConfigError, match=words):
        set_state(client, bot, state, "ann", "", 5)
    assert not client.exists(keys.control("main"))


def test_a_mismatch_is_answered_in_the_accounts_control_stream(client: redis.Redis) -> None:
    committed(client, "main", "strategy-1")
    resolve_mismatch(client, "main:btcusdt", "ADOPT", "ann", "bought by hand", 5)
    rows: list[tuple[bytes, dict[bytes, bytes]]] = client.xrange(keys.control("main"))  # type: ignore[assignment]
    [(_, fields)] = rows
    assert codec.decode_control(fields) == ResolveMismatch(
        symbol=BTC, action=MismatchAnswer.ADOPT, actor="ann", reason="bought by hand", ts_event=5
    )


@pytest.mark.parametrize(
    ("bot", "answer", "words"),
    [
        ("main", "adopt", "'main' names no symbol; write ACCOUNT:SYMBOL"),
        ("main:BTCUSDT", "keep", "no answer 'keep'; choose one of adopt, flatten, ignore"),
        ("main:ETHUSDT", "adopt", "no bot 'main:ETHUSDT' on this Redis; there are: main:BTCUSDT"),
    ],
)
def test_an_answer_nobody_would_hear_is_refused(client: redis.Redis, bot: str, answer: str, words: str) -> None:
    committed(client, "main", "strategy-1")
    with pytest.raises(ConfigError, match=words):
        resolve_mismatch(client, bot, answer, "ann", "", 5)
    assert not client.exists(keys.control("main"))


def test_ready_is_what_the_running_process_says_of_itself(client: redis.Redis, tmp_path: Path) -> None:
    child = Child(ChildSpec(name="strategy-1", command=("sleep", "60"), environment=dict(os.environ)), tmp_path)
    child.start()
    try:
        key = keys.heartbeat("strategy", "demo-strategy-1")
        assert not_ready(client, [child]) == ["strategy-1 (no heartbeat)"]
        client.set(key, json.dumps({"pid": 1, "ready": True, "http_port": 1, "conditions": {}}))
        assert not_ready(client, [child]) == ["strategy-1 (no heartbeat)"]
        unmet = {"redis": {"ok": True, "reason": ""}, "feed": {"ok": False, "reason": "not connected"}}
        beat = {"pid": child.pid, "ready": False, "http_port": 1, "conditions": unmet}
        client.set(key, json.dumps(beat))
        assert not_ready(client, [child]) == ["strategy-1 (feed: not connected)"]
        client.set(key, json.dumps(beat | {"ready": True, "conditions": {}}))
        assert not_ready(client, [child]) == []
        forget(client, [child])
        assert not client.exists(key)
    finally:
        child.kill()
        child.wait(10)
