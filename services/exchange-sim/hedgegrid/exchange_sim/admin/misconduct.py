"""Faults and events over the admin port."""

from typing import Any

import msgspec

from hedgegrid.exchange_sim.admin.request import AdminError, AdminRequest, Body
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.faults.acting import EventError
from hedgegrid.exchange_sim.faults.events import AnyEvent, Event
from hedgegrid.exchange_sim.faults.kinds import AnyFault, Fault
from hedgegrid.exchange_sim.faults.plan import Armed
from hedgegrid.exchange_sim.faults.scenario import ScenarioError, parse_entry, parse_scenario
from hedgegrid.exchange_sim.faults.schedule import Planned


def faults(exchange: Exchange, request: AdminRequest) -> Body:
    """Everything armed, with how often it matched and hit."""
    return {"list": [_fault_row(armed) for armed in exchange.injector.plan.armed()]}


def add_fault(exchange: Exchange, request: AdminRequest) -> Body:
    fault: Fault = _entry(request.body, AnyFault)
    return _fault_row(exchange.injector.plan.add(fault))


def clear(exchange: Exchange, request: AdminRequest) -> Body:
    """One fault by its id, or every fault and event."""
    if not request.rest:
        exchange.injector.clear()
    elif not request.rest.isdigit() or not exchange.injector.plan.remove(int(request.rest)):
        raise AdminError(404, f"no fault {request.rest}")
    return faults(exchange, request)


def events(exchange: Exchange, request: AdminRequest) -> Body:
    """Everything scheduled, and what could not happen."""
    listed = [_event_row(planned) for planned in exchange.injector.schedule.planned()]
    return {"list": listed, "failures": list(exchange.actor.failures)}


def add_event(exchange: Exchange, request: AdminRequest) -> Body:
    """Without `at_s` the event happens at once and its failure is the answer (409)."""
    event: Event = _entry(request.body, AnyEvent)
    planned = exchange.injector.schedule.add(event)
    if "at_s" not in request.body:
        planned.advance()
        try:
            exchange.actor.act(event, planned.rng)
        except EventError as error:
            raise AdminError(409, str(error)) from None
    return _event_row(planned)


def load(exchange: Exchange, request: AdminRequest) -> Body:
    """A whole scenario in the place of all there is."""
    try:
        exchange.injector.load(parse_scenario(request.body, "scenario"))
    except ScenarioError as error:
        raise AdminError(400, str(error)) from None
    return faults(exchange, request) | {"events": events(exchange, request)["list"]}


def _entry(body: Body, kind: Any) -> Any:
    try:
        return parse_entry(body, kind)
    except ValueError as error:
        raise AdminError(400, str(error)) from None


def _fault_row(armed: Armed) -> Body:
    row: Body = msgspec.to_builtins(armed.fault)
    return row | {"id": armed.id, "matched": armed.seen, "hits": armed.hits}


def _event_row(planned: Planned) -> Body:
    row: Body = msgspec.to_builtins(planned.event)
    return row | {"id": planned.id, "next_s": planned.next_s, "done": planned.done}
