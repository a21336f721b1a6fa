"""The atomic commit and the lease against a real Redis: fence, compare-and-set, retry, nothing half written."""

import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgegrid.bus import codec, fenced_state, keys
from hedgegrid.bus.connection import connect, load_functions
from hedgegrid.bus.fenced_state import CommitConflict, FencedState
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.bus.reader import CheckpointReader, TrimmedAway, check_not_trimmed, last_id
from hedgegrid.messages.commands import CancelAllOrders

COMMAND = CancelAllOrders(symbol="BTCUSDT")


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url, "test")
    load_functions(client)
    load_functions(client)
    yield client
    client.close()


@pytest.fixture
def account() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


def held_lease(client: redis.Redis, account: str, owner: str, ttl_ms: int = 5000) -> Lease:
    lease = Lease(client, keys.lease(account, "BTCUSDT"), owner, ttl_ms)
    assert lease.acquire()
    return lease


def test_state_and_messages_land_together(client: redis.Redis, account: str) -> None:
    state = FencedState(client, keys.bot(account, "BTCUSDT"), held_lease(client, account, "a"))
    stream = keys.commands(account)
    state.commit({"state": "one", "old": "x"}, add=[(stream, COMMAND), (stream, COMMAND)])
    state.commit({"state": "two"}, drop=["old"])
    fields = FencedState(client, state.key, state._lease).load()
    assert fields["state"] == b"two"
    assert "old" not in fields
    reader = CheckpointReader(client)
    reader.follow(stream)
    assert [codec.decode_command(entry.fields) for entry in reader.read(block_ms=10)] == [COMMAND, COMMAND]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    commits=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from("abc"), st.sampled_from(("", "x", "y"))),
            st.sets(st.sampled_from("abc")),
            st.booleans(),
        )
    )
)
def test_the_hash_holds_what_was_put_though_only_what_differs_is_written(
    client: redis.Redis, commits: list[tuple[dict[str, str], set[str], bool]]
) -> None:
    account = f"t{uuid.uuid4().hex[:8]}"
    lease = held_lease(client, account, "a")
    calls: list[tuple[Any, ...]] = []

    def fcall(*call: Any) -> Any:
        calls.append(call)
        return client.fcall(*call)

    spy: Any = SimpleNamespace(hgetall=client.hgetall, fcall=fcall)
    state, wanted = FencedState(spy, keys.bot(account, "BTCUSDT"), lease), dict[str, str]()
    for put, drop, reopened in commits:
        if reopened:
            state = FencedState(spy, state.key, lease)
            state.load()
        dropped = drop - put.keys()
        state.commit(put, drop=dropped)
        differs = [text for name, value in put.items() if wanted.get(name) != value for text in (name, value.encode())]
        n_put = 8
        assert calls[-1][n_put] == str(len(differs) // 2)
        assert list(calls[-1][n_put + 1 : n_put + 1 + len(differs)]) == differs
        wanted = {name: value for name, value in (wanted | put).items() if name not in dropped}
        held: Any = client.hgetall(state.key)
        assert {name.decode(): value.decode() for name, value in held.items() if len(name) == 1} == wanted


def test_a_fenced_holder_cannot_write(client: redis.Redis, account: str) -> None:
    old = held_lease(client, account, "a", ttl_ms=1)
    state = FencedState(client, keys.bot(account, "BTCUSDT"), old)
    new = Lease(client, old.key, "b", 5000)
    while not new.acquire():
        pass
    assert new.epoch == old.epoch + 1
    with pytest.raises(LeaseLost):
        state.commit({"state": "stale"}, add=[(keys.commands(account), COMMAND)])
    assert not client.exists(state.key)
    assert last_id(client, keys.commands(account)) == "0-0"


def lose_answers(client: redis.Redis, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The next calls are carried out, and their answers never arrive."""
    call, left = client.fcall, [count]

    def fcall(*arguments: Any) -> Any:
        answer = call(*arguments)
        if left[0]:
            left[0] -= 1
            raise redis.ConnectionError("the answer is lost")
        return answer

    monkeypatch.setattr(client, "fcall", fcall)


def test_a_commit_whose_answer_is_lost_is_applied_once(
    client: redis.Redis, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = held_lease(client, account, "a")
    state = FencedState(client, keys.bot(account, "BTCUSDT"), lease)
    stream = keys.commands(account)
    lose_answers(client, monkeypatch, 2)
    state.commit({"state": "one"}, add=[(stream, COMMAND)])
    assert state.version == 1
    assert client.xlen(stream) == 1


def test_what_comes_after_a_commit_given_up_is_not_taken_for_it(
    client: redis.Redis, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first was written, and its writer never heard so: what the next one holds beside must not get lost."""
    lease = held_lease(client, account, "a")
    state = FencedState(client, keys.bot(account, "BTCUSDT"), lease)
    stream = keys.commands(account)
    monkeypatch.setattr(fenced_state, "RETRY_FOR_S", 0.0)
    lose_answers(client, monkeypatch, 1)
    with pytest.raises(redis.ConnectionError):
        state.commit({"state": "one"}, add=[(stream, COMMAND)])
    with pytest.raises(CommitConflict):
        state.commit({"state": "two"}, add=[(stream, COMMAND), (stream, COMMAND)])
    assert state.load()["state"] == b"one"
    state.commit({"state": "two"}, add=[(stream, COMMAND)])
    assert client.xlen(stream) == 2


def test_a_second_writer_under_one_lease_is_noticed(client: redis.Redis, account: str) -> None:
    lease = held_lease(client, account, "a")
    one = FencedState(client, keys.bot(account, "BTCUSDT"), lease)
    two = FencedState(client, keys.bot(account, "BTCUSDT"), lease)
    one.commit({"state": "one"})
    one.commit({"state": "two"})
    with pytest.raises(CommitConflict):
        two.commit({"state": "other"})


def test_nothing_is_written_when_a_stream_key_has_the_wrong_type(client: redis.Redis, account: str) -> None:
    state = FencedState(client, keys.bot(account, "BTCUSDT"), held_lease(client, account, "a"))
    client.set(keys.ledger(account), "not a stream")
    with pytest.raises(redis.ResponseError, match="not a stream"):
        state.commit({"state": "one"}, add=[(keys.commands(account), COMMAND), (keys.ledger(account), COMMAND)])
    assert not client.exists(state.key)
    assert not client.exists(keys.commands(account))


def test_a_lease_is_exclusive_renewable_and_its_epoch_rises(client: redis.Redis, account: str) -> None:
    one = held_lease(client, account, "a")
    two = Lease(client, one.key, "b", 5000)
    assert not two.acquire()
    one.renew()
    epoch = one.epoch
    one.release()
    assert two.acquire()
    assert two.epoch == epoch + 1
    one.epoch = epoch
    with pytest.raises(LeaseLost):
        one.renew()


def test_a_trimmed_checkpoint_is_noticed(client: redis.Redis, account: str) -> None:
    stream = keys.events(account)
    client.xadd(stream, {"n": "1"})
    first = last_id(client, stream)
    client.xadd(stream, {"n": "2"})
    check_not_trimmed(client, stream, first)
    client.xtrim(stream, maxlen=1, approximate=False)
    with pytest.raises(TrimmedAway):
        check_not_trimmed(client, stream, first)
