"""Whatever the command, its request is exactly what the venue reads: plain strings, ints and bools."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit.requests import Operation, UnsendableCommand, request_of
from hedgegrid.domain.order import Leg, OrderType, Side, TimeInForce
from hedgegrid.messages.commands import AmendOrder, CancelAllOrders, CancelOrder, SubmitOrder

PLAIN = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]*[1-9])?\Z")
D = Decimal

steps = st.sampled_from([D("1E-8"), D("0.001"), D("0.1"), D(1), D(10), D("1E+3")])
numbers = st.builds(lambda count, step: count * step, st.integers(1, 10**9), steps)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,36}", fullmatch=True)
submits = st.builds(
    SubmitOrder,
    symbol=st.just("BTCUSDT"),
    leg=st.sampled_from(Leg),
    client_order_id=ids,
    side=st.sampled_from(Side),
    order_type=st.sampled_from(OrderType),
    qty=numbers,
    price=numbers,
    time_in_force=st.sampled_from(TimeInForce),
    reduce_only=st.booleans(),
)


@given(submits)
def test_submit(command: SubmitOrder) -> None:
    request = request_of(command)
    params = request.params
    wanted = {
        "category", "symbol", "orderLinkId", "side", "orderType", "qty", "positionIdx", "reduceOnly", "timeInForce",
    }  # fmt: skip
    assert set(params) == wanted | ({"price"} if command.order_type is OrderType.LIMIT else set())
    assert (request.operation, request.path) == (Operation.SUBMIT, "/v5/order/create")
    assert params["category"] == "linear"
    assert type(params["positionIdx"]) is int
    assert params["positionIdx"] == command.leg.value
    assert params["reduceOnly"] is command.reduce_only
    for name in ("qty", "price"):
        if name in params:
            text = params[name]
            assert isinstance(text, str)
            assert PLAIN.match(text)
            assert D(text) == getattr(command, name)
    assert all(type(value) in (str, int, bool) for value in params.values())


@given(ids, numbers, numbers)
def test_amend(client_order_id: str, qty: Decimal, price: Decimal) -> None:
    command = AmendOrder(symbol="BTCUSDT", leg=Leg.LONG, client_order_id=client_order_id, qty=qty, price=price)
    params = request_of(command).params
    assert set(params) == {"category", "symbol", "orderLinkId", "qty", "price"}
    assert all(isinstance(value, str) for value in params.values())
    assert D(str(params["qty"])) == qty
    assert PLAIN.match(str(params["qty"]))
    assert PLAIN.match(str(params["price"]))


@given(ids)
def test_cancel(client_order_id: str) -> None:
    command = CancelOrder(symbol="BTCUSDT", leg=Leg.SHORT, client_order_id=client_order_id)
    assert request_of(command).params == {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": client_order_id}


def test_cancel_all_names_the_symbol() -> None:
    """Without one, linear cancel-all would need a base or settle coin, and take other bots' orders with it."""
    assert request_of(CancelAllOrders(symbol="BTCUSDT")).params == {"category": "linear", "symbol": "BTCUSDT"}


@pytest.mark.parametrize("number", ["0", "-1", "NaN", "Infinity"])
def test_what_no_venue_could_take_is_refused(number: str) -> None:
    command = AmendOrder(symbol="BTCUSDT", leg=Leg.LONG, client_order_id="x", qty=D(number), price=D(1))
    with pytest.raises(UnsendableCommand, match="qty"):
        request_of(command)


@pytest.mark.parametrize("client_order_id", ["", "x" * 37])
def test_an_id_that_the_venue_would_refuse_is_refused(client_order_id: str) -> None:
    with pytest.raises(UnsendableCommand, match="client_order_id"):
        request_of(CancelOrder(symbol="BTCUSDT", leg=Leg.LONG, client_order_id=client_order_id))
