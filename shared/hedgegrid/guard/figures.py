"""What an account is worth, owes and risks at given marks. Formulas: `hedgegrid.domain.risk`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg
from hedgegrid.domain.risk import (
    RiskTier,
    fee_to_close,
    maintenance_margin,
    order_initial_margin,
    position_initial_margin,
    tier_of,
)
from hedgegrid.guard.view import AccountView, HeldLeg, LegKey, Mark, OpeningOrder

RATE_CAP = Decimal("9999.9999")
"""Stands for a margin rate of an account that has no equity left, as at the venue."""
_RATE_STEP = Decimal("0.0001")
_NEWTON_STEPS = 8
"""Tiers a move may cross; each step settles at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Money in USDT, rates and distances as fractions. None: it cannot be told while `blind_why` says so."""

    now_ms: int
    equity: Decimal | None = None
    """Margin balance: wallet balance + unrealised result at mark."""
    im_rate: Decimal | None = None
    """Initial margin of all positions and of every opening order / equity: with everything filled."""
    mm_rate: Decimal | None = None
    liquidation_distance: Decimal | None = None
    """Smallest move of all marks together that ends in liquidation; None where none does."""
    held_notional: Decimal = ZERO
    worst_notional: Decimal = ZERO
    """Positions at mark with every opening order filled."""
    free: Decimal | None = None
    """Equity without initial margin, every opening order filled."""
    totals: Mapping[LegKey, Decimal]
    """Realised and unrealised result of each leg since ever."""
    venue_mm_rate: Decimal | None = None
    venue_age_ms: int | None = None
    blind_ms: int = 0
    """Age of the oldest mark that matters, or of the doubt about positions and orders."""
    blind_why: str = ""
    wallet_ms: int = 0
    """Age of the newest word on the wallet."""

    @property
    def difference(self) -> Decimal | None:
        """Our maintenance margin rate − the venue's."""
        if self.mm_rate is None or self.venue_mm_rate is None:
            return None
        return self.mm_rate - self.venue_mm_rate


class _Exposure(NamedTuple):
    """One leg that holds something, at its mark."""

    sign: int
    value: Decimal
    tiers: Sequence[RiskTier]
    closing_fee: Decimal


def measure(view: AccountView, marks: Mapping[str, Mark], taker_fee: Decimal, now_ms: int) -> Figures:
    """All figures of the account at `now_ms` (the clock of marks and view). `taker_fee` is a fraction."""
    blind_ms, blind_why = _blindness(view, marks, now_ms)
    wallet = view.wallet
    wallet_ms = now_ms - (wallet.at_ms if wallet else view.started_ms)
    totals: dict[LegKey, Decimal] = {}
    exposures: list[_Exposure] = []
    unrealised = maintenance = initial = held = ZERO
    seen_all = wallet is not None
    for (symbol, side), leg in view.legs.items():
        mark, rules = marks.get(symbol), view.instruments.get(symbol)
        if not leg.qty:
            totals[(symbol, side)] = leg.cum_realised
            continue
        if mark is None or rules is None:
            seen_all = False
            continue
        sign, tiers = side.sign, rules.tiers
        value, entry_value = leg.qty * mark.px, leg.qty * leg.entry_px
        result = sign * (value - entry_value)
        totals[(symbol, side)] = leg.cum_realised + result
        unrealised += result
        held += value
        initial += position_initial_margin(value, entry_value, side, leg.leverage, taker_fee)
        maintenance += maintenance_margin(tiers, value, entry_value, side, leg.leverage, taker_fee)
        exposures.append(_Exposure(sign, value, tiers, fee_to_close(entry_value, side, leg.leverage, taker_fee)))
    open_value, open_margin = _opening(view, marks, taker_fee)
    if wallet is None or not seen_all:
        return Figures(
            now_ms=now_ms, totals=totals, blind_ms=blind_ms, blind_why=blind_why, wallet_ms=wallet_ms,
            held_notional=held, worst_notional=held + open_value,
        )  # fmt: skip
    equity = wallet.balance + unrealised
    return Figures(
        now_ms=now_ms,
        equity=equity,
        im_rate=rate(initial + open_margin, equity),
        mm_rate=rate(maintenance, equity),
        liquidation_distance=_distance(equity, maintenance, exposures),
        held_notional=held,
        worst_notional=held + open_value,
        free=equity - initial - open_margin,
        totals=totals,
        venue_mm_rate=wallet.mm_rate,
        venue_age_ms=wallet_ms,
        blind_ms=blind_ms,
        blind_why=blind_why,
        wallet_ms=wallet_ms,
    )


def rate(margin: Decimal, equity: Decimal) -> Decimal:
    """Margin / equity, truncated to four decimals as the venue's rates are, at most `RATE_CAP`."""
    if not margin:
        return ZERO
    if equity <= 0 or margin / equity > RATE_CAP:
        return RATE_CAP
    return (margin / equity).quantize(_RATE_STEP, rounding=ROUND_DOWN)


def opening_margin(order: OpeningOrder, price: Decimal, leverage: Decimal, taker_fee: Decimal) -> Decimal:
    """Initial margin an opening order needs, USDT."""
    return order_initial_margin(order.qty * price, order.leg, leverage, taker_fee)


def leverage_of(view: AccountView, symbol: str, leg: Leg) -> Decimal:
    """The venue's word on a leg's leverage, else the configured one."""
    held: HeldLeg | None = view.legs.get((symbol, leg))
    return held.leverage if held is not None and held.leverage > 0 else view.leverages.get(symbol, Decimal(1))


def _opening(view: AccountView, marks: Mapping[str, Mark], taker_fee: Decimal) -> tuple[Decimal, Decimal]:
    value = margin = ZERO
    for order in view.orders:
        mark = marks.get(order.symbol)
        price = order.price if order.price is not None else mark.px if mark else None
        if price is not None:
            value += order.qty * price
            margin += opening_margin(order, price, leverage_of(view, order.symbol, order.leg), taker_fee)
    return value, margin


def _blindness(view: AccountView, marks: Mapping[str, Mark], now_ms: int) -> tuple[int, str]:
    """How long what matters has not been seen: marks of symbols with exposure, and the view itself."""
    worst = (0, "")
    if view.unsure_since_ms is not None:
        worst = (now_ms - view.unsure_since_ms, "positions and orders are not confirmed by the venue")
    exposed = {symbol for (symbol, _), leg in view.legs.items() if leg.qty}
    exposed.update(order.symbol for order in view.orders)
    for symbol in sorted(exposed):
        mark = marks.get(symbol)
        age_ms = now_ms - (mark.at_ms if mark else view.started_ms)
        if age_ms > worst[0]:
            worst = (age_ms, f"the mark of {symbol}")
    return worst


def _distance(equity: Decimal, maintenance: Decimal, exposures: Iterable[_Exposure]) -> Decimal | None:
    exposures = list(exposures)
    if not exposures:
        return None
    if equity <= maintenance:
        return ZERO
    found = [_distance_one_way(equity, exposures, way) for way in (-1, 1)]
    return min((distance for distance in found if distance is not None), default=None)


def _distance_one_way(equity: Decimal, exposures: Sequence[_Exposure], way: int) -> Decimal | None:
    """Newton's steps on equity − maintenance as marks move by the fraction d: concave and piecewise linear in d."""
    gain = sum((way * e.sign * e.value for e in exposures), ZERO)
    distance = ZERO
    for _ in range(_NEWTON_STEPS):
        owed = slope = ZERO
        for e in exposures:
            tier = tier_of(e.tiers, e.value * (1 + way * distance))
            owed += e.value * tier.mm_rate - tier.mm_deduction + e.closing_fee
            slope += way * e.value * tier.mm_rate
        fall = slope - gain
        if fall <= 0:
            return None
        reached = (equity - owed) / fall
        if reached == distance:
            break
        distance = reached
        if way < 0 and distance >= 1:
            return None
    return max(distance, ZERO)
