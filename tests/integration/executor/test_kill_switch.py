"""The kill switch of an executor in this process, at a venue that misbehaves on demand."""

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bus import keys
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import Leg, OrderType, Purpose, TimeInForce
from hedgegrid.messages.control import ClearKillSwitch, ThrowKillSwitch
from hedgegrid.messages.events import DenyReason, KillSwitchChanged, OrderAcked, OrderDenied, SnapshotTaken
from hedgegrid.runtime.kill_latch import decode_latch
from tests.control_key import OTHER_KEY, key_file, send_control, server_ms, signed
from tests.integration.executor.fake_venue import CANCEL_ALL, CREATE, REALTIME, FakeVenue, Fault, Seen
from tests.integration.executor.floor import Floor, Running, eventually

D = Decimal
Start = Callable[..., Running]


@pytest.fixture
def start(floor: Floor, venue: FakeVenue, tmp_path: Path) -> Iterator[Start]:
    """Executors with a control key and a state folder of the test's own; one at a time is waited for."""
    running: list[Running] = []

    def start(owner: str = "one", ready: bool = True, **settings: Any) -> Running:
        shots = len(floor.events(SnapshotTaken))
        common = {"control_key_file": key_file(tmp_path), "state_dir": tmp_path / "state"}
        running.append(Running(floor, venue.url, owner, **(common | settings)))
        if ready:
            floor.expect(SnapshotTaken, count=shots + 1)
            eventually(lambda: not floor.sent(), "nothing in flight")
        return running[-1]

    yield start
    for executor in running:
        executor.stop()


def throw(level: KillLevel, reason: str = "r") -> ThrowKillSwitch:
    return ThrowKillSwitch(level=level, actor="ann", reason=reason, ts_event=1)


CLEAR = ClearKillSwitch(actor="ann", reason="over", ts_event=1)


def open_orders(venue: FakeVenue) -> list[str]:
    return [name for name, order in venue.orders.items() if order["orderStatus"] == "New"]


def level_of(executor: Running) -> KillLevel | None:
    return executor.executor.kill.switch.level


def latched(floor: Floor) -> int:
    raw: Any = floor.client.get(keys.kill(floor.account))
    latch = None if raw is None else decode_latch(raw)
    return 0 if latch is None else latch.level


def rest(floor: Floor, count: int = 3) -> None:
    orders = [floor.submit(price=D("40000.0")) for _ in range(count)]
    floor.send(*orders)
    floor.expect(OrderAcked, count=count)
    eventually(floor.settled, "settled")


def test_cancel_by_a_signed_message(floor: Floor, venue: FakeVenue, start: Start, tmp_path: Path) -> None:
    executor = start()
    rest(floor)
    send_control(floor.client, floor.account, throw(KillLevel.CANCEL))
    eventually(lambda: not open_orders(venue), "nothing rests")
    told = floor.one(KillSwitchChanged)
    assert (told.level, told.source, told.reason) == (KillLevel.CANCEL, "control", "ann: r")
    floor.send(floor.submit(), floor.submit(reduce_only=True))
    denied = floor.expect(OrderDenied, count=2)
    assert {event.reason for event in denied} == {DenyReason.KILLED}
    assert "kill switch is at CANCEL (control: ann: r)" in denied[0].text
    assert latched(floor) == KillLevel.CANCEL
    eventually(lambda: _done(tmp_path, floor), "proven empty")
    count = len(venue.seen(CANCEL_ALL))
    assert count >= 2
    assert level_of(executor) is KillLevel.CANCEL


def _done(folder: Path, floor: Floor) -> bool:
    file = folder / "state" / "kill" / floor.account
    latch = decode_latch(file.read_bytes()) if file.exists() else None
    return latch is not None and latch.done


def test_it_outlives_the_executor_and_only_a_signed_clear_ends_it(
    floor: Floor, venue: FakeVenue, start: Start, tmp_path: Path
) -> None:
    first = start("one")
    send_control(floor.client, floor.account, throw(KillLevel.PAUSE))
    eventually(lambda: latched(floor) == KillLevel.PAUSE, "latched in Redis")
    file = tmp_path / "state" / "kill" / floor.account
    eventually(file.exists, "latched in the file")
    first.stop()
    file.unlink()
    second = start("two")
    eventually(lambda: level_of(second) is KillLevel.PAUSE, "Redis remembers")
    eventually(file.exists, "the file is back")
    floor.client.delete(keys.kill(floor.account))
    eventually(lambda: latched(floor) == KillLevel.PAUSE, "the key is back")
    file.unlink()
    eventually(file.exists, "the file is back once more")
    send_control(floor.client, floor.account, CLEAR, key=OTHER_KEY)
    send_control(floor.client, floor.account, CLEAR, key=None)
    order = floor.submit()
    floor.send(order)
    assert floor.one(OrderDenied).reason is DenyReason.KILLED
    send_control(floor.client, floor.account, CLEAR)
    eventually(lambda: latched(floor) == 0 and not file.exists(), "cleared")
    later = floor.submit()
    floor.send(later)
    floor.one(OrderAcked, later.client_order_id)
    second.stop()
    third = start("three")
    last = floor.submit()
    floor.send(last)
    floor.one(OrderAcked, last.client_order_id)
    assert level_of(third) is None
    levels = [event.level for event in floor.events(KillSwitchChanged)]
    assert levels == [KillLevel.PAUSE, KillLevel.PAUSE, None]


def test_a_file_thrown_before_the_start_is_not_cleared_by_old_words(
    floor: Floor, venue: FakeVenue, start: Start, tmp_path: Path
) -> None:
    send_control(floor.client, floor.account, throw(KillLevel.FLATTEN), CLEAR)
    folder = tmp_path / "state" / "kill"
    folder.mkdir(parents=True)
    (folder / floor.account).write_text("PAUSE seen smoke")
    executor = start()
    assert level_of(executor) is KillLevel.PAUSE
    floor.send(floor.submit())
    assert "kill switch is at PAUSE (file: seen smoke)" in floor.one(OrderDenied).text
    assert venue.seen(CANCEL_ALL) == []
    send_control(floor.client, floor.account, CLEAR)
    eventually(lambda: level_of(executor) is None, "cleared")


def test_words_written_while_nobody_was_there_are_obeyed(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start().stop()
    send_control(floor.client, floor.account, throw(KillLevel.CANCEL))
    executor = start("two")
    eventually(lambda: level_of(executor) is KillLevel.CANCEL, "obeyed")
    eventually(lambda: bool(venue.seen(CANCEL_ALL)), "acted on")


def test_forged_replayed_and_stale_messages_change_nothing(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """H1, H2: whoever can write to Redis but has no key can neither stop nor free an account."""
    executor = start()
    control = keys.control(floor.account)
    send_control(floor.client, floor.account, throw(KillLevel.FLATTEN), key=None)
    send_control(floor.client, floor.account, throw(KillLevel.FLATTEN), key=OTHER_KEY)
    send_control(floor.client, floor.account, throw(KillLevel.FLATTEN), age_ms=31_000)
    entry = signed(floor.account, throw(KillLevel.PAUSE), server_ms(floor.client))
    free = signed(floor.account, CLEAR, server_ms(floor.client))
    for fields in (entry, free, entry):
        floor.client.xadd(control, fields)  # type: ignore[arg-type]
    dead = keys.dead(control)
    eventually(lambda: floor.client.xlen(dead) == 4, "set aside")
    rows: Any = floor.client.xrange(dead)
    words = [fields[b"reason"].decode() for _, fields in rows]
    assert [next(w for w in ("signed", "signature", "issued", "repeats") if w in text) for text in words] == [
        "signed", "signature", "issued", "repeats",
    ]  # fmt: skip
    eventually(lambda: level_of(executor) is None, "freed, and not stopped again")
    refused = executor.metrics.control_refused
    reasons = ("unsigned", "forged", "stale", "replayed")
    assert [refused.labels(floor.account, reason)._value.get() for reason in reasons] == [1, 1, 1, 1]
    assert venue.seen(CANCEL_ALL) == []
    executor.stop()
    start("two")
    order = floor.submit()
    floor.send(order)
    floor.one(OrderAcked, order.client_order_id)
    assert floor.client.xlen(dead) == 4, "a second reading tells nothing twice"


def test_an_order_on_the_wire_does_not_survive(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """H7: the venue takes the order after the switch was thrown, and its answer is lost."""
    executor = start(recv_window_ms=800, rest_read_timeout_ms=300)
    release = threading.Event()
    order = floor.submit(price=D("40000.0"))

    def late(seen: Seen) -> None:
        if seen.path == CREATE:
            release.wait(10)

    venue.on_request = late
    venue.fault(CREATE, Fault("drop", after=True))
    floor.send(order)
    eventually(lambda: len(venue.seen(CREATE)) == 1, "on the wire")
    send_control(floor.client, floor.account, throw(KillLevel.CANCEL))
    eventually(lambda: len(venue.seen(CANCEL_ALL)) >= 2, "the account looks empty")
    assert not venue.orders
    release.set()
    eventually(lambda: bool(venue.orders), "it arrives")
    eventually(lambda: not open_orders(venue), "and is cancelled")
    eventually(floor.settled, "its outcome is known")
    assert len(venue.seen(CREATE)) == 1
    assert level_of(executor) is KillLevel.CANCEL


def test_commands_in_line_are_denied(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(order_rate_per_s=1)
    orders = [floor.submit(price=D("40000.0")) for _ in range(5)]
    floor.send(*orders)
    floor.expect(OrderAcked)
    send_control(floor.client, floor.account, throw(KillLevel.PAUSE))
    denied = floor.expect(OrderDenied, count=3)
    assert {event.reason for event in denied} == {DenyReason.KILLED}
    eventually(floor.settled, "settled")
    assert len(venue.seen(CREATE)) + len(floor.events(OrderDenied)) == 5


def test_flatten_closes_directly_when_the_bots_do_not(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(kill_bots_close_ms=300)
    venue.positions[1] |= {"size": "700.5", "side": "Buy", "avgPrice": "50000"}
    venue.positions[2] |= {"size": "0.25", "side": "Sell", "avgPrice": "50000"}

    def fill(seen: Seen) -> None:
        if seen.path == CREATE:
            row = venue.positions[seen.params["positionIdx"]]
            row["size"] = str(max(D(0), D(row["size"]) - D(seen.params["qty"])))

    venue.on_request = fill
    send_control(floor.client, floor.account, throw(KillLevel.FLATTEN))
    eventually(lambda: all(row["size"].strip("0.") == "" for row in venue.positions.values()), "flat")
    posted = [seen.params for seen in venue.seen(CREATE)]
    assert [(p["positionIdx"], p["qty"]) for p in posted] == [(1, "500"), (2, "0.25"), (1, "200.5")]
    assert {(p["reduceOnly"], p["orderType"], p["timeInForce"]) for p in posted} == {(True, "Market", "IOC")}
    assert [p["side"] for p in posted] == ["Sell", "Buy", "Sell"]
    parts = [parse_client_order_id(p["orderLinkId"]) for p in posted]
    assert all(part is not None and part.purpose is Purpose.EMERGENCY for part in parts)


def test_flatten_leaves_the_closing_to_the_bots_while_they_can(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(kill_bots_close_ms=60_000)
    venue.positions[1] |= {"size": "0.5", "side": "Buy", "avgPrice": "50000"}
    send_control(floor.client, floor.account, throw(KillLevel.FLATTEN))
    floor.one(KillSwitchChanged)
    order = floor.submit(
        client_order_id=floor.new_id(Leg.LONG, Purpose.CLOSE), reduce_only=True, qty=D("0.500"),
        order_type=OrderType.MARKET, price=None, time_in_force=TimeInForce.IOC,
    )  # fmt: skip
    floor.send(order)
    floor.one(OrderAcked, order.client_order_id)
    assert [seen.params["orderLinkId"] for seen in venue.seen(CREATE)] == [order.client_order_id]


@pytest.mark.parametrize("fault", ["status", "drop", "code"])
def test_it_goes_on_until_the_venue_answers(floor: Floor, venue: FakeVenue, start: Start, fault: str) -> None:
    executor = start()
    rest(floor)
    value: Any = {"status": 502, "code": (10006, "Too many visits!"), "drop": None}[fault]
    venue.fault(CANCEL_ALL, *(Fault(fault, value) for _ in range(2)))
    venue.fault(REALTIME, Fault(fault, value))
    send_control(floor.client, floor.account, throw(KillLevel.CANCEL))
    eventually(lambda: not open_orders(venue), "nothing rests")
    pending = executor.metrics.kill_switch_pending.labels(floor.account)
    eventually(lambda: pending._value.get() == 0, "proven empty")


def test_it_goes_on_until_the_last_of_many_orders_is_cancelled(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """The venue cancels only so many of them at once, and says that all is well."""
    start(order_rate_per_s=1000)
    rest(floor, 25)
    venue.cancel_all_at_most = 10
    send_control(floor.client, floor.account, throw(KillLevel.CANCEL))
    eventually(lambda: not open_orders(venue), "nothing rests")
    assert len(venue.seen(CANCEL_ALL)) >= 3


def test_throwing_it_again_looks_again(floor: Floor, venue: FakeVenue, start: Start, tmp_path: Path) -> None:
    start()
    send_control(floor.client, floor.account, throw(KillLevel.CANCEL))
    eventually(lambda: _done(tmp_path, floor), "proven empty")
    count = len(venue.seen(CANCEL_ALL))
    send_control(floor.client, floor.account, throw(KillLevel.CANCEL))
    eventually(lambda: len(venue.seen(CANCEL_ALL)) > count, "once more")
