"""One client socket: bounded sending, its topics and what it has been sent."""

import asyncio
from asyncio import WriteTransport
from time import monotonic

from hedgegrid.exchange_sim.accounts import Account

SEND_LIMIT_BYTES = 8 * 1024 * 1024
"""Unsent bytes after which a slow reader is cut off; the server never waits for it."""


class Connection:
    """Frames go straight into the transport, whose buffer is the bounded queue; sending never blocks or raises.

    `channel` is public, private or trade; `address` the client's.
    """

    def __init__(
        self,
        transport: WriteTransport,
        conn_id: str,
        *,
        idle_limit_s: float,
        limit_bytes: int = SEND_LIMIT_BYTES,
        channel: str = "public",
        address: str = "",
    ) -> None:
        self.id = conn_id
        self.channel = channel
        self.address = address
        self.topics: set[str] = set()
        self.account: Account | None = None
        self.data_frames = 0
        """Frames of topics sent since this connection opened."""
        self._transport = transport
        self._limit = limit_bytes
        self._idle_limit_s = idle_limit_s
        self._active_at = monotonic()
        self._is_stalled = False
        self._is_frozen = False

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    @property
    def account_id(self) -> str:
        return self.account.id if self.account is not None else ""

    def send(self, frame: bytes) -> None:
        """Hand one wire frame over; a client that does not read is disconnected."""
        if self._is_frozen or self._transport.is_closing():
            return
        self._transport.write(frame)
        self._active_at = monotonic()
        if self._transport.get_write_buffer_size() > self._limit:
            self._transport.abort()

    def send_data(self, frame: bytes) -> None:
        """A frame of a topic: what a stalled socket does not get."""
        if not self._is_stalled:
            self.data_frames += 1
            self.send(frame)

    def stall(self, seconds: float | None) -> None:
        """No data from now on, for a time or for ever; answers still come."""
        self._is_stalled = True
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self._go_on)

    def freeze(self, seconds: float | None) -> None:
        """Neither read nor write, as if the host were gone; cut after a time, or never."""
        self._is_frozen = True
        pause = getattr(self._transport, "pause_reading", None)
        if pause is not None and self.is_open:
            pause()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self.close)

    def heard(self) -> None:
        """The client sent a message."""
        self._active_at = monotonic()

    def cut_if_idle(self) -> None:
        """Neither a message from the client nor data to it for the idle limit (10 min unless `max_active_time`)."""
        if not self._is_frozen and monotonic() - self._active_at > self._idle_limit_s:
            self.close()

    def close(self) -> None:
        """Close TCP at once: clients do not answer a CLOSE frame promptly, so nobody waits for them."""
        self._transport.abort()

    def say_goodbye(self, code: int) -> None:
        """Send a CLOSE frame and end TCP once it is out."""
        if self.is_open:
            self._transport.write(b"\x88\x02" + code.to_bytes(2, "big"))
            self._transport.close()

    def _go_on(self) -> None:
        self._is_stalled = False
