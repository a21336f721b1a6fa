"""One REST request from raw bytes to envelope: address budget, signature, account budget, handler, journal."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from hedgegrid.exchange_sim.auth import MissingAuthError
from hedgegrid.exchange_sim.clock import wall_ms
from hedgegrid.exchange_sim.errors import ApiError, params_error
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.journal import Entry, link_ids
from hedgegrid.exchange_sim.rate_limit import Verdict
from hedgegrid.exchange_sim.rest.orders import RATE_LIMITED, batch_legs
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.exchange_sim.rest.routing import Answer, Call, Route
from hedgegrid.exchange_sim.rest.table import ROUTES

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Trace:
    """What the journal and the headers need to know of a request, gathered on its way."""

    account: str = ""
    params: Params | None = None
    verdict: Verdict | None = None


class RestService:
    """Answers every path below `/v5`; business errors are HTTP 200 with a `retCode`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """The venue is changed and the answer written before any push that follows from it leaves."""
        now_ms = wall_ms()
        method, path = request.method, request.path
        trace = _Trace()
        if not self._exchange.addresses.allows(request.remote or "", now_ms):
            return self._plain(403, "access too frequent, please try again later", trace, method, path, now_ms)
        route = ROUTES.get((method, path))
        if route is None:
            return self._plain(404, "not found", trace, method, path, now_ms)
        body = await request.read()
        if method == "GET" and body:
            return self._plain(403, "a GET must not have a body", trace, method, path, now_ms)
        query = request.raw_path.partition("?")[2]
        try:
            reply, code = self._process(route, request, query.encode() if method == "GET" else body, trace, now_ms), 0
            text = reply.text
        except ApiError as error:
            reply, code, text = Answer({}, {}), error.code, error.text
        except MissingAuthError:
            return self._plain(401, "", trace, method, path, now_ms)
        self._note(trace, method, path, code, now_ms)
        self._exchange.pusher.flush_soon()
        envelope = {
            "retCode": code,
            "retMsg": text,
            "result": reply.result,
            "retExtInfo": reply.ext,
            "time": wall_ms(),
        }
        return web.Response(
            body=_encode(envelope), content_type="application/json", headers=_headers(code, trace.verdict, now_ms)
        )

    def _process(self, route: Route, request: web.BaseRequest, payload: bytes, trace: _Trace, now_ms: int) -> Answer:
        if not route.private:
            return route.handler(self._exchange, Call("", _query(payload)))
        account = self._exchange.authenticator.check_rest(request.headers, payload, now_ms)
        trace.account = account.id
        trace.params = _query(payload) if request.method == "GET" else _body(payload)
        units = max(len(batch_legs(trace.params)), 1) if route.is_batch else 1
        verdict = self._exchange.budgets.take(account.id, route.kind, now_ms, units)
        trace.verdict = verdict
        if verdict is not None and not verdict.granted and not route.is_batch:
            raise ApiError(*RATE_LIMITED)
        granted = units if verdict is None else verdict.granted
        return route.handler(self._exchange, Call(account.id, trace.params, granted))

    def _plain(self, status: int, text: str, trace: _Trace, method: str, path: str, now_ms: int) -> web.Response:
        self._note(trace, method, path, -status, now_ms)
        return web.Response(status=status, text=text)

    def _note(self, trace: _Trace, method: str, path: str, code: int, now_ms: int) -> None:
        entry = Entry(now_ms, trace.account, method, path, link_ids(trace.params), code)
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


def _headers(code: int, verdict: Verdict | None, now_ms: int) -> dict[str, str]:
    headers = {"Timenow": str(now_ms), "Ret_code": str(code)}
    if verdict is not None:
        headers["X-Bapi-Limit"] = str(verdict.limit)
        headers["X-Bapi-Limit-Status"] = str(verdict.remaining)
        headers["X-Bapi-Limit-Reset-Timestamp"] = str(verdict.reset_ms)
    return headers
