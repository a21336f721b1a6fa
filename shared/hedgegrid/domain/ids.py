"""The client order id: a function of committed state, so that replaying a step makes the same id.

Form `h{life}-{symbol}-{L|S}{purpose}{level:02}-{sequence}`; life and sequence in base 36. Bybit allows
36 characters of `[A-Za-z0-9_-]` and wants an id never to be used again (`orderLinkId`, order/create).
"""

import re
from typing import NamedTuple

from hedgegrid.domain.order import Leg, Purpose

MAX_LENGTH = 36
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PATTERN = re.compile(r"h([0-9a-z]+)-([A-Z0-9]+)-([LS])([EATCRSK])(\d\d)-([0-9a-z]+)\Z")


class ClientOrderId(NamedTuple):
    """Parts of an id: `life` counts births of the bot's state, `sequence` its orders within one life."""

    life: int
    symbol: str
    leg: Leg
    purpose: Purpose
    level: int
    sequence: int

    def __str__(self) -> str:
        leg = "L" if self.leg is Leg.LONG else "S"
        text = f"h{_base36(self.life)}-{self.symbol}-{leg}{self.purpose.value}{self.level:02d}-{_base36(self.sequence)}"
        if len(text) > MAX_LENGTH:
            raise ValueError(f"client order id {text!r} is longer than {MAX_LENGTH} characters")
        return text


def emergency_id(symbol: str, leg: Leg, now_ms: int) -> str:
    """Id of an order that closes a leg without the bot, so of no life: 0. Unique for each tenth of a second."""
    return str(ClientOrderId(0, symbol, leg, Purpose.EMERGENCY, 0, now_ms // 100))


def parse_client_order_id(text: str) -> ClientOrderId | None:
    """Parts of an id of ours, or None for a foreign one."""
    match = _PATTERN.match(text)
    if match is None:
        return None
    life, symbol, leg, purpose, level, sequence = match.groups()
    return ClientOrderId(
        int(life, 36),
        symbol,
        Leg.LONG if leg == "L" else Leg.SHORT,
        Purpose(purpose),
        int(level),
        int(sequence, 36),
    )


def _base36(number: int) -> str:
    if number < 0:
        raise ValueError(f"{number} is negative; lives and sequences count from 0")
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if number == 0:
            return text
