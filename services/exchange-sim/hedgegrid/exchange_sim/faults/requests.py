"""The request edge: from the faults that hit a request to what is done with it; the same for REST and trade socket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hedgegrid.exchange_sim.faults.kinds import (
    AnswerCode,
    AnswerGarbage,
    AnswerLate,
    AnswerLost,
    AnswerStatus,
    QueryStale,
    RaceFill,
    RequestFault,
    RequestLate,
)
from hedgegrid.exchange_sim.faults.plan import Subject
from hedgegrid.venue.engine import Venue

NOT_ARRIVED = -1
"""Journal code of a request that the exchange never executed and answered with nothing of its own."""
TEXTS = {
    10000: "Server Timeout",
    10002: "invalid request, please check your server timestamp or recv_window param.",
    10006: "Too many visits!",
    10016: "Server error",
    10019: "ws trade service is restarting, please reconnect",
}
_FIELDS = ("symbol", "side", "orderLinkId", "orderId", "positionIdx")


@dataclass(slots=True)
class Plan:
    """What becomes of one request. `code` with `text` replaces the answer, as do `status` and `garbage`."""

    executed: bool = True
    hold_s: float = 0.0
    answer_delay_s: float = 0.0
    is_lost: bool = False
    loses_race: bool = False
    lag_ms: int = 0
    status: int = 0
    garbage: str = ""
    code: int | None = None
    text: str = ""
    reset_ms: int | None = None

    @property
    def told(self) -> int:
        """What the journal keeps of a request that was not executed."""
        return self.code if self.code is not None else -self.status or NOT_ARRIVED


def maintenance() -> Plan:
    return Plan(executed=False, code=10016, text="Service is restarting, please try again later.")


def plan_of(faults: Sequence[RequestFault]) -> Plan:
    """All that hit together; of two that replace the answer the later one holds, and one that keeps the request from
    being executed wins over one that does not."""
    plan = Plan()
    for fault in faults:
        if isinstance(fault, RequestLate):
            plan.hold_s += fault.delay_ms / 1000
        elif isinstance(fault, AnswerLate):
            plan.answer_delay_s += fault.delay_ms / 1000
        elif isinstance(fault, QueryStale):
            plan.lag_ms = max(plan.lag_ms, fault.lag_ms)
        elif isinstance(fault, RaceFill):
            plan.loses_race = True
        elif isinstance(fault, AnswerLost):
            plan.is_lost = True
        elif isinstance(fault, AnswerStatus):
            plan.status = fault.status
        elif isinstance(fault, AnswerGarbage):
            plan.garbage = fault.form
        elif isinstance(fault, AnswerCode):
            plan.code, plan.text = fault.code, fault.text or TEXTS.get(fault.code, "")
            plan.reset_ms = fault.reset_ms if fault.code == 10006 else None
        if isinstance(fault, AnswerLost | AnswerStatus | AnswerGarbage | AnswerCode):
            plan.executed = plan.executed and fault.executed
    return plan


def subject_of(account: str, channel: str, method: str, path: str, params: dict[str, Any]) -> Subject:
    """What request faults are matched against; a batch has the fields of all its legs."""
    legs = params.get("request")
    rows = [row for row in legs if isinstance(row, dict)] if isinstance(legs, list) else [params]
    fields = {name: [str(row[name]) for row in rows if row.get(name) not in (None, "")] for name in _FIELDS}
    return {"account": account, "channel": channel, "method": method, "path": path} | {
        name: values for name, values in fields.items() if values
    }


def lose_race(venue: Venue, account: str, path: str, params: dict[str, Any]) -> None:
    """Let the fill win: every working order that a cancel or amend names fills before it is reached."""
    legs = params.get("request")
    for leg in legs if isinstance(legs, list) else [params]:
        if not isinstance(leg, dict):
            continue
        order_id, link_id = str(leg.get("orderId") or ""), str(leg.get("orderLinkId") or "")
        order = venue.order_by_id(account, order_id) if order_id else venue.order_by_link(account, link_id)
        if order is None or not order.status.is_active:
            continue
        if "/cancel" in path:
            venue.lose_next_cancel(account)
        elif "/amend" in path:
            venue.lose_next_amend(account)
