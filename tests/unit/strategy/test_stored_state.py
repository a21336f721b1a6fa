"""A state that an older version wrote is read whole; one of a newer version, or another strategy's, is refused."""

from decimal import Decimal

import msgspec
import pytest

from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.dual_state import DualGridState
from hedgegrid.strategy.core.state import SCHEMA, Backoff
from hedgegrid.strategy.core.stored_state import StateUnreadable, read_state
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


def test_schema_1_is_read_with_its_levels_ids_and_backoff() -> None:
    state = read_state(msgspec.json.encode(SCHEMA_1), 1, DualGridState)
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
    world.state = read_state(msgspec.json.encode({**now, "schema": 1}), 1, DualGridState)
    world.restart()
    world.come_to_rest()
    world.check_at_rest()
    world.move(D("-0.15"))
    world.come_to_rest()
    assert len(world.state.long.levels) == 2
    settle(world)
    world.check_at_rest()


def test_the_present_schema_comes_back_as_it_was() -> None:
    world = settled(averaging_style="resting", step_atr_multiple=1)
    assert read_state(msgspec.json.encode(world.state), SCHEMA, DualGridState) == world.state


@pytest.mark.parametrize("schema", [0, SCHEMA + 1])
def test_another_schema_is_refused(schema: int) -> None:
    with pytest.raises(StateUnreadable, match=f"schema {schema}, this worker knows 1…{SCHEMA}"):
        read_state(b"{}", schema, DualGridState)


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(StateUnreadable, match="cannot be read as DualGridState"):
        read_state(b'{"symbol": 1}', SCHEMA, DualGridState)
