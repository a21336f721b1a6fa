"""Every recorded private frame and REST body, and every example of the official documentation, can be read."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bybit import parse
from hedgegrid.domain.order import Leg
from hedgegrid.messages.events import (
    FundingPaid,
    OrderAccepted,
    OrderCanceled,
    OrderCompleted,
    OrderFilled,
    PositionChanged,
    WalletChanged,
)
from hedgegrid.messages.market import QuoteTick

Find = Callable[[str], Path]
TOPICS = ("order", "execution", "position", "wallet")


def lines(path: Path) -> Iterator[Any]:
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
        yield json.loads(line)


def private_frames(find: Find) -> Iterator[str]:
    for name in ("private/frames_mixed.jsonl", "private/frames_repo.jsonl"):
        for record in lines(find(name)):
            raw = record["raw"] if isinstance(record["raw"], str) else json.dumps(record["raw"])
            frame = json.loads(raw)
            if frame.get("topic", "").partition(".")[0] in TOPICS and frame["topic"] != "execution.fast":
                yield raw


def test_every_recorded_private_frame(shared_file: Find) -> None:
    seen: Counter[str] = Counter()
    for raw in private_frames(shared_file):
        content = parse.private_frame(raw, 1)
        assert content.problems == []
        rows = json.loads(raw)["data"]
        linear = [row for row in rows if row.get("category", "linear") == "linear"]
        assert len(content.events) == len(linear)
        seen.update(type(event).__name__ for event in content.events)
    assert set(seen) == {
        "OrderAccepted", "OrderCompleted", "OrderCanceled", "OrderFilled", "PositionChanged", "WalletChanged",
    }  # fmt: skip
    assert sum(seen.values()) == 26


def test_recorded_values_arrive_unchanged(shared_file: Find) -> None:
    events = [event for raw in private_frames(shared_file) for event in parse.private_frame(raw, 1).events]
    fills = {event.trade_id: event for event in events if isinstance(event, OrderFilled)}
    fill = fills["d382f1b7-fb96-5721-87da-ee475174bc19"]
    assert (fill.last_qty, fill.last_px, fill.fee) == (Decimal(9), Decimal("3.1427"), Decimal("0.01131372"))
    assert (fill.leg, fill.seq, fill.ts_event) == (Leg.LONG, 19371741293, 1737725902941)
    hedge = [event for event in events if isinstance(event, PositionChanged) and event.symbol == "ADAUSDT"]
    assert [(event.leg, event.qty, event.cum_realised) for event in hedge] == [
        (Leg.LONG, Decimal(43), Decimal("-7547.8530836")),
        (Leg.SHORT, Decimal(0), Decimal("1618.30675974")),
    ]
    (cancelled,) = [event for event in events if isinstance(event, OrderCanceled)]
    assert cancelled.reason == "CancelByUser/EC_PerCancelRequest"
    assert any(isinstance(event, WalletChanged) and event.available is None for event in events)
    assert any(isinstance(event, OrderCompleted) for event in events)


def examples(find: Find, page: str, kind: str) -> list[Any]:
    return [
        record["json"]
        for record in lines(find("docs/v5_json_examples.jsonl.gz"))
        if record["page"] == f"docs/v5/{page}.mdx" and record["kind"] == kind
    ]


@pytest.mark.parametrize("topic", TOPICS)
def test_private_examples_of_the_documentation(shared_file: Find, topic: str) -> None:
    (example,) = examples(shared_file, f"websocket/private/{topic}", "ws-push")
    content = parse.private_frame(json.dumps(example), 1)
    assert content.problems == []
    assert len(content.events) == sum(row.get("category", "linear") == "linear" for row in example["data"])


def test_closing_position_of_the_documentation(shared_file: Find) -> None:
    (example,) = examples(shared_file, "websocket/private/position", "ws-push")
    (event,) = parse.private_frame(json.dumps(example), 1).events
    assert isinstance(event, PositionChanged)
    assert (event.leg, event.qty, event.cum_realised) == (Leg.SHORT, Decimal(0), Decimal("-25.06579337"))


def test_closing_fill_of_the_documentation(shared_file: Find) -> None:
    (example,) = examples(shared_file, "websocket/private/execution", "ws-push")
    (event,) = parse.private_frame(json.dumps(example), 1).events
    assert isinstance(event, OrderFilled)
    assert (event.leg, event.gross, event.fee) == (Leg.LONG, Decimal("0.05"), Decimal("26.3725275"))


def rest_rows(find: Find, page: str) -> Iterator[Any]:
    for body in examples(find, page, "rest-resp"):
        yield from body["result"]["list"]


def test_rest_orders_of_the_documentation(shared_file: Find) -> None:
    (open_order,) = rest_rows(shared_file, "order/open-order")
    accepted = parse.order_event(parse.row_of(parse.OrderRow, open_order), 1)
    assert isinstance(accepted, OrderAccepted)
    assert (accepted.client_order_id, accepted.leg, accepted.price) == ("test-000005", Leg.LONG, Decimal(1600))
    (ended,) = rest_rows(shared_file, "order/order-list")
    cancelled = parse.order_event(parse.row_of(parse.OrderRow, ended), 1)
    assert isinstance(cancelled, OrderCanceled)
    assert cancelled.reason == "EC_PostOnlyWillTakeLiquidity"


def test_rest_executions_of_the_documentation(shared_file: Find) -> None:
    (trade,) = rest_rows(shared_file, "order/execution")
    fill = parse.rest_execution_event(parse.row_of(parse.ExecutionRow, trade), Decimal(0), 1)
    assert isinstance(fill, OrderFilled)
    assert (fill.leg, fill.gross) == (Leg.LONG, Decimal(0))
    (row,) = rest_rows(shared_file, "pre-upgrade/execution")
    funding = parse.execution_event(parse.row_of(parse.ExecutionRow, row), 1)
    assert isinstance(funding, FundingPaid)
    assert (funding.leg, funding.amount, funding.qty) == (Leg.SHORT, Decimal("0.6364003"), Decimal("0.011"))


def test_rest_wallet_of_the_documentation(shared_file: Find) -> None:
    (row,) = rest_rows(shared_file, "account/wallet-balance")
    assert parse.wallet_event(parse.row_of(parse.WalletRow, row), 1).equity == Decimal("3.31216591")


def recorded_bodies(find: Find) -> Iterator[dict[str, Any]]:
    for name in ("private/rest_bodies.jsonl", "private/frames_repo.jsonl"):
        for record in lines(find(name)):
            if record["kind"] == "REST":
                body = record["raw"] if isinstance(record["raw"], dict) else json.loads(record["raw"])
                result = body.get("result")
                if isinstance(result, dict) and isinstance(result.get("list"), list):
                    yield result


def test_recorded_rest_bodies(shared_file: Find) -> None:
    """Rows are told by their fields, since the records do not name their end point."""
    seen: Counter[str] = Counter()
    for result in recorded_bodies(shared_file):
        if result.get("category", "linear") != "linear":
            continue
        for row in result["list"]:
            if not isinstance(row, dict):
                continue
            if "orderStatus" in row:
                assert parse.order_event(parse.row_of(parse.OrderRow, row), 1) is not None
                seen["order"] += 1
            elif "positionIdx" in row and "size" in row:
                parse.position_event(parse.row_of(parse.PositionRow, row), 1)
                seen["position"] += 1
            elif "accountType" in row and row.get("coin"):
                parse.wallet_event(parse.row_of(parse.WalletRow, row), 1)
                seen["wallet"] += 1
    assert seen["order"] >= 2
    assert seen["wallet"] >= 2


def test_all_recorded_instruments(shared_file: Find) -> None:
    with gzip.open(shared_file("capture/instruments-info_linear_2026-08-09.json.gz")) as file:
        rows = json.load(file)["result"]["list"]
    rules = [parse.instrument(parse.row_of(parse.InstrumentRow, row)) for row in rows]
    assert len(rules) == 800
    for rule in rules:
        assert rule.is_on_tick(rule.price_down(rule.max_price))
        assert rule.min_qty > 0


def test_instrument_of_2023_lacks_a_rule_and_says_which(shared_file: Find) -> None:
    rows = [
        row
        for result in recorded_bodies(shared_file)
        for row in result["list"]
        if isinstance(row, dict) and "lotSizeFilter" in row and "priceFilter" in row and "leverageFilter" in row
    ]
    old = next(row for row in rows if "minNotionalValue" not in row["lotSizeFilter"])
    with pytest.raises(parse.ParseError, match="maxMktOrderQty"):
        parse.instrument(parse.row_of(parse.InstrumentRow, old))


def test_recorded_public_session(shared_file: Find) -> None:
    """44 s of two symbols: every ticker frame gives the tick a plain merge of its fields gives."""
    book = parse.TickerBook()
    known: dict[str, dict[str, str]] = {}
    ticks = 0
    for record in lines(shared_file("capture/linear_btc_eth_2026-08-09.jsonl.gz")):
        if record["t"] != "recv" or '"topic":"tickers.' not in record["data"]:
            continue
        frame = json.loads(record["data"])
        fields = known.setdefault(frame["data"]["symbol"], {})
        fields.update(frame["data"])
        tick = book.apply(record["data"].encode(), 1)
        assert isinstance(tick, QuoteTick)
        assert tick.ts_event == frame["ts"]
        assert [str(px) for px in (tick.last_px, tick.mark_px, tick.bid_px, tick.ask_px)] == [
            fields[name] for name in ("lastPrice", "markPrice", "bid1Price", "ask1Price")
        ]
        assert tick.funding_rate == Decimal(fields["fundingRate"])
        ticks += 1
    assert ticks == 401
    assert book.ignored == 0
