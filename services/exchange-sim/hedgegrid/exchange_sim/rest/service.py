"""One REST request from raw bytes to answer: address budget, signature, account budget, handler, journal, faults."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from hedgegrid.exchange_sim.auth import MissingAuthError
from hedgegrid.exchange_sim.clock import wall_ms
from hedgegrid.exchange_sim.errors import ApiError, params_error
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.faults.kinds import RequestFault
from hedgegrid.exchange_sim.faults.requests import Plan, lose_race, maintenance, plan_of, subject_of
from hedgegrid.exchange_sim.journal import Entry, link_ids
from hedgegrid.exchange_sim.rest.dispatch import Outcome, envelope, limit_headers, perform, refusal, spoiled_outcome
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.exchange_sim.rest.routing import Route
from hedgegrid.exchange_sim.rest.table import ROUTES

_encode = msgspec.json.Encoder().encode
_ERROR_PAGE = "<html><body>upstream error</body></html>"
_GARBAGE = {"html": _ERROR_PAGE.encode(), "truncated": b'{"retCode":0,"retM', "empty": b""}


@dataclass(slots=True)
class _Trace:
    """What the journal needs to know of a request, gathered on its way."""

    method: str
    path: str
    now_ms: int
    account: str = ""
    params: Params = field(default_factory=dict)
    lag_ms: int = 0


class RestService:
    """Answers every path below `/v5`; business errors are HTTP 200 with a `retCode`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._answers = 0

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """The venue is changed and the answer written before any push that follows from it leaves."""
        trace = _Trace(request.method, request.path, wall_ms())
        if not self._exchange.addresses.allows(request.remote or "", trace.now_ms):
            return self._plain(403, "access too frequent, please try again later", trace)
        route = ROUTES.get((trace.method, trace.path))
        if route is None:
            return self._plain(404, "not found", trace)
        body = await request.read()
        if trace.method == "GET" and body:
            return self._plain(403, "a GET must not have a body", trace)
        payload = request.raw_path.partition("?")[2].encode() if trace.method == "GET" else body
        if self._exchange.injector.has(RequestFault) or self._exchange.injector.in_maintenance:
            return await self._spoiled(route, request, payload, trace)
        return self._fair(route, request, payload, trace)

    def _fair(self, route: Route, request: web.BaseRequest, payload: bytes, trace: _Trace) -> web.Response:
        """Executed and answered as it should be."""
        try:
            outcome = self._process(route, request, payload, trace)
        except MissingAuthError:
            return self._plain(401, "", trace)
        self._note(trace, outcome.code)
        self._exchange.pusher.flush_soon()
        return self._answered(outcome)

    async def _spoiled(self, route: Route, request: web.BaseRequest, payload: bytes, trace: _Trace) -> web.Response:
        """The same with what was planned to go wrong."""
        plan = self._plan(request, payload, trace)
        trace.lag_ms = plan.lag_ms
        if plan.hold_s:
            await asyncio.sleep(plan.hold_s)
        if plan.loses_race and trace.account:
            lose_race(self._exchange.venue, trace.account, trace.path, trace.params)
        if plan.executed:
            reply = self._fair(route, request, payload, trace)
        else:
            self._note(trace, plan.told)
            reply = web.Response(status=500)
        if plan.answer_delay_s:
            await asyncio.sleep(plan.answer_delay_s)
        if plan.is_lost and request.transport is not None:
            request.transport.abort()
        elif plan.status:
            reply = web.Response(status=plan.status, text=_ERROR_PAGE, content_type="text/html")
        elif plan.garbage:
            reply = web.Response(body=_GARBAGE[plan.garbage], content_type="text/html")
        elif plan.code is not None:
            reply = self._answered(spoiled_outcome(plan, self._exchange.injector.wall_ms()))
        return reply

    def _plan(self, request: web.BaseRequest, payload: bytes, trace: _Trace) -> Plan:
        exchange = self._exchange
        if exchange.injector.in_maintenance:
            return maintenance()
        trace.account = exchange.authenticator.owner_of(request.headers.get("X-BAPI-API-KEY", ""))
        with suppress(ApiError):
            trace.params = _query(payload) if trace.method == "GET" else _body(payload)
        subject = subject_of(trace.account, "rest", trace.method, trace.path, trace.params)
        return plan_of(exchange.injector.requests(subject))

    def _process(self, route: Route, request: web.BaseRequest, payload: bytes, trace: _Trace) -> Outcome:
        try:
            if not route.private:
                return perform(self._exchange, route, "", _query(payload), trace.now_ms)
            clock_ms, trace.account = self._exchange.injector.wall_ms(), ""
            trace.account = self._exchange.authenticator.check_rest(request.headers, payload, clock_ms).id
            trace.params = _query(payload) if trace.method == "GET" else _body(payload)
        except ApiError as error:
            return refusal(error.code, error.text)
        return perform(self._exchange, route, trace.account, trace.params, trace.now_ms, trace.lag_ms)

    def _answered(self, outcome: Outcome) -> web.Response:
        clock_ms = self._exchange.injector.wall_ms()
        self._answers += 1
        headers = {
            "Timenow": str(clock_ms),
            "Ret_code": str(outcome.code),
            "Traceid": f"{self._answers:032x}",
            **limit_headers(outcome.verdict),
        }
        body = _encode(envelope(outcome, clock_ms))
        return web.Response(body=body, content_type="application/json", headers=headers)

    def _plain(self, status: int, text: str, trace: _Trace) -> web.Response:
        self._note(trace, -status)
        return web.Response(status=status, text=text)

    def _note(self, trace: _Trace, code: int) -> None:
        entry = Entry(trace.now_ms, trace.account, trace.method, trace.path, link_ids(trace.params), code)
        self._exchange.journal.add(entry)


def _query(payload: bytes) -> Params:
    return dict(parse_qsl(payload.decode("utf-8", "replace"), keep_blank_values=True))


def _body(payload: bytes) -> Params:
    try:
        body: Any = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise params_error("the body is not JSON") from None
    if not isinstance(body, dict):
        raise params_error("the body is not a JSON object")
    return body
