"""The way to the venue and back, in the place of pybit's HTTP client: what is classified there is raised here as pybit
and requests raise it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from hedgegrid.exchange_sim.rest.dispatch import Outcome, envelope, limit_headers, refusal
from tests.simulation.faults import Faults
from tests.simulation.killpoints import KillPoints
from tests.simulation.loom import NS_PER_MS, NS_PER_S, Loom, Process, Task
from tests.simulation.venue import Exchange

METHODS = {
    "place_order": ("POST", "/v5/order/create"),
    "amend_order": ("POST", "/v5/order/amend"),
    "cancel_order": ("POST", "/v5/order/cancel"),
    "cancel_all_orders": ("POST", "/v5/order/cancel-all"),
    "switch_position_mode": ("POST", "/v5/position/switch-mode"),
    "set_leverage": ("POST", "/v5/position/set-leverage"),
    "get_server_time": ("GET", "/v5/market/time"),
    "get_instruments_info": ("GET", "/v5/market/instruments-info"),
    "get_risk_limit": ("GET", "/v5/market/risk-limit"),
    "get_wallet_balance": ("GET", "/v5/account/wallet-balance"),
    "get_positions": ("GET", "/v5/position/list"),
    "get_open_orders": ("GET", "/v5/order/realtime"),
    "get_order_history": ("GET", "/v5/order/history"),
    "get_executions": ("GET", "/v5/execution/list"),
    "get_closed_pnl": ("GET", "/v5/position/closed-pnl"),
    "get_api_key_information": ("GET", "/v5/user/query-api"),
}
FAULTS = (
    "rest.refused",
    "rest.request_lost",
    "rest.reply_lost",
    "rest.reset_after_sent",
    "rest.slow",
    "rest.late_in_window",
    "rest.late_beyond_window",
    "rest.http_502_executed",
    "rest.http_502_not_executed",
    "rest.10006",
    "rest.10016_executed",
    "rest.10016_not_executed",
    "rest.garbage",
)
LONGEST_WAY_NS = 25 * NS_PER_MS
READ_TIMEOUT_NS = 5 * NS_PER_S


@dataclass(eq=False)
class Sent:
    """One request on its way; `order` when it can change what rests at the venue."""

    process: Process
    account: str
    path: str
    params: dict[str, Any]
    is_order: bool
    epoch: int
    arrived_ns: int = 0
    code: int = 0


@dataclass
class Network:
    """`leaving` is told of each order request before its first byte leaves, `arrived` after the venue judged it."""

    loom: Loom
    faults: Faults
    points: KillPoints
    exchange: Exchange
    leaving: Callable[[Sent], None] = lambda sent: None
    arrived: Callable[[Sent], None] = lambda sent: None
    epoch_of: Callable[[Process, str], int] = lambda process, account: 0

    @property
    def is_out(self) -> bool:
        return self.exchange.rest_out_until_ns > self.loom.now_ns


class Http:
    """pybit's `HTTP` as `hedgegrid.bybit.rest_transport` uses it; one call is one request, or none."""

    network: Network

    def __init__(self, settings: Any, keys: tuple[str, str], now_ms: Callable[[], int]) -> None:
        self._account = keys[0]
        self._window_ms: int = settings.recv_window_ms
        self._now_ms = now_ms
        self.before_send: Callable[[], None] | None = None
        self.sent = False

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(name)
        method, path = METHODS[name]
        return lambda **params: self._call(method, path, params)

    def _call(self, method: str, path: str, params: dict[str, Any]) -> tuple[Any, float, dict[str, str]]:
        network = self.network
        loom, points = network.loom, network.points
        signed_ms = self._now_ms()
        if self.before_send is not None:
            self.before_send()
        self.sent = True
        process, is_order = loom.current.process, path.startswith("/v5/order/") and method == "POST"
        sent = Sent(process, self._account, path, params, is_order, network.epoch_of(process, self._account))
        if is_order:
            network.leaving(sent)
            points.reach("executor.before_post")
        fault = network.faults.first(*FAULTS)
        trip = _Trip(network, sent, method, signed_ms, self._window_ms, fault)
        trip.start()
        if is_order:
            points.reach("executor.post_in_flight")
        answer = trip.outcome()
        if is_order:
            points.reach("executor.after_reply")
        elif path.startswith(("/v5/order", "/v5/execution", "/v5/position/list")):
            points.reach("executor.during_query")
        return answer


class _Trip:
    """One request with what happens to it. What is on its way arrives, whatever became of its sender."""

    def __init__(self, network: Network, sent: Sent, method: str, signed_ms: int, window_ms: int, fault: str) -> None:
        self._network, self._sent, self._method = network, sent, method
        self._signed_ms, self._window_ms, self._fault = signed_ms, window_ms, fault
        self._outcome: Outcome | None = None
        self._lost = False
        self._waiting: list[Task] = []

    def start(self) -> None:
        loom, faults, fault = self._network.loom, self._network.faults, self._fault
        way_ns = loom.random.randrange(NS_PER_MS, LONGEST_WAY_NS)
        if self._network.exchange.is_down:
            self._fault = fault = "rest.refused"
        elif self._network.is_out:
            self._fault = fault = loom.random.choice(("rest.refused", "rest.request_lost", "rest.reset_after_sent"))
        match fault:
            case "rest.refused" | "rest.request_lost":
                return
            case "rest.http_502_not_executed" | "rest.10016_not_executed" | "rest.10006":
                loom.call_in(way_ns, self._back)
                return
            case "rest.slow":
                way_ns += faults.random.randrange(200, 2_000) * NS_PER_MS
            case "rest.late_in_window":
                way_ns += faults.random.randrange(1_500, self._window_ms) * NS_PER_MS
            case "rest.late_beyond_window":
                way_ns += faults.random.randrange(self._window_ms, 3 * self._window_ms) * NS_PER_MS
        loom.call_in(way_ns, self._arrive)

    def outcome(self) -> tuple[Any, float, dict[str, str]]:
        """Wait for the answer.

        Raises:
            InvalidRequestError, FailedRequestError, requests.RequestException.
        """
        loom = self._network.loom
        if self._fault == "rest.refused":
            loom.sleep(loom.random.randrange(NS_PER_MS, 50 * NS_PER_MS))
            raise requests.ConnectionError(MaxRetryError(None, "", NewConnectionError(None, "refused")))  # type: ignore[arg-type]
        if self._fault == "rest.reset_after_sent":
            loom.sleep(loom.random.randrange(NS_PER_MS, LONGEST_WAY_NS))
            raise requests.ConnectionError("Remote end closed connection without response")
        loom.block(self._waiting, READ_TIMEOUT_NS)
        if self._network.is_out:
            raise requests.ConnectionError("Connection aborted")
        outcome = self._outcome
        if outcome is None or self._fault in ("rest.request_lost", "rest.reply_lost"):
            raise requests.ReadTimeout("read timed out")
        match self._fault:
            case "rest.http_502_executed" | "rest.http_502_not_executed":
                raise FailedRequestError("", "upstream error", 502, "", {})
            case "rest.garbage":
                raise FailedRequestError("", "could not decode", 409, "", None)
            case "rest.10016_executed" | "rest.10016_not_executed":
                outcome = refusal(10016, "Server error.")
            case "rest.10006":
                outcome = refusal(10006, "Too many visits!")
        headers = dict(limit_headers(outcome.verdict))
        if outcome.code:
            raise InvalidRequestError("", outcome.text, outcome.code, "", headers)
        return envelope(outcome, loom.now_ms), 0.0, headers

    def _arrive(self) -> None:
        network, sent = self._network, self._sent
        lag_ms = 400 if not sent.is_order and network.faults.strikes("rest.stale_query") else 0
        self._outcome = network.exchange.answer(
            sent.account, self._method, sent.path, sent.params, self._signed_ms, self._window_ms, lag_ms
        )
        sent.arrived_ns, sent.code = network.loom.now_ns, self._outcome.code
        if sent.is_order:
            network.loom.note(f"venue {sent.path} {sent.params.get('orderLinkId', '')} {sent.code}")
            network.arrived(sent)
        if self._fault != "rest.reply_lost":
            network.loom.call_in(network.loom.random.randrange(NS_PER_MS, LONGEST_WAY_NS), self._back)

    def _back(self) -> None:
        if self._outcome is None:
            self._outcome = refusal(0, "OK")
        self._network.loom.notify(self._waiting)
