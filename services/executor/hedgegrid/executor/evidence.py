"""What the venue shows of one order of ours: the three places an order can be seen, asked by its orderLinkId."""

import logging
from dataclasses import dataclass, field
from enum import Enum

from hedgegrid.bybit import parse
from hedgegrid.bybit.parse_fields import decimal_or_zero
from hedgegrid.bybit.rest import RestClient, Row
from hedgegrid.executor.closing_gross import MissingResult, execution_rows, executions_of
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import AmendOrder, CancelOrder, OrderCommand, SubmitOrder

OPEN = frozenset({"New", "PartiallyFilled", "Untriggered"})

_log = logging.getLogger(__name__)


class Verdict(Enum):
    DONE = "done"
    """The command had its effect, or its order is over."""
    OPEN = "open"
    """The order rests as it was: an amend or cancel has had no effect so far."""
    FOREIGN = "foreign"
    """Another order has the id."""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """`order` is None when only executions were found; `verdict` and `events` are for evidence that was judged."""

    order: Row | None
    executions: list[Row]
    verdict: Verdict = Verdict.OPEN
    events: list[Message] = field(default_factory=list)

    @property
    def found(self) -> bool:
        return self.order is not None or bool(self.executions)

    @property
    def venue_order_id(self) -> str:
        rows = [self.order] if self.order is not None else self.executions
        return str(rows[0].get("orderId") or "") if rows else ""

    def judge(self, command: OrderCommand) -> None:
        """Set the verdict.

        Raises:
            ParseError: the row is not understood.
        """
        row = None if self.order is None else parse.row_of(parse.OrderRow, self.order)
        is_open = row is not None and row.order_status in OPEN
        match command:
            case SubmitOrder():
                self.verdict = Verdict.DONE if row is None or _is_of(row, command) else Verdict.FOREIGN
            case AmendOrder():
                done = not is_open or (row is not None and _has_terms_of(row, command))
                self.verdict = Verdict.DONE if done else Verdict.OPEN
            case CancelOrder():
                self.verdict = Verdict.OPEN if is_open else Verdict.DONE


def _is_of(row: parse.OrderRow, command: SubmitOrder) -> bool:
    """True when the order can be the one sent: side, leg and reduce-only never change."""
    same_leg = parse.order_leg(row) is command.leg
    return same_leg and row.side == command.side.value and bool(row.reduce_only) is command.reduce_only


def _has_terms_of(row: parse.OrderRow, command: AmendOrder) -> bool:
    terms = decimal_or_zero("qty", row.qty), decimal_or_zero("price", row.price)
    return terms == (command.qty, command.price)


def look(rest: RestClient, symbol: str, link_id: str) -> Evidence:
    """Ask until something is found. Finding nothing means that all three places answered and showed nothing.

    The order list of open and just closed orders is memory only and the history is written late, so neither alone
    proves absence (reliability A15, A16).

    Raises:
        VenueError, NotSent: a call failed, so nothing may be concluded. ParseError: the row is not understood.
    """
    order = rest.order_by_link_id(symbol, link_id)
    if order is None:
        order = rest.past_order_by_link_id(symbol, link_id)
    if order is not None and not decimal_or_zero("cumExecQty", order.get("cumExecQty")):
        return Evidence(order=order, executions=[])
    return Evidence(order=order, executions=rest.executions_by_link_id(symbol, link_id))


def events_of(rest: RestClient, evidence: Evidence, symbol: str, ts_init: int) -> list[Message]:
    """Fills first, then the order's state, as the venue's pushes would have told them.

    Closing fills whose result the venue does not show yet are left out: their push or the next snapshot brings them.

    Raises:
        VenueError, NotSent.
    """
    events: list[Message] = []
    try:
        events += executions_of(rest, execution_rows(evidence.executions), symbol, ts_init)
    except (MissingResult, parse.ParseError) as error:
        _log.warning("fills of %s are left to the socket or a snapshot: %s", evidence.venue_order_id, error)
    try:
        row = None if evidence.order is None else parse.row_of(parse.OrderRow, evidence.order)
        event = None if row is None else parse.order_event(row, ts_init)
    except parse.ParseError as error:
        _log.error("the state of %s is left to the socket or a snapshot: %s", evidence.venue_order_id, error)
        event = None
    return events if event is None else [*events, event]
