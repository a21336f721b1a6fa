"""A small scripted venue: just enough of Bybit's REST, with every misbehaviour a test can ask for.

It keeps orders in memory, refuses a repeated orderLinkId, and records every request with the moment it came.
"""

import contextlib
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CREATE, AMEND, CANCEL, CANCEL_ALL = (f"/v5/order/{name}" for name in ("create", "amend", "cancel", "cancel-all"))
REALTIME, HISTORY, EXECUTIONS = "/v5/order/realtime", "/v5/order/history", "/v5/execution/list"
POSITIONS, CLOSED_PNL, WALLET = "/v5/position/list", "/v5/position/closed-pnl", "/v5/account/wallet-balance"
Row = dict[str, Any]


@dataclass
class Fault:
    """One misbehaviour for one request. `after` = the venue acts before it misbehaves."""

    kind: str
    """`drop` cut the connection, `hang` answer nothing until `release`, `status`, `code` or `body` answer that."""
    value: Any = None
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)


@dataclass
class Seen:
    method: str
    path: str
    params: Row
    at: float


class FakeVenue:
    """Serves until `close`; `url` is its base."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.orders: dict[str, Row] = {}
        self.executions: list[Row] = []
        self.closed_pnl: list[Row] = []
        self.positions: dict[int, Row] = {idx: _position(idx) for idx in (1, 2)}
        self.requests: list[Seen] = []
        self.started_at = time.monotonic()
        self.faults: dict[str, deque[Fault]] = {}
        self.on_request: Callable[[Seen], None] | None = None
        self.hidden: set[str] = set()
        """Ids that queries do not show, as if the venue's lists lagged."""
        self.cancel_all_at_most = 500
        """Bybit cancels any 500 when there are more."""
        self._server = _QuietServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"venue": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        for queue in self.faults.values():
            for fault in queue:
                fault.released.set()
        self._server.shutdown()
        self._server.server_close()
        self.cut_connections()

    def cut_connections(self) -> None:
        """Close every connection, those that are kept for later requests too."""
        self._server.cut_connections()

    def fault(self, path: str, *faults: Fault) -> None:
        """Let the next requests of a path go wrong, one after another."""
        self.faults.setdefault(path, deque()).extend(faults)

    def seen(self, path: str | None = None, method: str | None = None) -> list[Seen]:
        with self.lock:
            return [s for s in self.requests if path in (None, s.path) and method in (None, s.method)]

    def fill(self, link_id: str, price: str, closed_size: str = "0") -> None:
        """Fill an order whole."""
        with self.lock:
            order = self.orders[link_id]
            order |= {"orderStatus": "Filled", "cumExecQty": order["qty"], "avgPrice": price, "leavesQty": "0"}
            number = len(self.executions) + 1
            row = {
                "symbol": order["symbol"], "orderId": order["orderId"], "orderLinkId": link_id, "side": order["side"],
                "execId": f"exec-{number}", "execType": "Trade", "execPrice": price, "execQty": order["qty"],
                "execFee": "0.01", "execTime": str(_now()), "closedSize": closed_size, "leavesQty": "0",
                "isMaker": True, "seq": number,
            }  # fmt: skip
            self.executions.append(row)
            position = self.positions[order["positionIdx"]]
            position |= {"seq": number, "size": order["qty"] if closed_size == "0" else "0", "avgPrice": price}

    def act(self, path: str, params: Row) -> tuple[int, str, Row]:
        with self.lock:
            match path:
                case "/v5/order/create":
                    return self._create(params)
                case "/v5/order/amend":
                    order = self._open(params)
                    if order is None:
                        return 110001, "order not exists or too late to replace", {}
                    order |= {"qty": params["qty"], "price": params["price"], "updatedTime": str(_now())}
                    return 0, "OK", {"orderId": order["orderId"], "orderLinkId": order["orderLinkId"]}
                case "/v5/order/cancel":
                    order = self._open(params)
                    if order is None:
                        return 110001, "order not exists or too late to cancel", {}
                    order |= {"orderStatus": "Cancelled", "cancelType": "CancelByUser", "updatedTime": str(_now())}
                    return 0, "OK", {"orderId": order["orderId"], "orderLinkId": order["orderLinkId"]}
                case "/v5/order/cancel-all":
                    resting = [order for order in self.orders.values() if order["orderStatus"] == "New"]
                    for order in resting[: self.cancel_all_at_most]:
                        order["orderStatus"] = "Cancelled"
                    return 0, "OK", {"success": "1"}
                case "/v5/position/switch-mode":
                    return 110025, "Position mode is not modified", {}
                case "/v5/position/set-leverage":
                    return 110043, "Set leverage has not been modified", {}
            return self._query(path, params)

    def _create(self, params: Row) -> tuple[int, str, Row]:
        link_id = params["orderLinkId"]
        if link_id in self.orders:
            return 110072, "OrderLinkedID is duplicate", {}
        order = {
            "symbol": params["symbol"], "orderId": f"venue-{len(self.orders) + 1}", "orderLinkId": link_id,
            "side": params["side"], "positionIdx": params["positionIdx"], "qty": params["qty"],
            "price": params.get("price", ""), "reduceOnly": params["reduceOnly"], "orderStatus": "New",
            "cumExecQty": "0", "avgPrice": "", "leavesQty": params["qty"], "cancelType": "UNKNOWN",
            "rejectReason": "EC_NoError", "createdTime": str(_now()), "updatedTime": str(_now()),
        }  # fmt: skip
        self.orders[link_id] = order
        return 0, "OK", {"orderId": order["orderId"], "orderLinkId": link_id}

    def _open(self, params: Row) -> Row | None:
        order = self.orders.get(params["orderLinkId"])
        return order if order is not None and order["orderStatus"] == "New" else None

    def _query(self, path: str, params: Row) -> tuple[int, str, Row]:
        link_id = params.get("orderLinkId")
        orders = [o for o in self.orders.values() if link_id in (None, o["orderLinkId"])]
        orders = [dict(o) for o in orders if o["orderLinkId"] not in self.hidden]
        is_open = [o for o in orders if o["orderStatus"] == "New"]
        ended = [o for o in orders if o["orderStatus"] != "New"]
        match path:
            case "/v5/order/realtime" if link_id is not None:
                rows = orders
            case "/v5/order/realtime":
                rows = ended if params.get("openOnly") == "1" else is_open
            case "/v5/order/history":
                rows = ended
            case "/v5/execution/list":
                rows = [dict(e) for e in self.executions if link_id in (None, e["orderLinkId"])]
                rows = [e for e in rows if e["orderLinkId"] not in self.hidden]
            case "/v5/position/list":
                rows = [dict(row) for row in self.positions.values()]
            case "/v5/position/closed-pnl":
                rows = [dict(row) for row in self.closed_pnl]
            case "/v5/account/wallet-balance":
                rows = [{"accountType": "UNIFIED", "totalEquity": "10000", "totalWalletBalance": "10000"}]
            case "/v5/market/instruments-info":
                rows = [_instrument(params["symbol"])]
            case "/v5/market/time":
                return 0, "OK", {"timeSecond": str(_now() // 1000), "timeNano": str(time.time_ns())}
            case _:
                return 10017, "Route not found.", {}
        return 0, "OK", {"list": rows, "nextPageCursor": ""}


class _QuietServer(ThreadingHTTPServer):
    request_queue_size = 64  # every lane opens its connection at once

    def __init__(self, *arguments: Any) -> None:
        self._connections: list[socket.socket] = []
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def cut_connections(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    venue: FakeVenue
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._serve("GET", url.path, dict(parse_qsl(url.query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._serve("POST", self.path, json.loads(body))

    def _serve(self, method: str, path: str, params: Row) -> None:
        venue = self.venue
        seen = Seen(method, path, params, time.monotonic())
        with venue.lock:
            venue.requests.append(seen)
            queue = venue.faults.get(path)
            fault = queue.popleft() if queue else None
        if venue.on_request is not None:
            venue.on_request(seen)
        if fault is None:
            self._answer(*venue.act(path, params))
            return
        if fault.after:
            venue.act(path, params)
        match fault.kind:
            case "drop":
                self.close_connection = True
                self.connection.shutdown(2)
            case "hang":
                fault.released.wait(30)
                self.close_connection = True
            case "status":
                self._send(fault.value, b"<html>no</html>", fault.headers)
            case "body":
                self._send(200, fault.value, fault.headers)
            case "code":
                code, text = fault.value
                body = {"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": _now()}
                self._send(200, json.dumps(body).encode(), fault.headers)

    def _answer(self, code: int, text: str, result: Row) -> None:
        body = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": _now()}
        self._send(200, json.dumps(body).encode(), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _now() -> int:
    return time.time_ns() // 1_000_000


def _position(idx: int) -> Row:
    return {
        "symbol": "BTCUSDT", "positionIdx": idx, "side": "", "size": "0", "avgPrice": "0", "markPrice": "50000",
        "liqPrice": "", "leverage": "10", "cumRealisedPnl": "0", "seq": -1, "updatedTime": str(_now()),
    }  # fmt: skip


def _instrument(symbol: str) -> Row:
    return {
        "symbol": symbol, "status": "Trading", "fundingInterval": 480,
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.1", "maxPrice": "1999999.8", "tickSize": "0.1"},
        "lotSizeFilter": {
            "minOrderQty": "0.001", "maxOrderQty": "1190", "maxMktOrderQty": "500", "qtyStep": "0.001",
            "minNotionalValue": "5",
        },
    }  # fmt: skip


@contextmanager
def running_venue() -> Iterator[FakeVenue]:
    venue = FakeVenue()
    try:
        yield venue
    finally:
        venue.close()
