"""Whatever a client sends, it is answered: a result, a retCode or an HTTP status, never a crash."""

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.exchange_sim.accounts import generate_accounts
from hedgegrid.exchange_sim.auth import Authenticator, MissingAuthError
from hedgegrid.exchange_sim.clock import Speed
from hedgegrid.exchange_sim.errors import ApiError
from hedgegrid.exchange_sim.exchange import Exchange, build_exchange
from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.journal import link_ids
from hedgegrid.exchange_sim.rest.routing import Call
from hedgegrid.exchange_sim.rest.table import ROUTES
from hedgegrid.exchange_sim.synthetic import Regime, SyntheticSource

LISTINGS = load_listings(None)


def build() -> Exchange:
    async def made() -> Exchange:
        source = SyntheticSource(
            [LISTINGS["BTCUSDT"].rules], {"BTCUSDT": LISTINGS["BTCUSDT"].synthetic_price}, Regime.FLAT, 0
        )
        return build_exchange(source, LISTINGS, generate_accounts(["main"], 0), speed=Speed(None))

    return asyncio.run(made())


EXCHANGE = build()
NUMBERS = st.sampled_from(
    ["0", "-1", "0.001", "65000", "1e5", "1e999999", "NaN", "inf", "9" * 40, "0.1", "65000.1", ""]
)
ANY = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)
)
KNOWN = {
    "category": st.just("linear"),
    "symbol": st.just("BTCUSDT"),
    "side": st.sampled_from(["Buy", "Sell"]),
    "orderType": st.sampled_from(["Limit", "Market"]),
    "timeInForce": st.sampled_from(["GTC", "IOC", "FOK", "PostOnly"]),
    "qty": NUMBERS,
    "price": NUMBERS,
    "positionIdx": st.integers(-1, 4),
    "reduceOnly": st.booleans(),
    "closeOnTrigger": st.booleans(),
    "orderLinkId": st.text(max_size=40),
    "orderId": st.text(max_size=5),
    "mode": st.sampled_from([0, 3, 1, "3"]),
    "coin": st.just("USDT"),
    "settleCoin": st.just("USDT"),
    "accountType": st.just("UNIFIED"),
    "buyLeverage": NUMBERS,
    "sellLeverage": NUMBERS,
    "interval": st.sampled_from(["1", "D", "W", "M", "7"]),
    "limit": st.integers(-1, 2000) | st.text(max_size=3),
    "cursor": st.text(max_size=9),
    "startTime": st.integers(-5, 2**60),
    "openOnly": st.sampled_from([0, 1, "1", "x"]),
}
PARAMS = st.fixed_dictionaries({}, optional={name: values | ANY for name, values in KNOWN.items()})
LIKELY = st.fixed_dictionaries(KNOWN)


@given(route=st.sampled_from(sorted(ROUTES)), params=PARAMS | LIKELY, legs=st.lists(PARAMS | LIKELY | ANY, max_size=3))
def test_every_endpoint_answers_or_refuses(route: tuple[str, str], params: dict[str, Any], legs: list[Any]) -> None:
    given_params = params | {"request": legs}
    assert isinstance(link_ids(given_params), str)
    with suppress(ApiError):
        answer = ROUTES[route].handler(EXCHANGE, Call("main", given_params, granted=9))
        assert msgspec.json.encode(answer.result)
    EXCHANGE.venue.drain()


HEADER = st.text(max_size=12) | st.sampled_from(["5000", "²", "1658384314791", "é"])


@given(key=HEADER, stamp=HEADER, sign=HEADER, window=HEADER, real_key=st.booleans())
def test_any_headers_are_answered(key: str, stamp: str, sign: str, window: str, real_key: bool) -> None:
    accounts = generate_accounts(["main"], 0)
    headers = {
        "X-BAPI-API-KEY": accounts[0].api_key if real_key else key,
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-SIGN": sign,
        "X-BAPI-RECV-WINDOW": window,
    }
    authenticator = Authenticator(accounts)
    try:
        authenticator.check_rest(headers, b"\xff", 1658384314791)
    except (ApiError, MissingAuthError):
        return
    raise AssertionError("a forged request was accepted")


@given(args=st.lists(ANY, max_size=4) | ANY)
def test_any_socket_auth_is_refused(args: Any) -> None:
    assert Authenticator(generate_accounts(["main"], 0)).check_socket(args, 0) is None
