"""Whatever JSON the venue invents: a row is read, skipped or refused by name, and nothing else happens."""

import json

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from hedgegrid.bybit import parse
from hedgegrid.messages.base import Message

VALUES = (
    st.sampled_from(["", "0", "1", "0.5", "-1", "1E+999999", "1E-999999", "NaN", "Buy", "Sell", "New", "Filled"])
    | st.sampled_from(["Cancelled", "Trade", "Funding", "linear", "spot", "BTCUSDT"])
    | st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
)
NAMES = sorted(
    {
        field.encode_name
        for row in (parse.OrderRow, parse.ExecutionRow, parse.PositionRow, parse.WalletRow)
        for field in msgspec.structs.fields(row)
    }
)
ROWS = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=25), max_size=4)


@given(st.sampled_from(["order", "execution", "position", "wallet"]), ROWS)
@example(
    "order",
    [
        {
            "symbol": "X",
            "orderStatus": "Filled",
            "side": "Buy",
            "positionIdx": 1,
            "cumExecQty": "1E-999999",
            "cumExecValue": "1E+999999",
        }
    ],
)
def test_rows_of_any_content(topic: str, rows: list[dict[str, object]]) -> None:
    content = parse.private_frame(json.dumps({"topic": topic, "data": rows}), 1)
    assert all(isinstance(event, Message) for event in content.events)
    assert len(content.events) + len(content.problems) <= len(rows)
    for problem in content.problems:
        assert problem.reason.startswith(topic)


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=10))
def test_frames_of_any_shape(value: object) -> None:
    for data in (value, {"topic": value, "data": value}, {"topic": "order", "data": value}):
        try:
            parse.private_frame(json.dumps(data), 1)
        except parse.ParseError:
            continue
