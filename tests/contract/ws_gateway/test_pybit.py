"""What the wrapper relies on in pybit: end points, the log-in's signature, that nothing connects by itself."""

import hashlib
import hmac
import json
import time

import pytest
from pydantic import SecretStr

from hedgegrid.bybit.ws import Environment, PrivateSocket, PublicSocket
from hedgegrid.bybit.ws_requests import OpFrame, PendingRequests, RequestFailed
from hedgegrid.bybit.ws_transport import Transport

SECRET = "not-a-real-secret"


def ignore(*_: object) -> None:
    """A handler for sockets that are never opened."""


def public(environment: Environment, url: str | None = None) -> PublicSocket:
    return PublicSocket(environment, on_frame=ignore, on_lost=ignore, url=url)


def private(environment: Environment, url: str | None = None) -> PrivateSocket:
    return PrivateSocket(
        environment, SecretStr("not-a-real-key"), SecretStr(SECRET), on_frame=ignore, on_lost=ignore, url=url
    )


@pytest.mark.parametrize(
    ("environment", "public_url", "private_url"),
    [
        ("mainnet", "wss://stream.bybit.com/v5/public/linear", "wss://stream.bybit.com/v5/private"),
        ("demo", "wss://stream.bybit.com/v5/public/linear", "wss://stream-demo.bybit.com/v5/private"),
        ("testnet", "wss://stream-testnet.bybit.com/v5/public/linear", "wss://stream-testnet.bybit.com/v5/private"),
    ],
)
def test_end_points(environment: Environment, public_url: str, private_url: str) -> None:
    assert public(environment).endpoint == public_url
    assert private(environment).endpoint == private_url


@pytest.mark.parametrize("given", ["ws://sim:8080", "ws://sim:8080/", "ws://sim:8080/v5/private", "ws://sim:8080/v5/x"])
def test_base_url_is_replaced_per_socket(given: str) -> None:
    assert private("mainnet", given).endpoint == "ws://sim:8080/v5/private"
    assert public("demo", given).endpoint == "ws://sim:8080/v5/public/linear"
    assert private("mainnet").endpoint == "wss://stream.bybit.com/v5/private"


def test_login_frame() -> None:
    sent: list[str] = []

    class App:
        def send(self, text: str) -> None:
            sent.append(text)

    transport = Transport(
        "private", on_frame=ignore, on_lost=ignore, testnet=False, api_key="not-a-real-key", api_secret=SECRET
    )
    transport.ws = App()  # type: ignore[assignment]
    transport.send_auth()
    frame = json.loads(sent[0])
    key, expires, signature = frame["args"]
    assert frame["op"] == "auth"
    assert key == "not-a-real-key"
    assert 8_000 < expires - time.time() * 1000 <= 10_000
    assert signature == hmac.new(SECRET.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()


def op(**fields: object) -> OpFrame:
    return OpFrame(**fields)  # type: ignore[arg-type]


def test_answers_find_their_request() -> None:
    requests = PendingRequests()
    auth = requests.register("auth")
    first, second = requests.register("subscribe", "1"), requests.register("subscribe", "2")
    assert requests.answer(op(op="subscribe", success=False, ret_msg="no", req_id=2))
    assert requests.answer(op(op="auth", success=True))
    assert requests.answer(op(op="subscribe", success=True))
    assert not requests.answer(op(op="subscribe", success=True))
    deadline = time.monotonic() + 1
    auth.wait_until(deadline)
    first.wait_until(deadline)
    with pytest.raises(RequestFailed, match="subscribe: no"):
        second.wait_until(deadline)


def test_answer_with_a_foreign_id_settles_nothing() -> None:
    requests = PendingRequests()
    requests.register("subscribe", "1")
    assert not requests.answer(op(op="subscribe", success=True, req_id="other"))


def test_refusal_that_does_not_say_of_what() -> None:
    requests = PendingRequests()
    request = requests.register("subscribe", "1")
    assert requests.answer(op(success=False, ret_msg="Request not authorized"))
    with pytest.raises(RequestFailed, match="Request not authorized"):
        request.wait_until(time.monotonic())


def test_end_of_the_socket_wakes_who_waits_and_who_comes_later() -> None:
    requests = PendingRequests()
    early = requests.register("auth")
    requests.fail_all("closed by peer")
    for request in (early, requests.register("subscribe", "1")):
        with pytest.raises(RequestFailed, match="closed by peer"):
            request.wait_until(time.monotonic() + 1)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"op": "ping", "ret_msg": "pong", "success": True}, "pong"),
        ({"op": "pong", "args": ["1"]}, "pong"),
        ({"type": "AUTH_RESP", "success": True}, "auth"),
        ({"type": "COMMAND_RESP", "success": True}, "subscribe"),
        ({"op": "subscribe", "success": True, "req_id": 7}, "subscribe"),
        ({}, ""),
    ],
)
def test_kinds_of_frames(frame: dict[str, object], kind: str) -> None:
    fields = {name: value for name, value in frame.items() if name != "args"}
    assert op(**fields).kind == kind
