"""What an answer, or the lack of one, says about whether the venue acted. Pure.

The one question that matters on the money path: may the request have been executed? A code tells "refused" or
"proven not executed" only where the documentation does (bybit-v5.md 1.13, reliability §5.4). Everything else is
AMBIGUOUS: the order stays in flight until the venue has been asked.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from hedgegrid.bybit.requests import Operation

MAX_WAIT_MS = 10_000
"""Longest rate-limit wait that is believed; the venue's windows are 1 s and 5 s."""


class Kind(StrEnum):
    ACKED = "acked"
    """Taken for processing."""
    REJECTED = "rejected"
    """Definitively refused; nothing happened at the venue."""
    RETRY_SAME_ID = "retry"
    """Proven not executed: send the same again after `wait_ms`."""
    AMBIGUOUS = "ambiguous"
    """May or may not have been executed."""
    FATAL = "fatal"
    """Not executed, and nothing else will be: key, permission, region, ban of the account (`LATCHED`, `MAY_PASS`)."""
    BANNED = "banned"
    """Not executed: the address is shut out for minutes (HTTP 403); all HTTP must stop or the ban is prolonged."""
    ALREADY = "already"
    """What was asked for is so: mode, leverage or terms unchanged, or an order of this id exists."""


class Outcome(NamedTuple):
    """`code` is the venue's retCode or the HTTP status, 0 when there was neither."""

    kind: Kind
    code: int = 0
    reason: str = ""
    wait_ms: int = 0


class VenueError(Exception):
    """A call that brought no result, classified. The text never holds headers, keys or signatures."""

    def __init__(self, outcome: Outcome, endpoint: str) -> None:
        super().__init__(f"{endpoint}: {outcome.kind}, code {outcome.code}, {outcome.reason}")
        self.outcome = outcome
        self.endpoint = endpoint


class NotSent(Exception):
    """The last check before the socket said no (our lease is not ours any more); nothing left this process."""


LATCHED = frozenset({-2015, 401, 10003, 10004, 10008, 10024, 10027, 10028, 33004})
"""Only a person can mend these, and a restart belongs to it. The key or its signature is wrong or of another
environment (10003, 10004, HTTP 401) or has expired (33004, -2015): a new key is read at start. The account is of the
wrong kind (10028) or banned from trading (10008, 10024, 10027): that queries are answered says nothing about orders."""

MAY_PASS = frozenset({10005, 10007, 10009, 10010})
"""Can end without us: rights and addresses of a key are edited at the venue (10005, 10010), our address and region may
come back (10009, 10010), the venue's own login service too (10007). Worth a probe now and then."""

FATAL = LATCHED | MAY_PASS

CLOCK = frozenset({10002, -1})
"""Timestamp outside the receive window: refused at the gate."""

THROTTLED = frozenset({10006, 10018, 10429, 429, 20003})
"""Rate limits of UID, IP and system protection: refused at the gate."""

AMBIGUOUS = (
    frozenset({10000, 10014, 10016, 10019, 10403, 20006, 40004, 500000, 3400214})
    | frozenset({170001, 170005, 170007, 170032, 170035, 170146, 170147, 170191, 170212, 170234, 170310})
)  # fmt: skip
"""Time-outs, internal errors and restarts of the server, "being processed", and "invalid duplicate request", whose
first copy may be in. The spot block (170xxx) is never ours; what of it says "perhaps" is taken at its word."""

BEING_PROCESSED = 110079
ORDER_EXISTS = 110072
GONE = frozenset({110001, 110008, 110010})
"""The order is finished or unknown: an amend or cancel of it changes nothing."""

UNCHANGED = frozenset({110025, 110026, 110027, 110043, 34040})
"""Mode, margin mode, leverage, stops: already as asked."""

REFUSED = (
    frozenset({10001, 10017, 10029, 10404, 100028, 181017, 500010, 500011})
    | frozenset({30035, 30133, 30134, 30135, 30136, 30208, 30209, 30228, 30256})
    | frozenset({170131, 170141, 170213, 170346, 170360, 170810})
    | frozenset({182011, 182100, 182101, 182102, 182103, 182108, 182110, 182111, 182112})
    | frozenset({3100181, 3100197, 3100326, 3200316, 3200317, 3200320, 3200403, 3200419, 3200425, 3200641})
    | frozenset({3400045, 3400052, 3400053, 3400054, 3400071, 3400139, 3401010, *range(3400208, 3400214)})
    | GONE
)
"""Documented refusals outside the 110xxx block, which is the trading engine's and holds nothing but refusals."""


def classify_code(operation: Operation, code: int, reason: str, wait_ms: int = 0) -> Outcome:
    """Judge a retCode. `wait_ms` is the venue's own hint (`wait_hint_ms`)."""
    if code == 0:
        return Outcome(Kind.ACKED)
    if code in FATAL:
        return Outcome(Kind.FATAL, code, reason)
    if code in CLOCK:
        return Outcome(Kind.RETRY_SAME_ID, code, reason)
    if code in THROTTLED:
        return Outcome(Kind.RETRY_SAME_ID, code, reason, wait_ms or 1000)
    if code in AMBIGUOUS:
        return Outcome(Kind.AMBIGUOUS, code, reason)
    if code == BEING_PROCESSED:
        if operation is Operation.SUBMIT:
            return Outcome(Kind.AMBIGUOUS, code, reason)
        return Outcome(Kind.RETRY_SAME_ID, code, reason, 200)
    if code in UNCHANGED or (code == ORDER_EXISTS and operation is Operation.SUBMIT):
        return Outcome(Kind.ALREADY, code, reason)
    if code in REFUSED or 110_000 <= code < 111_000:
        return Outcome(Kind.REJECTED, code, reason)
    return Outcome(Kind.AMBIGUOUS, code, reason)


def classify_http(status: int, wait_ms: int = 0) -> Outcome:
    """Judge an HTTP status other than 200. Only the documented refusals are definitive; a proxy may send any other."""
    reason = f"HTTP {status}"
    match status:
        case 401:
            return Outcome(Kind.FATAL, status, f"{reason}: key missing or wrong")
        case 403:
            return Outcome(Kind.BANNED, status, f"{reason}: address over the rate limit, or not served there")
        case 429:
            return Outcome(Kind.RETRY_SAME_ID, status, f"{reason}: system protection", wait_ms or 1000)
        case 404 | 405:
            return Outcome(Kind.REJECTED, status, f"{reason}: no such path")
        case _:
            return Outcome(Kind.AMBIGUOUS, status, reason)


def never_connected(reason: str) -> Outcome:
    """No connection came about, so no byte of the request left."""
    return Outcome(Kind.RETRY_SAME_ID, 0, reason, 500)


def no_answer(reason: str) -> Outcome:
    """Sent, and then a time-out, a broken connection or an answer that cannot be read."""
    return Outcome(Kind.AMBIGUOUS, 0, reason)


def wait_hint_ms(headers: Mapping[str, str], venue_now_ms: int) -> int:
    """Milliseconds until the reset the headers name, at most `MAX_WAIT_MS`; 0 when they name none or a past one."""
    raw = headers.get("X-Bapi-Limit-Reset-Timestamp", "")
    if not raw.isdecimal():
        return 0
    return max(0, min(int(raw) - venue_now_ms, MAX_WAIT_MS))
