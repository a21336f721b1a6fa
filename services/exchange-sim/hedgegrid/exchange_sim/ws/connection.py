"""One client socket: bounded sending, its topics and what it has been sent."""

from asyncio import WriteTransport
from time import monotonic

from hedgegrid.exchange_sim.accounts import Account

SEND_LIMIT_BYTES = 8 * 1024 * 1024
"""Unsent bytes after which a slow reader is cut off; the server never waits for it."""


class Connection:
    """Frames go straight into the transport, whose buffer is the bounded queue; sending never blocks or raises."""

    def __init__(
        self, transport: WriteTransport, conn_id: str, *, idle_limit_s: float, limit_bytes: int = SEND_LIMIT_BYTES
    ) -> None:
        self.id = conn_id
        self.topics: set[str] = set()
        self.account: Account | None = None
        self.data_frames = 0
        """Private pushes sent since this connection opened."""
        self._transport = transport
        self._limit = limit_bytes
        self._idle_limit_s = idle_limit_s
        self._active_at = monotonic()

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def send(self, frame: bytes) -> None:
        """Hand one wire frame over; a client that does not read is disconnected."""
        if self._transport.is_closing():
            return
        self._transport.write(frame)
        self._active_at = monotonic()
        if self._transport.get_write_buffer_size() > self._limit:
            self._transport.abort()

    def heard(self) -> None:
        """The client sent a message."""
        self._active_at = monotonic()

    def cut_if_idle(self) -> None:
        """Neither a message from the client nor data to it for the idle limit (10 min unless `max_active_time`)."""
        if monotonic() - self._active_at > self._idle_limit_s:
            self.close()

    def close(self) -> None:
        """Close TCP at once: clients do not answer a CLOSE frame promptly, so nobody waits for them."""
        self._transport.abort()
