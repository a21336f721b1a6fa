"""`/v5/trade`: orders over a socket (docs/v5/websocket/trade/guideline); the requests are those of REST."""

import asyncio
from collections import deque
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from hedgegrid.exchange_sim.auth import check_time
from hedgegrid.exchange_sim.clock import wall_ms
from hedgegrid.exchange_sim.errors import ApiError
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.faults.kinds import AuthRefused, RequestFault, SlowReads
from hedgegrid.exchange_sim.faults.requests import Plan, lose_race, maintenance, plan_of, subject_of
from hedgegrid.exchange_sim.journal import Entry, link_ids
from hedgegrid.exchange_sim.rest.dispatch import Outcome, limit_headers, perform, refusal, spoiled_outcome
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.exchange_sim.rest.table import ROUTES
from hedgegrid.exchange_sim.ws.connection import Connection
from hedgegrid.exchange_sim.ws.frames import wire

PATHS = {
    "order.create": "/v5/order/create",
    "order.amend": "/v5/order/amend",
    "order.cancel": "/v5/order/cancel",
    "order.create-batch": "/v5/order/create-batch",
    "order.amend-batch": "/v5/order/amend-batch",
    "order.cancel-batch": "/v5/order/cancel-batch",
}
REQ_IDS_KEPT = 1000
"""How far back a repeated reqId is noticed."""
GARBAGE = b"\x81\x05{oops"


class TradeSession:
    """Requests take effect when they arrive, in order; answers follow after `ack_delay_s`, in the same order."""

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        self._connection = connection
        self._exchange = exchange
        self._req_ids: deque[str] = deque(maxlen=REQ_IDS_KEPT)

    async def run(self, socket: web.WebSocketResponse) -> None:
        """Serve until the client goes."""
        slow = self._exchange.injector.sockets(SlowReads, {"channel": "trade"})
        async for message in socket:
            if slow is not None:
                await asyncio.sleep(slow.delay_ms / 1000)
            if message.type is WSMsgType.TEXT:
                self._connection.heard()
                self._take(message.data)

    def _take(self, text: str) -> None:
        try:
            request = msgspec.json.decode(text)
            op = request["op"]
        except (msgspec.DecodeError, KeyError, TypeError):
            self._answer({"retCode": 10001, "retMsg": "Params Error", "op": "", "connId": self._connection.id})
            return
        args = request.get("args")
        if op == "ping":
            now = str(self._exchange.injector.wall_ms())
            self._answer({"retCode": 0, "retMsg": "OK", "op": "pong", "data": [now], "connId": self._connection.id})
        elif op == "auth":
            self._authenticate(args)
        elif self._connection.account is None:
            refused = {"op": op, "success": False, "ret_msg": "Params Error", "conn_id": self._connection.id}
            self._answer(refused)
        else:
            self._order(request, str(op), args)

    def _authenticate(self, args: Any) -> None:
        connection, injector = self._connection, self._exchange.injector
        code, text = 0, "OK"
        account = self._exchange.authenticator.check_socket(args, injector.wall_ms())
        if account and injector.sockets(AuthRefused, {"channel": "trade", "account": account.id}):
            account = None
        if connection.account is not None:
            code, text = 20001, "Repeat auth"
        elif account is None:
            code, text = 10004, "Invalid sign"
        connection.account = connection.account or account
        self._answer({"retCode": code, "retMsg": text, "op": "auth", "connId": connection.id})

    def _order(self, request: dict[str, Any], op: str, args: Any) -> None:
        now_ms = wall_ms()
        path = PATHS.get(op, "")
        params = args[0] if isinstance(args, list) and args and isinstance(args[0], dict) else {}
        plan = self._plan(path, params)
        if plan.hold_s:
            asyncio.get_running_loop().call_later(plan.hold_s, self._execute, request, op, params, plan)
        else:
            self._execute(request, op, params, plan, now_ms)

    def _execute(self, request: dict[str, Any], op: str, params: Params, plan: Plan, now_ms: int | None = None) -> None:
        now_ms = now_ms or wall_ms()
        if plan.loses_race:
            lose_race(self._exchange.venue, self._connection.account_id, PATHS.get(op, ""), params)
        if plan.executed:
            outcome = self._outcome(request, op, params, now_ms)
            self._note(op, params, outcome.code, now_ms)
            self._exchange.pusher.flush_soon()
        else:
            self._note(op, params, plan.told, now_ms)
            outcome = refusal(10016, "")
        if plan.code is not None:
            outcome = spoiled_outcome(plan, now_ms)
        if plan.status:
            self._connection.close()
        elif plan.garbage:
            self._connection.send(GARBAGE)
        elif not plan.is_lost:
            self._answer(self._reply(request, op, outcome), plan.answer_delay_s)

    def _outcome(self, request: dict[str, Any], op: str, params: Params, now_ms: int) -> Outcome:
        exchange, account = self._exchange, self._connection.account_id
        req_id, header = str(request.get("reqId") or ""), request.get("header")
        if not exchange.trade_requests.allows(self._connection.address, now_ms):
            return refusal(10403, "Exceeded IP rate limit. 3000 requests per second")
        if op not in PATHS or params.get("category", "linear") != "linear":
            return refusal(10404, "op type is not found or category is not supported")
        if req_id and req_id in self._req_ids:
            return refusal(20006, "reqId is duplicated")
        if len(req_id) > 36:
            return refusal(10001, "params error: reqId is longer than 36")
        stamps = header if isinstance(header, dict) else {}
        stamp, window = (str(stamps.get(f"X-BAPI-{name}") or "") for name in ("TIMESTAMP", "RECV-WINDOW"))
        try:
            check_time(stamp, window, exchange.injector.wall_ms())
        except ApiError as error:
            return refusal(error.code, error.text)
        self._req_ids.append(req_id)
        return perform(exchange, ROUTES["POST", PATHS[op]], account, params, now_ms)

    def _plan(self, path: str, params: Params) -> Plan:
        injector = self._exchange.injector
        if injector.in_maintenance:
            return maintenance()
        if not injector.has(RequestFault):
            return Plan()
        subject = subject_of(self._connection.account_id, "trade", "POST", path, params)
        return plan_of(injector.requests(subject))

    def _reply(self, request: dict[str, Any], op: str, outcome: Outcome) -> dict[str, Any]:
        reply: dict[str, Any] = {"reqId": request["reqId"]} if request.get("reqId") else {}
        trace_id = f"{len(self._req_ids):032x}"
        now = str(self._exchange.injector.wall_ms())
        return reply | {
            "retCode": outcome.code,
            "retMsg": outcome.text,
            "op": op,
            "data": outcome.answer.result,
            "retExtInfo": outcome.answer.ext,
            "header": {**limit_headers(outcome.verdict), "Traceid": trace_id, "Timenow": now},
            "connId": self._connection.id,
        }

    def _note(self, op: str, params: Params, code: int, now_ms: int) -> None:
        entry = Entry(now_ms, self._connection.account_id, "WS", op, link_ids(params), code)
        self._exchange.journal.add(entry)

    def _answer(self, message: dict[str, Any], delay_s: float = 0.0) -> None:
        wait_s = delay_s + self._exchange.conduct.ack_delay_s
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s + 0.001, self._connection.send, wire(message))
        else:
            self._connection.send(wire(message))
