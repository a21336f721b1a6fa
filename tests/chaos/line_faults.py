"""The way to the venue and the venue's own misbehaviour: sockets, REST, answers, clock."""

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from hedgegrid.bus import codec, keys
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale
from tests.chaos.fault import NORMAL_TIMEOUT_S, Fault, Inject, injected, until_reconciled, until_recovered
from tests.chaos.figures import FaultFigures
from tests.chaos.proxy import Line
from tests.chaos.world import Mark, World

OUTAGE_S = 12.0
ORDERS = {"path": "/v5/order/*"}
CREATES = {"path": "/v5/order/create"}
RECONCILED_S, NOTICED_S = 10.0, 15.0


def table() -> list[Fault]:
    """Every fault of this file."""
    sockets: dict[str, Inject] = {
        "private sockets closed": partial(_private, "socket_close"),
        "private sockets stalled, pongs go on": partial(_private, "socket_stall", for_s=60),
        "private sockets half-open": partial(_private, "socket_half_open", for_s=60),
    }
    sockets["public sockets stalled"] = _stall_public
    others: dict[str, Inject] = {
        "public sockets closed": partial(_events, [("socket_close", {"channel": "public"})], 0),
        "REST cut, sockets live": partial(_lines, {"rest": Line.CUT}),
        "REST stalled, sockets live": partial(_lines, {"rest": Line.STALL}),
        "sockets cut, REST lives": partial(_lines, {"private": Line.CUT, "public": Line.CUT}),
        "private sockets behind a stalled line": partial(_lines, {"private": Line.STALL}),
        "everything to the venue cut": partial(_lines, dict.fromkeys(("rest", "private", "public"), Line.CUT)),
        "answers swallowed after the order was placed": partial(_lines, {"rest": Line.SWALLOW_ANSWERS}, for_s=2.0),
        "maintenance 8 s": partial(_events, [("maintenance", {"for_s": 8})], 8),
        "venue clock 5 s ahead for 8 s": partial(_events, [("clock_skew", {"skew_ms": 5000, "for_s": 8})], 8),
        "venue clock 5 s behind for 8 s": partial(_events, [("clock_skew", {"skew_ms": -5000, "for_s": 8})], 8),
        "fills in five parts": _partial_fills,
    }
    requests: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
        "order placed, answer lost": ("answer_lost", CREATES, {"count": 4}),
        "order lost on the way": ("answer_lost", CREATES, {"count": 3, "executed": False}),
        "10006 storm": ("answer_code", ORDERS, {"code": 10006, "text": "Too many visits!", "count": 40}),
        "10016 without effect": ("answer_code", ORDERS, {"code": 10016, "text": "Server error.", "count": 4}),
        "10016, executed": (
            "answer_code",
            ORDERS,
            {"code": 10016, "text": "Server error.", "count": 4, "executed": True},
        ),
        "HTTP 502": ("answer_status", ORDERS, {"status": 502, "count": 4}),
        "HTTP 403": ("answer_status", ORDERS, {"status": 403, "count": 1}),
        "HTML instead of JSON": ("answer_garbage", ORDERS, {"form": "html", "count": 4}),
        "truncated JSON": ("answer_garbage", ORDERS, {"form": "truncated", "count": 4}),
        "answer 6 s late": ("answer_late", CREATES, {"delay_ms": 6000, "count": 3}),
        "request beyond its receive window": ("request_late", CREATES, {"delay_ms": 4000, "count": 3}),
        "queries 2 s stale": ("query_stale", {"path": "/v5/*"}, {"lag_ms": 2000, "count": 30}),
        "fill races cancel and amend": ("race_fill", ORDERS, {"count": 5}),
        "executions told twice": ("message_duplicate", {"topic": "execution"}, {"copies": 2, "count": 15}),
        "order news told twice": ("message_duplicate", {"topic": "order"}, {"copies": 1, "count": 15}),
        "executions 1.5 s late": ("message_late", {"topic": "execution"}, {"delay_ms": 1500, "count": 10}),
        "messages out of order": ("message_reorder", {"topic": "*"}, {"behind": 3, "count": 20}),
    }
    rows = [
        Fault(name=name, kind="line", inject=inject, limit_s=RECONCILED_S, notice_limit_s=NOTICED_S)
        for name, inject in sockets.items()
    ]
    rows += [Fault(name=name, kind="line", inject=inject) for name, inject in others.items()]
    rows += [Fault(name=name, kind="venue", inject=partial(_fault, *what)) for name, what in requests.items()]
    return rows


def _private(event: str, world: World, row: FaultFigures, dice: random.Random, **fields: Any) -> None:
    mark = injected(world, row)
    world.venue.event(event, channel="private", **fields)
    until_reconciled(world, row, mark)
    world.venue.clear()


def _events(
    events: Sequence[tuple[str, dict[str, Any]]], for_s: float, world: World, row: FaultFigures, dice: random.Random
) -> None:
    injected(world, row)
    for kind, fields in events:
        world.venue.event(kind, **fields)
    world.trade_on(for_s)
    until_recovered(world, row)


def _stall_public(world: World, row: FaultFigures, dice: random.Random) -> None:
    mark = injected(world, row)
    world.venue.event("socket_stall", channel="public", for_s=60)
    world.until(lambda: _public_news_ms(world, mark) is not None, NORMAL_TIMEOUT_S, "news of stale prices")
    row.noticed_s.append(((_public_news_ms(world, mark) or 0) - mark.at_ms) / 1000)
    lost_s = world.until(lambda: _public_news_ms(world, mark, FeedConnected) is not None, NORMAL_TIMEOUT_S, "prices")
    world.say(f"connected again {lost_s:.1f} s after the notice")
    until_recovered(world, row)


def _public_news_ms(world: World, mark: Mark, kind: type[Message] | None = None) -> int | None:
    """When the gateway first told, after the mark, that prices are stale or lost; or news of another kind."""
    kinds = (FeedStale, FeedLost) if kind is None else (kind,)
    for symbol in world.plan.config.symbols:
        rows: Any = world.stack.market.xrange(keys.market(symbol), f"{mark.at_ms}-0")
        for entry_id, fields in rows:
            if isinstance(codec.decode_market(fields), kinds):
                return int(entry_id.decode().partition("-")[0])
    return None


def _partial_fills(world: World, row: FaultFigures, dice: random.Random) -> None:
    _events([("partial_fills", {"parts": 5})], 5, world, row, dice)
    world.venue.event("partial_fills", parts=1)


def _lines(
    lines: dict[str, Line], world: World, row: FaultFigures, dice: random.Random, for_s: float = OUTAGE_S
) -> None:
    injected(world, row)
    for name, line in lines.items():
        world.lines[name].set(line)
    try:
        world.trade_on(for_s)
    finally:
        for name in lines:
            world.lines[name].set(Line.PASS)
    until_recovered(world, row)


def _fault(
    kind: str, match: dict[str, str], fields: dict[str, Any], world: World, row: FaultFigures, dice: random.Random
) -> None:
    injected(world, row)
    world.venue.fault(kind, match, **fields)
    world.until(lambda: world.venue.hits() > 0, 30, f"a hit of {kind}")
    world.trade_on(4)
    world.venue.clear()
    until_recovered(world, row)
