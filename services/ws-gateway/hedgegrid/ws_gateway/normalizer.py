"""Raw frames → entries for streams. Pure apart from the ticker state; an unreadable frame is set aside, never fatal."""

import logging
from typing import NamedTuple

from hedgegrid.bus import keys
from hedgegrid.bybit import parse
from hedgegrid.messages.base import Message
from hedgegrid.messages.market import QuoteTick

NS_PER_MS = 1_000_000
UNKNOWN_TOPIC = "unreadable"
PUBLIC_DEAD = "PUBLIC"
"""Stands for the symbol in the dead-letter stream of public frames that do not even tell their symbol."""

_log = logging.getLogger(__name__)


class DeadLetter(NamedTuple):
    stream: str
    """The stream the frame would have belonged to."""
    raw: bytes
    reason: str


class AccountFrame(NamedTuple):
    """What one private frame comes to; the entries belong into one transaction."""

    topic: str
    entries: list[tuple[str, Message]]
    dead: list[DeadLetter]


class MarketFrame(NamedTuple):
    """What one public frame comes to: often nothing, because it only completes or confirms the view."""

    topic: str
    tick: QuoteTick | None
    dead: DeadLetter | None


def account_frame(account: str, raw: bytes, recv_ns: int) -> AccountFrame:
    """Events of a private frame, in order."""
    stream = keys.events(account)
    try:
        content = parse.private_frame(raw, recv_ns // NS_PER_MS)
    except Exception as error:  # a parser's own mistake must cost its frame, not the feed
        return AccountFrame(UNKNOWN_TOPIC, [], [DeadLetter(stream, raw, _reason(error))])
    return AccountFrame(
        content.topic,
        [(stream, event) for event in content.events],
        [DeadLetter(stream, problem.raw, problem.reason) for problem in content.problems],
    )


class MarketNormalizer:
    """Public frames of all symbols, merged per symbol."""

    def __init__(self) -> None:
        self._book = parse.TickerBook()

    def begin(self, symbols: tuple[str, ...]) -> None:
        """A new connection carries these: deltas count only from its own snapshots on."""
        for symbol in symbols:
            self._book.reset(symbol)

    @property
    def ignored(self) -> int:
        """Deltas that came before their snapshot."""
        return self._book.ignored

    def frame(self, raw: bytes, recv_ns: int) -> MarketFrame:
        """The tick a public frame leads to, if any."""
        try:
            topic = parse.topic_of(raw)
        except Exception as error:  # as for account_frame
            return MarketFrame(UNKNOWN_TOPIC, None, DeadLetter(keys.market(PUBLIC_DEAD), raw, _reason(error)))
        kind, _, symbol = topic.rpartition(".")
        try:
            return MarketFrame(kind, self._book.apply(raw, recv_ns, topic), None)
        except Exception as error:  # as for account_frame
            return MarketFrame(kind, None, DeadLetter(keys.market(symbol), raw, _reason(error)))


def _reason(error: Exception) -> str:
    if isinstance(error, parse.ParseError):
        return str(error)
    _log.error("a parser failed in a way it should not", exc_info=error)
    return f"{type(error).__name__}: {error}"
