"""What our own streams say of one account: orders sent, fills booked, results per leg, latencies. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg
from hedgegrid.messages.events import (
    AccountEvent,
    CommandKind,
    OrderAccepted,
    OrderAcked,
    OrderCanceled,
    OrderCompleted,
    OrderDenied,
    OrderEvent,
    OrderFilled,
    OrderRejected,
)
from hedgegrid.messages.ledger import CycleClosed, FillBooked, FundingBooked, LedgerMessage


@dataclass(slots=True)
class LegResult:
    """Sums of the ledger rows of one leg, in quote coin; `fees` and `funding` > 0 were paid."""

    gross: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def realised(self) -> Decimal:
        return self.gross - self.fees - self.funding


@dataclass(slots=True)
class OwnBooks:
    """Grows with every message of the account's event and ledger streams; a message told twice counts once."""

    legs: dict[tuple[str, Leg], LegResult] = field(default_factory=dict)
    booked: Counter[str] = field(default_factory=Counter)
    """Trade id → ledger rows that book it."""
    fills: Counter[str] = field(default_factory=Counter)
    cycles_closed: Counter[str] = field(default_factory=Counter)
    sent: dict[str, str] = field(default_factory=dict)
    """Client order id of every order that reached the venue → symbol."""
    rejected: dict[str, str] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)
    decision_ns: list[int] = field(default_factory=list)
    sending_ns: list[int] = field(default_factory=list)
    _timed: set[str] = field(default_factory=set)

    def apply_event(self, event: AccountEvent) -> None:
        match event:
            case OrderAcked(command=CommandKind.SUBMIT):
                self._sent(event)
                self._time(event)
            case OrderRejected():
                self.rejected[event.client_order_id] = event.symbol
                if event.code:
                    self._sent(event)
            case OrderDenied(command=CommandKind.SUBMIT):
                self.denied[event.client_order_id] = event.symbol
            case OrderAccepted() | OrderFilled() | OrderCompleted() | OrderCanceled():
                # An ack may have been lost on the way; the order reached the venue all the same.
                if parse_client_order_id(event.client_order_id) is not None:
                    self._sent(event)

    def apply_row(self, row: LedgerMessage) -> None:
        match row:
            case FillBooked():
                leg = self._leg(row.symbol, row.leg)
                leg.gross += row.gross
                leg.fees += row.fee
                self.fills[row.symbol] += 1
                self.booked[row.trade_id] += 1
            case FundingBooked():
                self._leg(row.symbol, row.leg).funding += row.amount
                self.booked[row.trade_id] += 1
            case CycleClosed():
                self.cycles_closed[row.symbol] += 1

    def leg(self, symbol: str, leg: Leg) -> LegResult:
        return self.legs.get((symbol, leg), LegResult())

    def _leg(self, symbol: str, leg: Leg) -> LegResult:
        return self.legs.setdefault((symbol, leg), LegResult())

    def _sent(self, event: OrderEvent) -> None:
        self.sent[event.client_order_id] = event.symbol

    def _time(self, ack: OrderAcked) -> None:
        if ack.cause_ns > 0 and ack.sent_ns > 0 and ack.client_order_id not in self._timed:
            self._timed.add(ack.client_order_id)
            self.decision_ns.append(ack.decided_ns - ack.cause_ns)
            self.sending_ns.append(ack.sent_ns - ack.cause_ns)
