"""An account made empty: everything cancelled, every position closed at market. For emergencies only.

Every step may be repeated at will: a cancel-all of nothing changes nothing, and a reduce-only order in hedge mode can
shrink a leg but never turn it.
"""

import logging
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.bybit import parse
from hedgegrid.bybit.errors import Kind, VenueError
from hedgegrid.bybit.parse_fields import decimal_or_zero
from hedgegrid.bybit.requests import cancel_everything, market_close
from hedgegrid.bybit.rest import RestClient, Row
from hedgegrid.domain.ids import emergency_id
from hedgegrid.domain.order import Leg, Side

_log = logging.getLogger(__name__)


class OpenPosition(NamedTuple):
    symbol: str
    position_idx: int
    """0 in one-way mode, where nothing of ours is."""
    leg: Leg
    qty: Decimal


def emptied(rest: RestClient) -> bool:
    """Cancel all orders of the account once and look; True when none is left. One request takes at most 500.

    Raises:
        VenueError, NotSent: nothing may be concluded.
    """
    rest.send(cancel_everything(), _always)
    return not rest.all_open_orders()


def open_positions(rest: RestClient) -> list[OpenPosition]:
    """What the account holds.

    Raises:
        VenueError, NotSent, ParseError: nothing may be concluded.
    """
    found = [_position(row) for row in rest.all_positions()]
    return [position for position in found if position is not None]


def close_position(rest: RestClient, position: OpenPosition, now_ms: int) -> None:
    """Send one order that closes a position at market, as much of it as one order may hold; whether it did shows in
    the next look.

    Raises:
        VenueError, NotSent.
    """
    largest = _largest(rest, position.symbol)
    order_id = emergency_id(position.symbol, position.leg, now_ms)
    qty = position.qty if largest is None else min(position.qty, largest)
    request = market_close(position.symbol, position.leg.closing_side, position.position_idx, qty, order_id)
    try:
        rest.send(request, _always)
    except VenueError as error:
        if error.outcome.kind not in (Kind.REJECTED, Kind.ALREADY):
            raise
        _log.warning("%s was not closed by %s: %s", position.symbol, order_id, error)


def _position(row: Row) -> OpenPosition | None:
    qty = decimal_or_zero("size", row.get("size"))
    if qty == 0:
        return None
    leg = Leg.LONG if row.get("side") == Side.BUY.value else Leg.SHORT
    return OpenPosition(str(row.get("symbol")), int(row.get("positionIdx") or 0), leg, qty)


def _largest(rest: RestClient, symbol: str) -> Decimal | None:
    """Most that one market order may hold; None when the venue does not say."""
    try:
        return parse.instrument(parse.row_of(parse.InstrumentRow, rest.instrument(symbol))).max_market_qty
    except (VenueError, parse.ParseError) as error:
        _log.warning("%s: the largest order is not known: %s", symbol, error)
        return None


def _always() -> None:
    """No fence: these requests may be repeated by anybody at any time."""
