"""Ledger, commands, control and market → metrics; and what is exported of them."""

import pytest
from prometheus_client import CollectorRegistry

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import commands as cm
from hedgegrid.messages import ledger as lg
from hedgegrid.messages.base import Message
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import SnapshotReason
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.metrics.exporter import Exporter
from hedgegrid.metrics.ledger_projection import LedgerProjection
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.projection import UnknownSchema
from hedgegrid.metrics.request_projections import CommandProjection, ControlProjection
from hedgegrid.metrics.table import Table
from hedgegrid.runtime.metric_names import Metrics
from tests.unit.metrics import sample
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS, d

LONG = (ACCOUNT, BTC, "long")


def ledger(*messages: Message) -> LedgerProjection:
    projection = LedgerProjection(ACCOUNT)
    for number, message in enumerate(messages, start=1):
        projection.apply(f"{number}-0", message)  # type: ignore[arg-type]
    return projection


def test_a_cycle_adds_up_to_the_last_digit() -> None:
    table = ledger(
        sample.fill(fee=d("0.10000001")),
        sample.fill(level=1, purpose=Purpose.AVERAGING, fee=d("0.2"), is_maker=False),
        sample.funding(amount=d("-0.03")),
        sample.fill(purpose=Purpose.TAKE_PROFIT, gross=d("5.00000003"), fee=d("0.1")),
        sample.cycle_closed(),
    ).table
    parts = {part: table.get(Metrics.realised_pnl, *LONG, part) for part in ("gross", "fees", "funding")}
    assert parts == {"gross": d("5.00000003"), "fees": d("-0.40000001"), "funding": d("0.03")}
    assert table.get(Metrics.fills, *LONG, "maker") == 2
    assert table.get(Metrics.fills, *LONG, "taker") == 1
    assert table.get(Metrics.fill_notional, *LONG) == 3 * d("0.01") * 50000
    assert table.get(Metrics.cycles, *LONG) == 1
    assert table.get(Metrics.grid_level, *LONG) == 0


def test_the_level_is_that_of_the_open_cycle() -> None:
    rows = [sample.fill(), sample.fill(level=2, purpose=Purpose.AVERAGING), sample.fill(purpose=Purpose.TAKE_PROFIT)]
    assert ledger(*rows).table.get(Metrics.grid_level, *LONG) == 3
    late = sample.fill(level=4)
    assert ledger(*rows, sample.cycle_closed(), late).table.get(Metrics.grid_level, *LONG) == 0
    assert ledger(*rows, sample.cycle_closed(), sample.fill(cycle=2)).table.get(Metrics.grid_level, *LONG) == 1


def test_a_difference_is_shown_as_ledger_minus_venue() -> None:
    baseline = lg.BaselineTaken(symbol=BTC, ts_event=NOW_MS, leg=Leg.LONG, cum_realised=d(3))
    found = lg.DifferenceFound(symbol=BTC, ts_event=NOW_MS, leg=Leg.LONG, ours=d(5), venue=d(4), amount=d(-1))
    assert ledger(baseline).table.get(Metrics.ledger_mismatch, *LONG) == 0
    assert ledger(baseline, found).table.get(Metrics.ledger_mismatch, *LONG) == 1


def test_the_state_of_a_bot() -> None:
    rows = [
        lg.StateChanged(symbol=BTC, ts_event=NOW_MS, state=state, reason="r", actor="a")
        for state in (TradingState.ACTIVE, TradingState.HALTED)
    ]
    table = ledger(*rows).table
    assert table.get(Metrics.trading_state, ACCOUNT, BTC, "HALTED") == 1
    assert table.get(Metrics.trading_state, ACCOUNT, BTC, "ACTIVE") == 0


def test_a_bot_is_born_active_unless_it_said_otherwise_before() -> None:
    born = lg.BaselineTaken(symbol=BTC, ts_event=NOW_MS, leg=Leg.LONG, cum_realised=d(0))
    halted = lg.StateChanged(symbol=BTC, ts_event=NOW_MS, state=TradingState.HALTED, reason="r", actor="a")
    assert ledger(born).table.get(Metrics.trading_state, ACCOUNT, BTC, "ACTIVE") == 1
    assert ledger(halted, born).table.get(Metrics.trading_state, ACCOUNT, BTC, "HALTED") == 1
    assert ledger(halted, born).table.get(Metrics.trading_state, ACCOUNT, BTC, "ACTIVE") == 0


def test_commands_and_controls_are_counted_by_kind() -> None:
    commands = CommandProjection(ACCOUNT)
    every: list[cm.Command] = [
        sample.submit(),
        cm.AmendOrder(symbol=BTC, leg=Leg.LONG, client_order_id="x", qty=d(1), price=d(2)),
        cm.CancelOrder(symbol=BTC, leg=Leg.LONG, client_order_id="x"),
        cm.CancelAllOrders(symbol=BTC),
        cm.RequestSnapshot(request=1, symbol=BTC, reason=SnapshotReason.START),
    ]
    for number, command in enumerate(every, start=1):
        commands.apply(f"{number}-0", command)
    for kind in ("submit", "amend", "cancel", "cancel_all", "snapshot"):
        assert commands.table.get(Metrics.commands, ACCOUNT, BTC, kind) == 1
    assert commands.table.get(Metrics.orders, *LONG, "submitted") == 1
    control = ControlProjection(ACCOUNT)
    wish = SetTradingState(symbol=None, state=TradingState.FLATTEN, actor="me", reason="r", ts_event=NOW_MS)
    assert control.apply("1-0", wish)
    assert not control.apply("1-0", wish)
    assert control.table.get(Metrics.control_requests, ACCOUNT, "", "FLATTEN") == 1


def test_market_shows_the_newest_tick_and_one_feed_for_all_symbols() -> None:
    market = MarketProjection()
    lost = FeedLost(feed="public", session=1, reason="silent", ts_event=NOW_MS)
    for symbol in (BTC, "ETHUSDT"):
        assert market.apply(symbol, "1-0", sample.tick(symbol=symbol))
        assert not market.apply(symbol, "1-0", sample.tick(symbol=symbol, last_px=d(1)))
    assert market.table.get(Metrics.last_price, BTC) == 50000
    assert market.table.get(Metrics.feed_up, "public", "") == 1
    for symbol in (BTC, "ETHUSDT"):
        market.apply(symbol, "2-0", lost)
    assert market.table.get(Metrics.feed_reconnects, "public", "", "silent") == 1
    market.apply(BTC, "3-0", FeedConnected(feed="public", session=2, ts_event=NOW_MS))
    assert market.table.get(Metrics.feed_up, "public", "") == 0, "ETHUSDT is still down"
    market.apply("ETHUSDT", "3-0", FeedConnected(feed="public", session=2, ts_event=NOW_MS))
    assert market.table.get(Metrics.feed_up, "public", "") == 1


def test_export_sets_gauges_grows_counters_and_removes_what_is_gone() -> None:
    registry = CollectorRegistry()
    exporter, table = Exporter(Metrics(registry)), Table()
    table.add(Metrics.cycles, *LONG, by=3)
    table.set(Metrics.wallet_equity, ACCOUNT, value=d("1.5"))
    table.observe(Metrics.order_ack, ACCOUNT, BTC, seconds=0.04)
    exporter.export(table)
    exporter.export(table)
    labels = {"account": ACCOUNT, "symbol": BTC, "leg": "long"}
    assert registry.get_sample_value("hedgegrid_cycles_total", labels) == 3
    assert registry.get_sample_value("hedgegrid_wallet_equity_usdt", {"account": ACCOUNT}) == 1.5
    ack = {"account": ACCOUNT, "symbol": BTC}
    assert registry.get_sample_value("hedgegrid_order_ack_seconds_count", ack) == 1
    table.add(Metrics.cycles, *LONG)
    table.set(Metrics.wallet_equity, ACCOUNT, value=None)
    exporter.export(table)
    assert registry.get_sample_value("hedgegrid_cycles_total", labels) == 4
    assert registry.get_sample_value("hedgegrid_wallet_equity_usdt", {"account": ACCOUNT}) is None


@pytest.mark.parametrize("raw", [b"{}", b"garbage", b'{"schema":99,"position":"1-0","rows":[],"memory":{}}'])
def test_saved_values_of_another_version_are_refused_and_change_nothing(raw: bytes) -> None:
    projection = ledger(sample.fill())
    before = projection.dump()
    with pytest.raises(UnknownSchema):
        projection.load(raw)
    assert projection.dump() == before
