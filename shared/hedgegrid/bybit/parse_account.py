"""Rows about positions, wallet and instruments → events and trading rules."""

from decimal import Decimal

from hedgegrid.bybit.parse_fields import (
    ParseError,
    Value,
    decimal,
    decimal_or_none,
    decimal_or_zero,
    integer_or_none,
    text,
)
from hedgegrid.bybit.parse_rows import InstrumentRow, PositionRow, WalletRow
from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg
from hedgegrid.messages.events import PositionChanged, WalletChanged

SETTLE_COIN = "USDT"


def position_event(row: PositionRow, ts_init: int) -> PositionChanged | None:
    """Absolute view of one leg; None for options and for a flat position of one-way mode, which belongs to no leg.

    The closing message in hedge mode has side "" and size "0", so the leg comes from positionIdx; only in one-way
    mode (0) from the side.

    Raises:
        ParseError: a needed field is missing or unreadable.
    """
    leg = _position_leg(row) if row.is_linear else None
    if leg is None:
        return None
    entry = row.entry_price if row.entry_price not in (None, "") else row.avg_price
    liquidation = decimal_or_none("liqPrice", row.liq_price)
    updated = integer_or_none("updatedTime", row.updated_time)
    seq = integer_or_none("seq", row.seq)
    return PositionChanged(
        symbol=text("symbol", row.symbol),
        leg=leg,
        qty=decimal_or_zero("size", row.size),
        entry_px=decimal_or_zero("entryPrice", entry),
        mark_px=decimal_or_zero("markPrice", row.mark_price),
        liq_px=liquidation or None,
        leverage=decimal_or_zero("leverage", row.leverage),
        cum_realised=decimal_or_zero("cumRealisedPnl", row.cum_realised_pnl),
        seq=-1 if seq is None else seq,
        ts_event=ts_init if updated is None else updated,
        ts_init=ts_init,
    )


def _position_leg(row: PositionRow) -> Leg | None:
    idx = integer_or_none("positionIdx", row.position_idx)
    if idx in (1, 2):
        return Leg(idx)
    if idx != 0:
        raise ParseError("positionIdx", row.position_idx, "unknown, expected 0, 1 or 2")
    match row.side:
        case "Buy":
            return Leg.LONG
        case "Sell":
            return Leg.SHORT
        case "" | "None" | None:
            return None
        case _:
            raise ParseError("side", row.side, "unknown, expected Buy, Sell or empty")


def wallet_event(row: WalletRow, ts_init: int, ts_event: int | None = None) -> WalletChanged:
    """Account totals. The row has no time of its own: `ts_event` is that of the frame or body, if known.

    Isolated margin has no account-wide rates and no available balance (""): None. An account without USD totals is
    read from its USDT row.

    Raises:
        ParseError: neither a total nor a USDT row, or a number is unreadable.
    """
    return WalletChanged(
        equity=_total(row, "totalEquity", row.total_equity, "equity"),
        wallet_balance=_total(row, "totalWalletBalance", row.total_wallet_balance, "wallet_balance"),
        available=decimal_or_none("totalAvailableBalance", row.total_available_balance),
        im_rate=decimal_or_none("accountIMRate", row.account_im_rate),
        mm_rate=decimal_or_none("accountMMRate", row.account_mm_rate),
        ts_event=ts_init if ts_event is None else ts_event,
        ts_init=ts_init,
    )


def _total(row: WalletRow, field: str, value: Value, coin_field: str) -> Decimal:
    total = decimal_or_none(field, value)
    if total is not None:
        return total
    for coin in row.coin or ():
        if coin.coin == SETTLE_COIN:
            return decimal(f"coin[{SETTLE_COIN}].{coin_field}", getattr(coin, coin_field))
    raise ParseError(field, value, f"missing, and there is no {SETTLE_COIN} row to take it from")


def instrument(row: InstrumentRow) -> Instrument:
    """Trading rules of a linear perpetual. No rule is guessed: a missing filter is an error.

    Raises:
        ParseError: a filter is missing, unreadable, or a step that is not above zero.
    """
    price, lot, leverage = row.price_filter, row.lot_size_filter, row.leverage_filter
    funding_interval = integer_or_none("fundingInterval", row.funding_interval)
    ratio_x = ratio_y = None
    if row.risk_parameters is not None:
        ratio_x = decimal_or_none("priceLimitRatioX", row.risk_parameters.price_limit_ratio_x)
        ratio_y = decimal_or_none("priceLimitRatioY", row.risk_parameters.price_limit_ratio_y)
    return Instrument(
        symbol=text("symbol", row.symbol),
        tick_size=_step("tickSize", price.tick_size),
        qty_step=_step("qtyStep", lot.qty_step),
        min_qty=decimal("minOrderQty", lot.min_order_qty),
        max_limit_qty=decimal("maxOrderQty", lot.max_order_qty),
        max_market_qty=decimal("maxMktOrderQty", lot.max_mkt_order_qty),
        min_notional=decimal("minNotionalValue", lot.min_notional_value),
        min_price=decimal("minPrice", price.min_price),
        max_price=decimal("maxPrice", price.max_price),
        min_leverage=decimal("minLeverage", leverage.min_leverage),
        max_leverage=decimal("maxLeverage", leverage.max_leverage),
        leverage_step=_step("leverageStep", leverage.leverage_step),
        funding_interval_min=480 if funding_interval is None else funding_interval,
        price_limit_ratio_x=Decimal("0.01") if ratio_x is None else ratio_x,
        price_limit_ratio_y=Decimal("0.02") if ratio_y is None else ratio_y,
    )


def _step(field: str, value: Value) -> Decimal:
    step = decimal(field, value)
    if step <= 0:
        raise ParseError(field, value, "a step must be above zero")
    return step
