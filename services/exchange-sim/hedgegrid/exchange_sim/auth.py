"""Signature check of REST calls and of the private socket (docs/v5/guide, websocket/wss-authentication)."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from hedgegrid.exchange_sim.accounts import Account
from hedgegrid.exchange_sim.errors import ApiError

DEFAULT_RECV_WINDOW_MS = 5000
AHEAD_LIMIT_MS = 1000
"""A timestamp this far in the server's future is refused whatever the window."""


class MissingAuthError(Exception):
    """A signed endpoint was called without its headers: HTTP 401."""


def sign(secret: str, text: bytes) -> str:
    """HMAC-SHA256 in lower-case hex."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


class Authenticator:
    """Knows the keys; checks are over bytes exactly as received, nothing is decoded or re-ordered."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_key = {account.api_key: account for account in accounts}

    def owner_of(self, key: str) -> str:
        """Account id a key belongs to, unverified; "" when it is unknown."""
        account = self._by_key.get(key)
        return account.id if account is not None else ""

    def check_rest(self, headers: Mapping[str, str], payload: bytes, now_ms: int) -> Account:
        """The account that signed a call; `payload` is the raw query string of a GET, the raw body of a POST.

        Raises:
            MissingAuthError: no key, timestamp or signature header.
            ApiError: 10003 unknown key, 10002 time rule, 10004 signature.
        """
        key, stamp, given = (headers.get(f"X-BAPI-{name}") for name in ("API-KEY", "TIMESTAMP", "SIGN"))
        if not key or not stamp or not given:
            raise MissingAuthError
        window = headers.get("X-BAPI-RECV-WINDOW", "")
        account = self._by_key.get(key)
        if account is None:
            raise ApiError(10003, "API key is invalid.")
        check_time(stamp, window, now_ms)
        expected = sign(account.api_secret, f"{stamp}{key}{window}".encode() + payload)
        if not _equal(expected, given):
            text = f"error sign! origin_string[{stamp}{key}{window}{payload.decode('utf-8', 'replace')}]"
            raise ApiError(10004, text)
        return account

    def check_socket(self, args: object, now_ms: int) -> Account | None:
        """The account of an `auth` op `[key, expires_ms, signature]`, None when it does not hold.

        `expires_ms` may be an integer (pybit) or a string (ccxt) and must not have passed.
        """
        if not isinstance(args, list) or len(args) != 3:
            return None
        key, expires, given = (str(part) for part in args)
        account = self._by_key.get(key)
        if account is None or not _is_number(expires) or int(expires) <= now_ms:
            return None
        expected = sign(account.api_secret, f"GET/realtime{expires}".encode())
        return account if _equal(expected, given) else None


def _equal(expected: str, given: str) -> bool:
    """Compare signatures in constant time; what a client sends may be any text."""
    return hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "surrogateescape"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def check_time(stamp: str, window: str, now_ms: int) -> None:
    """The time rule: server - window ≤ timestamp < server + 1000 ms.

    Raises:
        ApiError: 10002, in the words captured from the venue; 10001 when a header is no number.
    """
    if not _is_number(stamp) or (window and not _is_number(window)):
        raise ApiError(10001, "params error: timestamp or recv_window is not a number")
    window_ms = int(window) if window else DEFAULT_RECV_WINDOW_MS
    if not now_ms - window_ms <= int(stamp) < now_ms + AHEAD_LIMIT_MS:
        raise ApiError(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window_ms}]",
        )
