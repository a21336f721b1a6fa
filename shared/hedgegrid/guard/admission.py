"""Whether one more order that adds exposure may go to the venue: the stage's word, then the account's caps."""

from decimal import Decimal

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.config import HUNDRED, GuardConfig
from hedgegrid.guard.figures import Figures

_CENT = Decimal("0.01")


def stage_forbids(stage: RiskStage, client_order_id: str) -> bool:
    """Entries end at NO_NEW_CYCLES, everything else that adds exposure at NO_AVERAGING."""
    parts = parse_client_order_id(client_order_id)
    opens_cycle = parts is not None and parts.purpose is Purpose.ENTRY
    return stage >= (RiskStage.NO_NEW_CYCLES if opens_cycle else RiskStage.NO_AVERAGING)


def cap_broken(config: GuardConfig, figures: Figures, notional: Decimal, margin: Decimal) -> str | None:
    """Which cap of the account an order of `notional` and initial `margin` would break, with the numbers.

    Both in USDT; orders admitted since `figures` were measured belong into them.
    """
    if figures.free is None or figures.equity is None:
        return f"equity and margin are not known: {figures.blind_why or 'no word on the wallet yet'}"
    cap = config.max_open_notional_usdt
    if cap is not None and figures.worst_notional + notional > cap:
        return (
            f"open notional would be {_usdt(figures.worst_notional + notional)} USDT with every order filled,"
            f" more than max_open_notional_usdt {plain(cap)}"
        )
    least = figures.equity * config.balance_buffer_pct / HUNDRED
    if figures.free - margin < least:
        return (
            f"free equity would be {_usdt(figures.free - margin)} USDT with every order filled, less than the"
            f" balance buffer of {_usdt(least)} USDT ({plain(config.balance_buffer_pct)} % of {_usdt(figures.equity)})"
        )
    return None


def _usdt(value: Decimal) -> str:
    return plain(value.quantize(_CENT))
