"""/api/live: everything at first, then what changed; few clients; a slot is always given back."""

import json
import threading
from typing import Any

import pytest

from hedgegrid.metrics import live
from hedgegrid.metrics.live import Live, parts_of
from hedgegrid.runtime.http_routes import Request, Response
from tests.unit.metrics import sample
from tests.unit.metrics.page_world import Given
from tests.unit.metrics.sample import ACCOUNT, BTC, d

ASK = Request(headers={"last-event-id": "17"})


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    monkeypatch.setattr(live, "EVERY_S", 0.01)
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.03)
    return Given()


def events(answer: Response) -> Any:
    assert answer.stream is not None
    return iter(answer.stream)


def data(piece: bytes) -> dict[str, Any]:
    assert piece.startswith(b"data: "), piece
    assert piece.endswith(b"\n\n")
    assert piece.count(b"\n") == 2, "one line, or the rest would be lost"
    parts: dict[str, Any] = json.loads(piece.removeprefix(b"data: "))
    return parts


def test_everything_at_first_and_then_what_changed(given: Given) -> None:
    feed = Live(given.page.state, threading.Event())
    answer = feed.answer(ASK)
    assert answer.content_type.startswith("text/event-stream")
    pieces = events(answer)
    assert next(pieces).startswith(b"retry:")
    assert set(data(next(pieces))) == {
        "now", "system", f"account/{ACCOUNT}",
        f"bot/{ACCOUNT}/{BTC}", f"bot/{ACCOUNT}/ETHUSDT", f"quote/{ACCOUNT}/{BTC}", f"quote/{ACCOUNT}/ETHUSDT",
    }  # fmt: skip
    given.market.apply(BTC, "1-0", sample.tick(last_px=d("1E+5")))
    told = data(next(pieces))
    assert f"quote/{ACCOUNT}/ETHUSDT" not in told
    assert told[f"quote/{ACCOUNT}/{BTC}"]["last_px"] == "100000"
    assert next(pieces) == b": still here\n\n", "nothing has changed, and the connection is known to stand"


def test_a_tick_changes_only_the_quote_of_its_bot(given: Given) -> None:
    given.account.events.apply("1-0", sample.position())
    given.market.apply(BTC, "1-0", sample.tick())
    before = parts_of(given.page.state())
    given.market.apply(BTC, "2-0", sample.tick(last_px=d(50007), mark_px=d(50008)))
    after = parts_of(given.page.state())
    assert {name for name in after if after[name] != before[name]} == {f"quote/{ACCOUNT}/{BTC}"}


def test_time_alone_changes_nothing_but_the_time(given: Given) -> None:
    given.everything_runs()
    given.account.events.apply("1-0", sample.wallet())
    before = parts_of(given.page.state())
    given.clock.advance_ms(1000)
    for one in given.fleet.instances.values():
        one.age_ms += 1000
    after = parts_of(given.page.state())
    assert {name for name in after if after[name] != before[name]} == {"now"}


def test_too_many_clients_are_refused_and_a_slot_comes_back(given: Given) -> None:
    feed = Live(given.page.state, threading.Event(), most_clients=1)
    first = feed.answer(ASK)
    refused = feed.answer(ASK)
    assert (refused.status, refused.stream) == (503, None)
    assert first.stream is not None
    first.stream.close()  # before anything was sent
    first.stream.close()
    second = feed.answer(ASK)
    assert second.stream is not None
    assert feed.answer(ASK).status == 503, "closing twice gives one slot back"


def test_it_ends_with_the_service(given: Given) -> None:
    stopping = threading.Event()
    pieces = events(Live(given.page.state, stopping).answer(ASK))
    next(pieces)
    stopping.set()
    assert len(list(pieces)) == 1
