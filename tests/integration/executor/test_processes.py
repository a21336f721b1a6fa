"""Real processes: killed with an order on the wire, stopped in order, paused past their lease."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgegrid.bus import keys
from hedgegrid.messages.events import OrderAcked, SnapshotTaken
from tests.integration.executor.fake_venue import CREATE, FakeVenue, Seen
from tests.integration.executor.floor import Floor, eventually
from tests.integration.executor.processes import Processes


@pytest.fixture
def processes(floor: Floor, venue: FakeVenue, tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(floor, venue.url, tmp_path)
    yield processes
    processes.stop_all()


@pytest.mark.parametrize("accepted", [False, True], ids=["before-the-venue-acts", "after-the-venue-acted"])
def test_killed_with_an_order_on_the_wire(floor: Floor, venue: FakeVenue, processes: Processes, accepted: bool) -> None:
    victim = processes.start()
    floor.expect(SnapshotTaken)
    order = floor.submit(reduce_only=True)

    def kill(seen: Seen) -> None:
        if seen.path == CREATE and victim.poll() is None:
            if accepted:
                venue.act(CREATE, seen.params)
            victim.kill()
            victim.wait(10)
            if not accepted:
                raise ConnectionAbortedError  # the request is lost with its sender

    venue.on_request = kill
    floor.send(order)
    eventually(lambda: victim.poll() is not None, "killed")
    venue.on_request = None
    # Its record is committed beside the sending: either it is there, or the command still lies behind the checkpoint.
    assert floor.sent() in ([], [f"sent:submit:{order.client_order_id}"])
    processes.start()
    floor.one(OrderAcked)
    assert list(venue.orders) == [order.client_order_id]
    assert len(venue.seen(CREATE)) == (1 if accepted else 2)
    eventually(floor.settled, "settled")


def test_a_killed_holder_is_not_waited_for(floor: Floor, processes: Processes) -> None:
    """Its lease would run for another minute; the process is gone, and that can be known."""
    victim = processes.start(lease_ttl_ms=60_000)
    floor.expect(SnapshotTaken)
    processes.active(0)
    victim.kill()
    victim.wait(10)
    processes.start(lease_ttl_ms=60_000)
    processes.active(1)
    floor.expect(SnapshotTaken, count=2)
    assert floor.client.hget(keys.lease(floor.account, "executor"), "epoch") == b"2"


def test_a_signal_ends_it_in_order(floor: Floor, processes: Processes) -> None:
    process = processes.start()
    floor.expect(SnapshotTaken)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert floor.client.hget(keys.lease(floor.account, "executor"), "owner") == b""
    assert floor.calls()["startup GET /v5/position/list"] == 2


def test_a_paused_holder_wakes_up_and_sends_nothing(floor: Floor, venue: FakeVenue, processes: Processes) -> None:
    sleeper = processes.start()
    floor.expect(SnapshotTaken)
    processes.active(0)
    sleeper.send_signal(signal.SIGSTOP)
    processes.start()
    processes.active(1)
    floor.expect(SnapshotTaken, count=2)
    orders = [floor.submit() for _ in range(5)]
    floor.send(*orders)
    sleeper.send_signal(signal.SIGCONT)
    floor.expect(OrderAcked, count=5)
    more = [floor.submit() for _ in range(5)]
    floor.send(*more)
    floor.expect(OrderAcked, count=10)
    eventually(floor.settled, "settled")
    posted = [seen.params["orderLinkId"] for seen in venue.seen(CREATE)]
    assert sorted(posted) == sorted(order.client_order_id for order in (*orders, *more))
    processes.active(1)


def test_without_keys_it_says_what_to_set(floor: Floor, processes: Processes, tmp_path: Path) -> None:
    process = processes.start(**{f"{floor.account}_api_secret": ""})
    assert process.wait(60) == 2
    text = (tmp_path / "executor-0.log").read_text()
    assert f"HEDGEGRID_{floor.account.upper()}_API_SECRET" in text


def test_its_log_is_json_without_secrets(floor: Floor, processes: Processes, tmp_path: Path) -> None:
    process = processes.start()
    floor.expect(SnapshotTaken)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    text = (tmp_path / "executor-0.log").read_text()
    assert all(json.loads(line)["service"] == "executor" for line in text.splitlines())
    assert "test-secret-0001" not in text
    assert "test-key-0001" not in text
