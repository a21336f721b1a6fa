"""One request of a known account through its rate budget to its handler; the same for REST and the trade socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hedgegrid.exchange_sim.errors import ApiError
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.faults.requests import Plan
from hedgegrid.exchange_sim.rate_limit import Verdict
from hedgegrid.exchange_sim.rest.orders import RATE_LIMITED, batch_legs
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.exchange_sim.rest.routing import Answer, Call, Route


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request came to. `verdict` is None where no budget applies."""

    answer: Answer
    code: int = 0
    verdict: Verdict | None = None

    @property
    def text(self) -> str:
        return self.answer.text


def refusal(code: int, text: str, verdict: Verdict | None = None) -> Outcome:
    return Outcome(Answer({}, {}, text), code, verdict)


def perform(exchange: Exchange, route: Route, account: str, params: Params, now_ms: int, lag_ms: int = 0) -> Outcome:
    """`account` is "" for public calls; a batch takes one unit of its budget a leg, the legs beyond it fail."""
    units = max(len(batch_legs(params)), 1) if route.is_batch else 1
    verdict = exchange.budgets.take(account, route.kind, now_ms, units) if account else None
    if verdict is not None and not verdict.granted and not route.is_batch:
        return refusal(*RATE_LIMITED, verdict)
    granted = units if verdict is None else verdict.granted
    try:
        return Outcome(route.handler(exchange, Call(account, params, granted, lag_ms)), 0, verdict)
    except ApiError as error:
        return refusal(error.code, error.text, verdict)


def spoiled_outcome(plan: Plan, now_ms: int) -> Outcome:
    """The answer that a fault puts in the place of the real one."""
    verdict = None if plan.reset_ms is None else Verdict(0, 10, 0, now_ms + plan.reset_ms)
    return refusal(plan.code or 0, plan.text, verdict)


def limit_headers(verdict: Verdict | None) -> Mapping[str, str]:
    """The `X-Bapi-Limit*` headers of an answer."""
    if verdict is None:
        return {}
    return {
        "X-Bapi-Limit": str(verdict.limit),
        "X-Bapi-Limit-Status": str(verdict.remaining),
        "X-Bapi-Limit-Reset-Timestamp": str(verdict.reset_ms),
    }


def envelope(outcome: Outcome, now_ms: int) -> dict[str, Any]:
    """The body of a REST answer."""
    return {
        "retCode": outcome.code,
        "retMsg": outcome.text,
        "result": outcome.answer.result,
        "retExtInfo": outcome.answer.ext,
        "time": now_ms,
    }
