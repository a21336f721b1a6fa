"""The message edge: drop, repeat, delay and re-order what is about to leave on sockets."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.faults.kinds import (
    MessageDrop,
    MessageDuplicate,
    MessageFault,
    MessageLate,
    MessageReorder,
)
from hedgegrid.exchange_sim.faults.plan import Subject

Send = Callable[[], None]
HELD_AT_MOST_S = 1.0
_FIELDS = ("symbol", "side", "orderLinkId", "orderStatus", "execType")


class MessageEdge:
    """Everything a stream sends passes here; a stream is an account's pushes, or one public topic."""

    def __init__(self, injector: Injector) -> None:
        self._injector = injector
        self._held: dict[str, list[tuple[int, Send]]] = {}
        """By stream: how many more messages each held one waits for."""

    @property
    def is_idle(self) -> bool:
        """Nothing is planned and nothing held: messages may go out directly."""
        return not self._held and (self._injector.plan.is_empty or not self._injector.has(MessageFault))

    def send(self, account: str, topic: str, message: Mapping[str, Any], send: Send) -> None:
        """Send now, later, more than once, or not at all."""
        subject = _subject(account, topic, message)
        times, delay_s, behind = 1, 0.0, 0
        for fault in self._injector.messages(subject):
            if isinstance(fault, MessageDrop):
                times = 0
            elif isinstance(fault, MessageDuplicate):
                times += fault.copies if times else 0
            elif isinstance(fault, MessageLate):
                delay_s += fault.delay_ms / 1000
            elif isinstance(fault, MessageReorder):
                behind += fault.behind
        stream = account or topic
        for _ in range(times):
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, send)
            elif behind:
                self._hold(stream, behind, send)
            else:
                send()
        if times and not delay_s and not behind:
            self._release(stream)

    def _hold(self, stream: str, behind: int, send: Send) -> None:
        entry = (behind, send)
        self._held.setdefault(stream, []).append(entry)
        asyncio.get_running_loop().call_later(HELD_AT_MOST_S, self._give_up, stream, send)

    def _release(self, stream: str) -> None:
        """One more message of the stream has left; those that waited for it go."""
        held = self._held.pop(stream, None)
        if held is None:
            return
        rest = [(behind - 1, send) for behind, send in held if behind > 1]
        if rest:
            self._held[stream] = rest
        for behind, send in held:
            if behind == 1:
                send()

    def _give_up(self, stream: str, send: Send) -> None:
        """Nothing came to overtake it."""
        held = self._held.get(stream, [])
        if any(waiting is send for _, waiting in held):
            rest = [entry for entry in held if entry[1] is not send]
            if rest:
                self._held[stream] = rest
            else:
                del self._held[stream]
            send()


def _subject(account: str, topic: str, message: Mapping[str, Any]) -> Subject:
    data = message.get("data", ())
    rows = data if isinstance(data, list) else [data]
    subject: dict[str, str | list[str]] = {"account": account, "topic": topic}
    for name in _FIELDS:
        values = [row[name] for row in rows if isinstance(row.get(name), str)]
        if values:
            subject[name] = values
    if not account:
        subject.setdefault("symbol", topic.rpartition(".")[2])
    return subject
