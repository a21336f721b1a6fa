"""Acknowledgements that the socket must follow up, and those that nothing follows."""

import json

import pytest

from hedgegrid.messages.events import CommandKind, OrderAcked
from hedgegrid.ws_gateway.ack_watch import CLOCKS_APART_MS, KEPT_MS, AckWatch

LIVE_MS = 1_000_000
SENT_MS = LIVE_MS + CLOCKS_APART_MS


def ack(
    order: str = "a",
    command: CommandKind = CommandKind.SUBMIT,
    sent_ms: int = SENT_MS,
    venue_order_id: str = "v1",
) -> OrderAcked:
    return OrderAcked(
        symbol="X",
        client_order_id=order,
        ts_event=sent_ms,
        command=command,
        venue_order_id=venue_order_id,
        sent_ns=sent_ms * 1_000_000,
    )


def frame(order: str = "a", status: str = "New", topic: str = "order") -> bytes:
    return json.dumps({"topic": topic, "data": [{"orderLinkId": order, "orderStatus": status, "qty": "1"}]}).encode()


@pytest.fixture
def watch() -> AckWatch:
    watch = AckWatch(3_000)
    watch.begin()
    watch.live(LIVE_MS)
    return watch


@pytest.mark.parametrize("command", list(CommandKind))
def test_silence_after_an_ack_is_told_after_its_time(watch: AckWatch, command: CommandKind) -> None:
    watch.acked(ack(command=command), 500)
    assert watch.overdue(3_499) == ""
    assert f"the {command} of a was acked" in watch.overdue(3_500)
    watch.begin()
    assert watch.overdue(10_000) == ""


@pytest.mark.parametrize("command", list(CommandKind))
@pytest.mark.parametrize("topic", ["order", "order.linear"])
def test_a_word_on_the_order_is_enough_before_or_after_the_ack(
    watch: AckWatch, command: CommandKind, topic: str
) -> None:
    watch.frame(frame("a", topic=topic), SENT_MS)
    watch.acked(ack("a", command), 0)
    watch.acked(ack("b", command), 0)
    watch.frame(frame("b", topic=topic), SENT_MS + 10)
    assert watch.overdue(10_000) == ""


@pytest.mark.parametrize("topic", ["execution", "position", "wallet"])
def test_words_of_other_topics_do_not_count(watch: AckWatch, topic: str) -> None:
    watch.acked(ack(), 0)
    watch.frame(frame(topic=topic), SENT_MS)
    watch.frame(b'not json at all "order', SENT_MS)
    watch.frame(frame("other"), SENT_MS)
    assert watch.overdue(3_000)


def test_an_old_word_does_not_follow_a_cancel_but_the_end_of_the_order_does(watch: AckWatch) -> None:
    watch.frame(frame("a", "New"), SENT_MS - CLOCKS_APART_MS - 1)
    watch.frame(frame("b", "Filled"), SENT_MS - CLOCKS_APART_MS - 1)
    watch.acked(ack("b", CommandKind.CANCEL), 0)
    assert watch.overdue(3_000) == ""
    watch.acked(ack("a", CommandKind.CANCEL), 0)
    assert watch.overdue(3_000)


@pytest.mark.parametrize(
    "unjudged",
    [
        ack(venue_order_id=""),  # the venue answered that there was nothing to do
        ack(sent_ms=0),  # sent by an earlier process, resolved by asking
        ack(sent_ms=SENT_MS - 1),  # the session had hardly begun
    ],
)
def test_what_nothing_may_follow_is_not_judged(watch: AckWatch, unjudged: OrderAcked) -> None:
    watch.acked(unjudged, 0)
    assert watch.overdue(60_000) == ""


def test_acks_of_an_order_before_the_session_are_not_judged() -> None:
    watch = AckWatch()
    watch.begin()
    watch.acked(ack(), 0)
    watch.live(LIVE_MS)
    watch.live(LIVE_MS + 60_000)  # a repeated announcement moves nothing
    assert watch.overdue(60_000) == ""
    watch.acked(ack(), 60_000)
    assert watch.overdue(63_000)


def test_words_are_forgotten_in_time_and_what_was_sent_before_them_is_not_judged(watch: AckWatch) -> None:
    for number in range(1_000):
        watch.frame(frame(f"o{number}"), SENT_MS + number * 1_000)
    assert len(watch._told) == KEPT_MS / 1_000 + 1
    newest_ms = SENT_MS + 999_000
    watch.acked(ack("o0", sent_ms=SENT_MS), 0)
    watch.acked(ack("o999", sent_ms=newest_ms), 0)
    assert watch.overdue(3_000) == ""
    watch.acked(ack("untold", sent_ms=newest_ms), 0)
    assert "of untold " in watch.overdue(3_000)
