"""What a person watches of a bot, as the metrics service tells it (`GET /api/state`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hedgegrid.domain.order import Leg

UNKNOWN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegView:
    """`realised` is net; `fees` and `funding` are the parts of it."""

    qty: str = UNKNOWN
    level: str = UNKNOWN
    working_orders: str = UNKNOWN
    cycles: str = UNKNOWN
    realised: str = UNKNOWN
    fees: str = UNKNOWN
    funding: str = UNKNOWN
    unrealised: str = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class BotView:
    account: str
    symbol: str
    price: str = UNKNOWN
    state: str = UNKNOWN
    legs: Mapping[Leg, LegView]


def parse_state(answer: Mapping[str, Any]) -> list[BotView]:
    """One view per bot; whatever the service does not know yet stays a dash."""
    return [
        BotView(
            account=row["account"],
            symbol=row["symbol"],
            price=_text(row["last_px"]),
            state=_text(row["state"]),
            legs={leg: _leg(row["legs"][leg.word]) for leg in Leg},
        )
        for row in answer["bots"]
    ]


def _leg(row: Mapping[str, Any]) -> LegView:
    realised = row["realised"]
    return LegView(
        qty=_text(row["qty"]),
        level=_text(row["level"]),
        working_orders=_text(row["working_orders"]),
        cycles=_text(row["cycles"]),
        realised=_text(realised["net"]),
        fees=_text(realised["fees"]),
        funding=_text(realised["funding"]),
        unrealised=_text(row["unrealised"]),
    )


def _text(value: object) -> str:
    return UNKNOWN if value is None else str(value)
