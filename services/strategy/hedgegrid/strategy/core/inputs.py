"""What a step can be given: messages of the streams, and two facts only the worker knows."""

from hedgegrid.messages.base import Message
from hedgegrid.messages.control import ControlMessage
from hedgegrid.messages.events import AccountEvent
from hedgegrid.messages.market import MarketMessage


class WorkerStarted(Message, frozen=True, kw_only=True):
    """A worker took this bot over (or the bot is new): nothing may be assumed until the venue was asked."""

    ts_event: int


class GapFound(Message, frozen=True, kw_only=True):
    """Account events may be missing: a trimmed or unreadable stream entry, or a Redis that went back in time."""

    reason: str
    ts_event: int


CoreInput = MarketMessage | AccountEvent | ControlMessage | WorkerStarted | GapFound
