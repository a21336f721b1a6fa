"""A state comes back as it was written, also by an older version; one of a newer version, or no state, is refused."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.dual_state import DualGridState
from hedgegrid.strategy.core.range_grid import RangeGridState
from hedgegrid.strategy.core.state import SCHEMA, Backoff
from hedgegrid.strategy.stored_state import StateUnreadable, left_over, read_state, write_state
from tests.unit.strategy.situations import settle, settled

D = Decimal
SCHEMA_1 = {
    "symbol": "BTCUSDT",
    "schema": 1,
    "life": 3,
    "sequence": 17,
    "trading_state": "TP_ONLY",
    "why": "news",
    "reconciled": True,
    "newest_execution_ms": 1700000000000,
    "long": {
        "book": {"leg": 1, "qty": "0.04", "entry_value": "2400", "gross": "1", "fees": "2", "funding": "0.5"},
        "cycle": {"number": 5, "entry_qty": "0.04", "entry_value": "2400", "entry_fees": "1.3"},
        "levels": [{"qty": "0.016", "value": "962"}, {"qty": "0.024", "value": "1438"}],
        "orders": [
            {
                "client_order_id": "h3-BTCUSDT-LT00-h",
                "purpose": "T",
                "level": 0,
                "order_type": "Limit",
                "qty": "0.04",
                "price": "60600",
                "phase": "live",
                "since_ms": 1,
            }
        ],
        "seen_ids": ["a", "b"],
        "failures": 2,
        "retry_after_ms": 1700000001000,
    },
    "short": {"book": {"leg": 2}},
}


def of_schema(schema: int, state: Any) -> dict[str, bytes]:
    """As schemas before the third were stored: all in one field."""
    return {"schema": str(schema).encode(), "state": msgspec.json.encode(state)}


def test_schema_1_is_read_with_its_levels_ids_and_backoff() -> None:
    state = read_state(of_schema(1, SCHEMA_1), DualGridState)
    assert (state.schema, state.life, state.sequence, str(state.trading_state)) == (SCHEMA, 3, 17, "TP_ONLY")
    assert [(level.number, level.qty) for level in state.long.levels] == [(0, D("0.016")), (1, D("0.024"))]
    assert [seen.trade_id for seen in state.long.seen] == ["a", "b"]
    assert state.long.opening == state.long.closing == Backoff(failures=2, until_ms=1700000001000)
    assert state.long.book.realised == D("-1.5")
    assert state.short.book == LegBook(leg=Leg.SHORT)


def test_a_bot_goes_on_from_schema_1() -> None:
    world = settled()
    now = msgspec.json.decode(msgspec.json.encode(world.state))
    for word in ("long", "short"):
        leg = now[word]
        for name in ("seen", "seen_before_ms", "opening", "closing", "break_even_px", "reduce_to", "denied"):
            leg.pop(name, None)
        for level in leg["levels"]:
            del level["number"]
        del now[f"{word}_plan"]
    del now["config"], now["stage"]
    world.state = read_state(of_schema(1, {**now, "schema": 1}), DualGridState)
    world.restart()
    world.come_to_rest()
    world.check_at_rest()
    world.move(D("-0.15"))
    world.come_to_rest()
    assert len(world.state.long.levels) == 2
    settle(world)
    world.check_at_rest()


def test_schema_2_is_read_whole_and_its_field_is_left_over() -> None:
    state = settled(averaging_style="resting", step_atr_multiple=1).state
    old = of_schema(2, {**msgspec.to_builtins(state), "schema": 2})
    assert read_state(old, DualGridState) == state
    assert left_over(old, DualGridState) == ["state"]


def test_the_present_schema_comes_back_as_it_was() -> None:
    state = settled(averaging_style="resting", step_atr_multiple=1).state
    fields = write_state(state)
    assert read_state(fields | {"version": b"7", "events_at": b"1-1"}, DualGridState) == state
    assert left_over(fields, DualGridState) == []


def test_what_another_strategy_left_does_not_come_back() -> None:
    fields = write_state(settled().state) | write_state(RangeGridState(symbol="BTCUSDT"))
    assert set(left_over(fields, RangeGridState)) == {"state:bars", "state:long_plan", "state:short_plan"}
    for name in left_over(fields, RangeGridState):
        del fields[name]
    assert read_state(fields, RangeGridState) == RangeGridState(symbol="BTCUSDT")


@pytest.mark.parametrize("schema", [0, SCHEMA + 1])
def test_another_schema_is_refused(schema: int) -> None:
    with pytest.raises(StateUnreadable, match=f"schema {schema}, this worker knows 1…{SCHEMA}"):
        read_state(of_schema(schema, {}), DualGridState)


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(StateUnreadable, match="cannot be read as DualGridState"):
        read_state(write_state(settled().state) | {"state:symbol": b"1"}, DualGridState)
