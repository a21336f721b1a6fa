"""Signatures over raw bytes and the time rule (bybit-v5.md 1.1)."""

from decimal import Decimal

import pytest

from hedgegrid.exchange_sim.accounts import Account
from hedgegrid.exchange_sim.auth import Authenticator, MissingAuthError, check_time, sign
from hedgegrid.exchange_sim.errors import ApiError

ACCOUNT = Account(id="main", api_key="XXXXXXXXXX", api_secret="YYYYYYYYYY", balance=Decimal(1), uid=1)
AUTH = Authenticator([ACCOUNT])
NOW = 1_658_384_314_791


def headers(payload: bytes, **changed: str) -> dict[str, str]:
    text = f"{NOW}{ACCOUNT.api_key}5000".encode() + payload
    return {
        "X-BAPI-API-KEY": ACCOUNT.api_key,
        "X-BAPI-TIMESTAMP": str(NOW),
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": sign(ACCOUNT.api_secret, text),
    } | changed


def code_of(payload: bytes, now_ms: int, **changed: str) -> int:
    try:
        AUTH.check_rest(headers(payload, **changed), payload, now_ms)
    except ApiError as error:
        return error.code
    return 0


def test_known_vector() -> None:
    assert sign("key", b"The quick brown fox jumps over the lazy dog") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )


@pytest.mark.parametrize("payload", [b"category=linear&symbol=BTCUSDT", b'{"a": "b"}', b'{"a":"b"}', b"cursor=a%253D"])
def test_a_good_signature_names_its_account(payload: bytes) -> None:
    assert AUTH.check_rest(headers(payload), payload, NOW) is ACCOUNT


def test_the_payload_is_signed_byte_for_byte() -> None:
    with pytest.raises(ApiError, match="10004 error sign!"):
        AUTH.check_rest(headers(b'{"a": "b"}'), b'{"a":"b"}', NOW)


def test_an_unknown_key_is_10003_and_missing_headers_are_http_401() -> None:
    assert code_of(b"", NOW, **{"X-BAPI-API-KEY": "other"}) == 10003
    with pytest.raises(MissingAuthError):
        AUTH.check_rest({}, b"", NOW)


@pytest.mark.parametrize(
    ("server_ms", "code"),
    [(NOW, 0), (NOW + 5000, 0), (NOW + 5001, 10002), (NOW - 999, 0), (NOW - 1000, 10002)],
)
def test_time_rule(server_ms: int, code: int) -> None:
    assert code_of(b"", server_ms) == code


def test_a_wide_window_does_not_help_a_clock_that_is_ahead() -> None:
    with pytest.raises(ApiError, match=r"req_timestamp\[2000\],server_timestamp\[1000\],recv_window\[60000\]"):
        check_time("2000", "60000", 1000)


@pytest.mark.parametrize("expires", [NOW + 1000, str(NOW + 1000)])
def test_socket_auth_takes_integer_and_text_expiry(expires: int | str) -> None:
    signature = sign(ACCOUNT.api_secret, f"GET/realtime{expires}".encode())
    assert AUTH.check_socket([ACCOUNT.api_key, expires, signature], NOW) is ACCOUNT
    assert AUTH.check_socket([ACCOUNT.api_key, expires, signature], NOW + 1000) is None
    assert AUTH.check_socket([ACCOUNT.api_key, expires, "0" * 64], NOW) is None
    assert AUTH.check_socket([ACCOUNT.api_key], NOW) is None
