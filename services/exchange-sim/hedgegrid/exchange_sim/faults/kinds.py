"""What can be made to go wrong with traffic. A fault is drawn for each thing that it matches.

Common to all: `match` maps fields of the subject to shell patterns, all of which must fit; `skip` lets the first ones
pass; `probability` is drawn for each further one; after `count` hits the fault is spent; `from_s` and `until_s` bound
it in venue seconds since the market began.

    requests   account, channel (rest, trade), method, path, symbol, side, orderLinkId, orderId, positionIdx
    messages   account ("" for public ones), topic, symbol, side, orderLinkId, orderStatus, execType
    sockets    channel (public, private, trade), account, topic
"""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

Probability = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]
AtLeastZero = Annotated[float, Meta(ge=0)]
DelayMs = Annotated[int, Meta(ge=0, le=600_000)]


def tag_of(class_name: str) -> str:
    """`AnswerLost` is written `answer_lost`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=tag_of):
    match: dict[str, str] = {}
    probability: Probability = 1.0
    count: Count | None = None
    skip: Annotated[int, Meta(ge=0)] = 0
    from_s: AtLeastZero = 0.0
    until_s: AtLeastZero | None = None


class RequestFault(Fault, frozen=True, kw_only=True):
    """Applied to REST requests and to those of the trade socket."""


class AnswerCode(RequestFault, frozen=True, kw_only=True):
    """A `retCode` in place of the answer. `executed`: the request took effect all the same.

    With code 10006, `reset_ms` from now is told as the end of the limit; None leaves the headers out.
    """

    code: int
    text: str = ""
    executed: bool = False
    reset_ms: DelayMs | None = 1000


class AnswerStatus(RequestFault, frozen=True, kw_only=True):
    """An HTTP status without an envelope: 403 as for a banned address, 5xx as from a proxy. Closes a trade socket."""

    status: Annotated[int, Meta(ge=400, le=599)]
    executed: bool = False


class AnswerGarbage(RequestFault, frozen=True, kw_only=True):
    """HTTP 200 with something that is no answer."""

    form: Literal["html", "truncated", "empty"] = "html"
    executed: bool = True


class AnswerLost(RequestFault, frozen=True, kw_only=True):
    """The connection ends before an answer; the trade socket says nothing."""

    executed: bool = True


class AnswerLate(RequestFault, frozen=True, kw_only=True):
    """Executed at once, answered after `delay_ms`; pushes do not wait for it."""

    delay_ms: DelayMs


class QueryStale(RequestFault, frozen=True, kw_only=True):
    """Queries of orders and executions do not know yet what happened in the last `lag_ms` of venue time."""

    lag_ms: DelayMs


class RequestLate(RequestFault, frozen=True, kw_only=True):
    """Held for `delay_ms` on its way in; beyond the receive window it is refused with 10002."""

    delay_ms: DelayMs


class RaceFill(RequestFault, frozen=True, kw_only=True):
    """A cancel or amend comes too late: it is acknowledged, but the order has filled.

    The order is told `Filled`; after a cancel a second time, with the cancel's refusal.
    """


class MessageFault(Fault, frozen=True, kw_only=True):
    """Applied to data messages of sockets, private and public."""


class MessageDrop(MessageFault, frozen=True, kw_only=True):
    """Never sent."""


class MessageDuplicate(MessageFault, frozen=True, kw_only=True):
    """Sent again, `copies` times."""

    copies: Annotated[int, Meta(ge=1, le=100)] = 1


class MessageLate(MessageFault, frozen=True, kw_only=True):
    """Sent `delay_ms` later; others overtake it."""

    delay_ms: DelayMs


class MessageReorder(MessageFault, frozen=True, kw_only=True):
    """Sent after the next `behind` messages of the same account (or public topic), or after a second without them."""

    behind: Annotated[int, Meta(ge=1, le=1000)] = 1


class SocketFault(Fault, frozen=True, kw_only=True):
    """Applied when a socket opens, logs in or subscribes."""


class ConnectRefused(SocketFault, frozen=True, kw_only=True):
    """The upgrade is answered with an HTTP status; `topic` is empty then."""

    status: Annotated[int, Meta(ge=400, le=599)] = 503


class AuthRefused(SocketFault, frozen=True, kw_only=True):
    """A log-in is refused as if its signature were wrong."""


class SubscribeRefused(SocketFault, frozen=True, kw_only=True):
    """A subscription is refused; every one of its topics is tried against `match`."""

    text: str = "Request not authorized"


class AckLate(SocketFault, frozen=True, kw_only=True):
    """A subscription takes effect at once, its ack comes `delay_ms` later: data comes first, as captured."""

    delay_ms: DelayMs


class SlowReads(SocketFault, frozen=True, kw_only=True):
    """What the client sends on this socket, pings included, is read and answered `delay_ms` late."""

    delay_ms: DelayMs


AnyFault = (
    AnswerCode
    | AnswerStatus
    | AnswerGarbage
    | AnswerLost
    | AnswerLate
    | RequestLate
    | QueryStale
    | RaceFill
    | MessageDrop
    | MessageDuplicate
    | MessageLate
    | MessageReorder
    | ConnectRefused
    | AuthRefused
    | SubscribeRefused
    | AckLate
    | SlowReads
)
