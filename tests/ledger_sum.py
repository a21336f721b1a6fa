"""What the ledger says a leg has earned, to be held against the venue's own figure."""

from collections.abc import Iterable
from decimal import Decimal

from hedgegrid.domain.order import Leg
from hedgegrid.messages.ledger import BaselineTaken, DifferenceFound, FillBooked, FundingBooked, LedgerMessage


def realised(rows: Iterable[LedgerMessage], leg: Leg) -> Decimal:
    """The venue's all-time result when the life began, and what the ledger says since."""
    total = Decimal(0)
    for row in rows:
        match row:
            case BaselineTaken() if row.leg is leg:
                total = row.cum_realised
            case FillBooked() if row.leg is leg:
                total += row.gross - row.fee
            case DifferenceFound() if row.leg is leg:
                total += row.amount
            case FundingBooked() if row.leg is leg:
                total -= row.amount
    return total
