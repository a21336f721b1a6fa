"""One call to Bybit over pybit, as an untrusted transport: one try, every failure classified, every call counted.

pybit's defaults re-send orders (reliability §0, 4): `retry_codes={-999}, max_retries=1, force_retry=False` is the one
combination that does not. Its error texts hold whole requests and the venue's may hold our key: neither goes further.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP
from requests.utils import get_environ_proxies
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from hedgegrid.bybit import errors
from hedgegrid.bybit.errors import Kind, NotSent, Outcome, VenueError
from hedgegrid.bybit.query_pace import QueryPace
from hedgegrid.bybit.requests import Operation
from hedgegrid.bybit.venue_clock import VenueClock

MAX_REASON_CHARS = 300

Row = dict[str, Any]
BeforeSend = Callable[[], None]


class Phase(StrEnum):
    """Why a call is made; in steady state only orders are posted."""

    STARTUP = "startup"
    STEADY = "steady"
    RECONCILE = "reconcile"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSettings:
    """`base_url` stands for the venue's own hosts when a simulator is meant; windows in ms, timeouts in s."""

    base_url: str | None = None
    demo: bool = False
    testnet: bool = False
    recv_window_ms: int = 2500
    connect_timeout_s: float = 2.0
    read_timeout_s: float = 5.0


class Call(NamedTuple):
    """One call made, for counters. `outcome`: ok, rejected, rate_limited, ambiguous or error."""

    phase: Phase
    method: str
    path: str
    outcome: str
    seconds: float
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """`result` of the envelope, the venue's time of it (ms, 0 when it gave none), the response headers."""

    result: Row
    time_ms: int
    headers: Mapping[str, str]


class Transport:
    """Makes the calls of one account; safe to share: each thread gets a pybit object and a connection of its own."""

    def __init__(self, settings: RestSettings, api_key: str, api_secret: str, count: Callable[[Call], None]) -> None:
        self._settings = settings
        self._keys = (api_key, api_secret)
        self._count = count
        self._local = threading.local()
        self._pace = QueryPace()
        self.clock = VenueClock()
        """Its time goes into every signature."""
        self.guard: BeforeSend | None = None
        """Runs before every call of any kind is sent; raises NotSent while the address is banned."""

    def venue_now_ms(self) -> int:
        return self.clock.now_ms()

    @property
    def offset_ms(self) -> int:
        """Venue time minus our wall clock's."""
        return self.clock.offset_ms

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Count the calls this thread makes inside as part of `phase`; outside of any they are `steady`."""
        before = getattr(self._local, "phase", Phase.STEADY)
        self._local.phase = phase
        try:
            yield
        finally:
            self._local.phase = before

    def call(
        self,
        operation: Operation,
        name: str,
        method: str,
        path: str,
        params: Row,
        before_send: BeforeSend | None = None,
    ) -> Answer:
        http = self._http()
        http.before_send = before_send
        http.sent = False
        if self.guard is not None:
            self.guard()
        started = time.perf_counter()
        asked_ns = self.clock.monotonic_ns()
        headers: Mapping[str, str] = {}
        outcome: Outcome | None = None
        try:
            body, _, headers = getattr(http, name)(**params)
            answer = _answer(body, headers)
            if answer is not None:
                if answer.time_ms:
                    self.clock.mentioned(answer.time_ms, asked_ns, self.clock.monotonic_ns())
                return answer
            outcome = errors.no_answer("the answer is not what it should be")
        except InvalidRequestError as error:
            headers = error.resp_headers or {}
            wait = errors.wait_hint_ms(headers, self.venue_now_ms())
            outcome = self._judge_code(operation, error.status_code, str(error.message), wait)
        except FailedRequestError as error:
            headers = error.resp_headers or {}
            if error.resp_headers is None:  # pybit's own invention: 409 for a body that is no JSON
                outcome = errors.no_answer("the answer is not JSON")
            else:
                outcome = errors.classify_http(error.status_code, errors.wait_hint_ms(headers, self.venue_now_ms()))
        except requests.RequestException as error:
            outcome = _judge_transport(error)
        except NotSent:
            raise
        except Exception as error:  # pybit on a body of another shape: KeyError, AttributeError, ValueError, ...
            outcome = self._judge_surprise(error, http.sent)
        finally:
            if http.sent:
                seconds = time.perf_counter() - started
                phase = getattr(self._local, "phase", Phase.STEADY)
                self._count(Call(phase, method, path, _label(outcome), seconds, headers))
        raise VenueError(outcome, f"{method} {path}")

    def _judge_code(self, operation: Operation, code: object, message: str, wait_ms: int) -> Outcome:
        reason = message.replace(self._keys[0], "***")[:MAX_REASON_CHARS]
        if not isinstance(code, int) or isinstance(code, bool):
            return errors.no_answer(f"retCode {code!r} is no number")
        return errors.classify_code(operation, code, reason, wait_ms)

    @staticmethod
    def _judge_surprise(error: Exception, sent: bool) -> Outcome:
        if sent:
            return errors.no_answer(f"unreadable answer ({type(error).__name__})")
        return Outcome(Kind.REJECTED, 0, f"the request could not be made ({type(error).__name__})")

    def _http(self) -> "_Http":
        http: _Http | None = getattr(self._local, "http", None)
        if http is None:
            http = self._local.http = _Http(self._settings, self._keys, self.venue_now_ms)
        return http


class _Http(HTTP):  # type: ignore[misc]
    """pybit with our clock in the signature and a hook between signing and sending."""

    def __init__(self, settings: RestSettings, keys: tuple[str, str], now_ms: Callable[[], int]) -> None:
        super().__init__(
            demo=settings.demo,
            testnet=settings.testnet,
            api_key=keys[0],
            api_secret=keys[1],
            timeout=(settings.connect_timeout_s, settings.read_timeout_s),
            recv_window=settings.recv_window_ms,
            retry_codes={-999},
            max_retries=1,
            force_retry=False,
            return_response_headers=True,
        )
        if settings.base_url:
            self.endpoint = settings.base_url.rstrip("/")
        self.client.max_redirects = 0  # a redirect would be followed with the order in hand
        self.client.proxies = get_environ_proxies(self.endpoint)
        self.client.trust_env = False  # else proxies and .netrc are looked up again for every call
        self._now_ms = now_ms
        self._prepared: dict[str, requests.PreparedRequest] = {}
        self.before_send: BeforeSend | None = None
        self.sent = False

    def _prepare_headers(
        self, payload: str, recv_window: int, content_type: str = "application/json"
    ) -> dict[str, str]:
        timestamp = self._now_ms()
        return {
            "Content-Type": content_type,
            "X-BAPI-API-KEY": self.api_key,
            "X-BAPI-SIGN": self._auth(payload, recv_window, timestamp),
            "X-BAPI-SIGN-TYPE": "2",
            "X-BAPI-TIMESTAMP": str(timestamp),
            "X-BAPI-RECV-WINDOW": str(recv_window),
        }

    def _prepare_request(self, method: str, path: str, params: str, headers: dict[str, str]) -> Any:
        if method == "POST":
            request = self._post(path, params, headers)
        else:
            request = super()._prepare_request(method, path, params, headers)
        if self.before_send is not None:
            self.before_send()
        self.sent = True
        return request

    def _post(self, url: str, body: str, headers: dict[str, str]) -> requests.PreparedRequest:
        """What all requests to a URL share is put together once: it takes longer than all else that an order needs here
        (docs/decisions/0015). Cookies that came since are not among it; the API asks for none."""
        if url not in self._prepared:
            self._prepared[url] = super()._prepare_request("POST", url, "", {})
        request = self._prepared[url].copy()
        request.headers.update(headers)
        request.prepare_body(body, None)
        return request


def _answer(body: object, headers: Mapping[str, str]) -> Answer | None:
    """The answer, if it is one: pybit takes a body without retCode for success."""
    if not isinstance(body, dict) or type(body.get("retCode")) is not int or body["retCode"] != 0:
        return None
    result, stamp = body.get("result"), body.get("time")
    if result is not None and not isinstance(result, dict):
        return None
    return Answer(result or {}, stamp if isinstance(stamp, int) else 0, headers)


def _judge_transport(error: requests.RequestException) -> Outcome:
    """Only a connection that never came about proves that nothing was sent."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return errors.never_connected(f"cannot connect ({type(reason).__name__})")
    return errors.no_answer(type(error).__name__)


def _label(outcome: Outcome | None) -> str:
    if outcome is None:
        return "ok"
    match outcome.kind:
        case Kind.REJECTED | Kind.ALREADY:
            return "rejected"
        case Kind.RETRY_SAME_ID if outcome.code in errors.THROTTLED:
            return "rate_limited"
        case Kind.BANNED:
            return "rate_limited"
        case Kind.AMBIGUOUS:
            return "ambiguous"
        case _:
            return "error"
