"""pybit's WebSocket with its own reconnecting, parsing and raising taken out (bybit-v5.md §4.3, reliability.md §8.3).

What stays pybit's: end points, the signature of the log-in, the wording of pings. One object is one connection.
"""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import websocket
from pybit import _websocket_stream as pybit_stream
from pybit.unified_trading import WebSocket

from hedgegrid.bybit.ws_requests import OpFrame, PendingRequests

PING_INTERVAL_S = 6
PING_TIMEOUT_S = 5
"""websocket-client demands interval > timeout; it looks for the answer only so often, so that a frozen peer may take it
16 s. The venue asks for a ping at least every 20 s."""
AUTH_EXPIRES_S = 10
"""pybit's default of 1 s fails on a slow link or a clock that is behind."""
JOIN_S = 5.0

FrameHandler = Callable[[bytes, int], None]
LostHandler = Callable[[str], None]

_log = logging.getLogger(__name__)
_op = msgspec.json.Decoder(OpFrame)


class SocketFailed(Exception):
    """The connection could not be opened or used; the text says why, without secrets."""


class Transport(WebSocket):  # type: ignore[misc]  # pybit is untyped
    """One connection, opened by `open`, ended by `close` or by itself; then `on_lost` is called once.

    Data frames go to `on_frame` as bytes, unparsed, in the socket's thread; an exception of a handler is logged and
    goes no further.
    """

    def __init__(
        self,
        channel: str,
        *,
        on_frame: FrameHandler,
        on_lost: LostHandler,
        url: str | None = None,
        **options: Any,
    ) -> None:
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._url = url
        self.requests = PendingRequests()
        self.opened = threading.Event()
        self.lost = threading.Event()
        self.lost_reason = ""
        self.pong_at_s = 0.0
        self.ping_round_trip_s: float | None = None
        self._pinged_at_s = 0.0
        self._closing = False
        self._end_lock = threading.Lock()
        super().__init__(
            channel,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            restart_on_error=False,
            private_auth_expire=AUTH_EXPIRES_S,
            **options,
        )

    def _connect(self, url: str) -> None:
        """Called by pybit's constructor, which must not block: only find the end point."""
        self.endpoint: str = end_point(url, self._url, testnet=self.testnet, demo=self.demo)

    def open(self, deadline_s: float) -> None:
        """Make one attempt to connect, until `deadline_s` of `time.monotonic`.

        Raises:
            SocketFailed: refused, unreachable, no WebSocket there, or not done in time.
        """
        try:
            raw = _dial(self.endpoint, max(0.1, deadline_s - time.monotonic()))
        except OSError as error:
            raise SocketFailed(f"cannot connect to {self.endpoint}: {error}") from error
        self._raw = raw
        self.ws = websocket.WebSocketApp(
            self.endpoint,
            on_open=lambda _app: self._on_open(),
            on_message=lambda _app, message: self._on_message(message),
            on_error=lambda _app, error: self._on_error(error),
            on_close=lambda _app, *_args: self._on_close(),
            on_pong=lambda _app, *_args: self._on_pong(),
            socket=raw,
        )
        self.wst = threading.Thread(target=self._run, name=f"ws-{urlsplit(self.endpoint).path}", daemon=True)
        self.wst.start()
        while not self.opened.wait(0.005):
            if self.lost.is_set():
                raise SocketFailed(f"cannot connect to {self.endpoint}: {self.lost_reason}")
            if time.monotonic() >= deadline_s:
                self.close()
                raise SocketFailed(f"cannot connect to {self.endpoint}: no handshake in time")

    def send(self, text: str) -> None:
        """Send a text frame.

        Raises:
            SocketFailed: the socket does not take it.
        """
        try:
            self.ws.send(text)
        except Exception as error:  # whatever websocket-client, ssl or the system raises, the socket is useless
            raise SocketFailed(f"cannot send: {error}") from error

    def send_auth(self) -> None:
        """Log in with pybit's own signature.

        Raises:
            SocketFailed: the socket does not take it.
        """
        try:
            self._auth()
        except Exception as error:
            raise SocketFailed(f"cannot send the log-in: {type(error).__name__}") from None

    def close(self) -> None:
        """End the connection and its threads; no handler is called any more. Safe to call twice."""
        self._closing = True
        self.exited = True
        self.requests.fail_all("closed")
        app = getattr(self, "ws", None)
        if app is None:
            return
        app.keep_running = False
        sock = app.sock
        if sock is not None and not self.lost.is_set():
            try:
                sock.send_close()
            except Exception as error:
                _log.debug("no farewell possible: %s", error)
        # Wakes the reader; closing the descriptor under it would not.
        try:
            self._raw.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            _log.debug("socket was already shut: %s", error)
        if threading.current_thread() is not self.wst:
            self.wst.join(JOIN_S)
            if self.wst.is_alive():
                _log.error("socket thread did not end within %.0f s", JOIN_S)
        self._raw.close()

    def _run(self) -> None:
        try:
            self.ws.run_forever(
                ping_interval=self.ping_interval,
                ping_timeout=self.ping_timeout,
                skip_utf8_validation=True,  # msgspec checks it, and gets the bytes as they came
            )
        except Exception as error:
            self._end(f"{type(error).__name__}: {error}")
        self._end("ended")

    def _on_open(self) -> None:
        self._raw.settimeout(PING_INTERVAL_S)
        self.pong_at_s = time.monotonic()
        self.opened.set()

    def _on_message(self, message: bytes) -> None:
        recv_ns = time.time_ns()
        if self._closing:
            return
        try:
            if b'"topic"' in message or not self._handle_op(message):
                self._on_frame(message, recv_ns)
        except Exception:
            _log.exception("frame handler failed; the frame is lost, the socket stays")

    def _handle_op(self, message: bytes) -> bool:
        """Answer to a request or ping; False if it is neither, so that somebody else sees the oddity."""
        try:
            frame = _op.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        kind = frame.kind
        if kind == "pong":
            self.pong_at_s = time.monotonic()
            if self._pinged_at_s:
                self.ping_round_trip_s = self.pong_at_s - self._pinged_at_s
            return True
        if not kind and frame.success is None:
            return False
        if not self.requests.answer(frame):
            _log.warning("unexpected answer to %s: success=%s %s", kind, frame.success, frame.ret_msg)
        return True

    def _on_error(self, error: object) -> None:
        # A refused handshake's text goes on with headers and body behind this mark.
        text = str(error).partition(" -+-+-")[0]
        self._end(f"{type(error).__name__}: {text}" if text else type(error).__name__)

    def _on_close(self) -> None:
        self._end("closed")

    def _on_pong(self) -> None:
        """A protocol pong is the beat for the venue's own text ping, whose answer proves more than the library's."""
        if self._closing or self.lost.is_set():
            return
        self._pinged_at_s = time.monotonic()
        try:
            self.ws.send(self.custom_ping_message)
        except Exception as error:
            _log.debug("text ping not sent: %s", error)

    def _end(self, reason: str) -> None:
        with self._end_lock:
            if self.lost.is_set():
                return
            self.lost_reason = reason
            self.lost.set()
        self.exited = True
        self.requests.fail_all(reason)
        if self._closing or not self.opened.is_set():
            return
        try:
            self._on_lost(reason)
        except Exception:
            _log.exception("handler of a lost socket failed")


def end_point(template: str, url: str | None, *, testnet: bool, demo: bool) -> str:
    """Where to connect: pybit's template filled in, with everything before `/v5/` taken from `url` if given."""
    if demo:
        subdomain = pybit_stream.DEMO_SUBDOMAIN_TESTNET if testnet else pybit_stream.DEMO_SUBDOMAIN_MAINNET
    else:
        subdomain = pybit_stream.SUBDOMAIN_TESTNET if testnet else pybit_stream.SUBDOMAIN_MAINNET
    default = template.format(SUBDOMAIN=subdomain, DOMAIN=pybit_stream.DOMAIN_MAIN, TLD=pybit_stream.TLD_MAIN)
    if url is None:
        return default
    base = url.partition("/v5/")[0].rstrip("/")
    return f"{base}/v5/{default.partition('/v5/')[2]}"


def _dial(url: str, timeout_s: float) -> socket.socket:
    """A connected socket whose every wait is bounded; websocket-client's own dialling has no deadline."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme == "wss"
    raw = socket.create_connection((host, parts.port or (443 if secure else 80)), timeout_s)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if not secure:
        return raw
    try:
        return ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise
