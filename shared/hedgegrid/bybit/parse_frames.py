"""Whole WebSocket frames, as bytes of the socket, → messages. State is kept for public symbols only."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from hedgegrid.bybit.parse_account import position_event, wallet_event
from hedgegrid.bybit.parse_fields import ParseError, Value, integer_or_none
from hedgegrid.bybit.parse_market import BookFrame, TickerFrame, TickerState
from hedgegrid.bybit.parse_orders import execution_event, order_event
from hedgegrid.bybit.parse_rows import ExecutionRow, OrderRow, PositionRow, WalletRow, row_from_json
from hedgegrid.messages.base import Message
from hedgegrid.messages.market import QuoteTick

Frame = str | bytes


class _Topic(msgspec.Struct, frozen=True):
    topic: str


class _PrivateFrame(msgspec.Struct, frozen=True, rename="camel"):
    topic: str
    data: list[msgspec.Raw]
    creation_time: Value = None


class RowProblem(NamedTuple):
    """One row of a frame that could not be understood; the others of the frame are not affected."""

    raw: bytes
    reason: str


class PrivateContent(NamedTuple):
    topic: str
    events: list[Message]
    problems: list[RowProblem]


_topic = msgspec.json.Decoder(_Topic)
_private = msgspec.json.Decoder(_PrivateFrame)
_ticker = msgspec.json.Decoder(TickerFrame)
_book = msgspec.json.Decoder(BookFrame)

TICKERS = "tickers."
BOOK = "orderbook.1."
PRIVATE_TOPICS = ("order", "execution", "position", "wallet")


def private_frame(raw: Frame, ts_init: int) -> PrivateContent:
    """Events of one private frame in the order of its rows; a bad row does not cost the good ones beside it.

    Raises:
        ParseError: the frame as a whole is no JSON, has no rows, or a topic we do not subscribe.
    """
    try:
        frame = _private.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError("frame", _shown(raw), str(error)) from None
    parse = _PARSERS.get(frame.topic.removesuffix(".linear"))
    if parse is None:
        raise ParseError("topic", frame.topic, f"unknown, expected one of {', '.join(PRIVATE_TOPICS)}")
    created = integer_or_none("creationTime", frame.creation_time)
    events: list[Message] = []
    problems: list[RowProblem] = []
    for row in frame.data:
        try:
            event = parse(row, ts_init, created)
        except ParseError as error:
            problems.append(RowProblem(bytes(row), f"{frame.topic}: {error}"))
        else:
            if event is not None:
                events.append(event)
    return PrivateContent(frame.topic, events, problems)


class TickerBook:
    """The symbols of the public feed."""

    def __init__(self) -> None:
        self._states: dict[str, TickerState] = {}

    def state(self, symbol: str) -> TickerState:
        state = self._states.get(symbol)
        if state is None:
            state = self._states[symbol] = TickerState(symbol)
        return state

    def reset(self, symbol: str) -> None:
        """A new connection carries the symbol: what was known is void until its snapshot."""
        self.state(symbol).reset()

    @property
    def ignored(self) -> int:
        """Deltas that came before a snapshot, over all symbols."""
        return sum(state.ignored for state in self._states.values())

    def apply(self, raw: Frame, recv_ns: int, topic: str | None = None) -> QuoteTick | None:
        """Merge a `tickers` or `orderbook.1` frame; `topic` saves looking for it again.

        Raises:
            ParseError: no JSON, another topic, or an unreadable field.
        """
        topic = topic_of(raw) if topic is None else topic
        try:
            if topic.startswith(TICKERS):
                return self.state(topic[len(TICKERS) :]).apply(_ticker.decode(raw), recv_ns)
            if topic.startswith(BOOK):
                return self.state(topic[len(BOOK) :]).apply_book(_book.decode(raw), recv_ns)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ParseError("frame", _shown(raw), str(error)) from None
        raise ParseError("topic", topic, f"unknown, expected {TICKERS}SYMBOL or {BOOK}SYMBOL")


def topic_of(raw: Frame) -> str:
    """Topic of a data frame, wherever in it the field stands.

    Raises:
        ParseError: no JSON object with a topic.
    """
    try:
        return _topic.decode(raw).topic
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError("frame", _shown(raw), str(error)) from None


def _shown(raw: Frame) -> Frame:
    return raw[:200]


def _order(row: msgspec.Raw, ts_init: int, created: int | None) -> Message | None:
    return order_event(row_from_json(OrderRow, row), ts_init)


def _execution(row: msgspec.Raw, ts_init: int, created: int | None) -> Message | None:
    return execution_event(row_from_json(ExecutionRow, row), ts_init)


def _position(row: msgspec.Raw, ts_init: int, created: int | None) -> Message | None:
    return position_event(row_from_json(PositionRow, row), ts_init)


def _wallet(row: msgspec.Raw, ts_init: int, created: int | None) -> Message | None:
    return wallet_event(row_from_json(WalletRow, row), ts_init, created)


_PARSERS: dict[str, Callable[[msgspec.Raw, int, int | None], Any]] = {
    "order": _order,
    "execution": _execution,
    "position": _position,
    "wallet": _wallet,
}
