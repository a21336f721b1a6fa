"""`POST /api/control`: the live page may stop bots, for whoever holds the control token.

Off unless a token is set. The token travels in a header, which no other site can make a browser send here; a request
that says it comes from another site is refused all the same. What is asked goes out as a signed control message, so it
is obeyed only where the control key is right.
"""

import hashlib
import hmac
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.signed_control import send
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import ControlMessage, SetTradingState, ThrowKillSwitch
from hedgegrid.runtime.control_key import control_key
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.http_routes import Request, Response
from hedgegrid.runtime.redaction import register_secrets
from hedgegrid.runtime.service import ServiceContext

PATH = "/api/control"
ACTOR = "live page"
REASON = "asked on the live page"
MIN_TOKEN_CHARS = 24
VARIABLE = "HEDGEGRID_CONTROL_TOKEN_FILE"
REFUSAL_S = 0.5
"""A wrong token is answered this late, one after the other: guessing is hopeless."""

_log = logging.getLogger(__name__)


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """`check` only tries the token; `halt` throws the kill switch; else a bot, or all of an account, change state."""

    account: str = ""
    symbol: str | None = None
    state: TradingState | None = None
    halt: bool = False
    check: bool = False


_wish = msgspec.json.Decoder(Wish)


class WebControl:
    def __init__(self, client: redis.Redis, token: str, key: bytes | None, bots: Mapping[str, tuple[str, ...]]) -> None:
        self._client = client
        self._token = _digest(token)
        self._key = key
        self._bots = bots
        self._refusing = threading.Lock()

    def answer(self, request: Request) -> Response:
        """Answer a request; 202 once the wish is in the stream."""
        if not _same_origin(request.headers):
            return _text(403, "refused: the request comes from another site")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _text(415, "send application/json")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(_digest(given.strip()), self._token):
            _log.warning("a request to control bots came with a wrong token")
            with self._refusing:
                threading.Event().wait(REFUSAL_S)
            return _text(401, "wrong token")
        try:
            wish = _wish.decode(request.body)
        except msgspec.DecodeError as error:
            return _text(400, f"not understood: {error}")
        return _text(200, "right") if wish.check else self._carry(wish)

    def _carry(self, wish: Wish) -> Response:
        symbols = self._bots.get(wish.account)
        if symbols is None or wish.symbol not in (None, *symbols):
            return _text(404, "no such account or bot in the config")
        try:
            now_ms = self._server_ms()
            message = _message(wish, now_ms)
            if message is None:
                return _text(400, "say a state, or halt")
            send(self._client, keys.control(wish.account), message, self._key, now_ms)
        except redis.exceptions.NoPermissionError:
            return _text(403, "this Redis user may not write controls: set HEDGEGRID_CONTROL_REDIS_URL")
        except redis.RedisError as error:
            return _text(503, f"Redis gave no answer ({type(error).__name__}): ask again, which is harmless")
        whom = f"{wish.account}:{wish.symbol}" if wish.symbol else wish.account
        what = "halt" if wish.halt else str(wish.state)
        _log.warning("asked on the live page", extra={"bot": whom, "wish": what})
        return _text(202, f"asked {whom} for {what}")

    def _server_ms(self) -> int:
        """By the clock of the server the age of the entry is judged."""
        seconds, micros = self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000


def open_control(context: ServiceContext) -> WebControl | None:
    """The control of this deployment; None where no token is set.

    Raises:
        ConfigError: the token or the control key cannot be used.
    """
    settings = context.settings
    if settings.control_token_file is None:
        return None
    token = _read_token(settings.control_token_file)
    register_secrets((token,))
    client = connect(settings.control_redis_url or settings.redis_url, "metrics-control")
    bots = {account.id: tuple(bot.symbol for bot in account.bots) for account in context.config.accounts}
    return WebControl(client, token, control_key(settings, context.config.mode), bots)


def _read_token(file: Path) -> str:
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{VARIABLE}={str(file)!r} cannot be read: {reason}") from None
    if len(token) < MIN_TOKEN_CHARS:
        raise ConfigError(
            f"{VARIABLE}={str(file)!r} holds less than {MIN_TOKEN_CHARS} characters; make one with"
            " `openssl rand -hex 32 > control-token`"
        )
    return token


def _message(wish: Wish, now_ms: int) -> ControlMessage | None:
    if wish.halt:
        return ThrowKillSwitch(level=KillLevel.CANCEL, actor=ACTOR, reason=REASON, ts_event=now_ms)
    if wish.state is None:
        return None
    return SetTradingState(symbol=wish.symbol, state=wish.state, actor=ACTOR, reason=REASON, ts_event=now_ms)


def _same_origin(headers: Mapping[str, str]) -> bool:
    """A browser says where a request comes from; a program need not."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return False
    return headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _digest(text: str) -> bytes:
    """Of equal length whatever was sent, so that comparing takes equal time."""
    return hashlib.sha256(text.encode()).digest()


def _text(status: int, text: str) -> Response:
    body = f"{text}\n".encode()
    return Response(status=status, content_type="text/plain; charset=utf-8", body=body)
