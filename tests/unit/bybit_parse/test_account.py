"""Position, wallet and instrument rows."""

from decimal import Decimal

import pytest

from hedgegrid.bybit import parse
from hedgegrid.domain.order import Leg
from hedgegrid.messages.events import PositionChanged
from tests.unit.bybit_parse.rows import position, without


def test_position_of_a_leg() -> None:
    assert parse.position_event(position(), 9) == PositionChanged(
        symbol="BTCUSDT",
        leg=Leg.SHORT,
        qty=Decimal("0.02"),
        entry_px=Decimal(101),
        mark_px=Decimal(100),
        liq_px=None,
        leverage=Decimal(10),
        cum_realised=Decimal("-1.5"),
        seq=5,
        ts_event=3000,
        ts_init=9,
    )


def test_closing_message_of_hedge_mode_has_no_side() -> None:
    event = parse.position_event(position(side="", size="0", entryPrice="0", liqPrice="0"), 9)
    assert isinstance(event, PositionChanged)
    assert (event.leg, event.qty, event.liq_px) == (Leg.SHORT, Decimal(0), None)


def test_rest_row_calls_the_entry_price_average_price() -> None:
    row = parse.row_of(parse.PositionRow, {"symbol": "BTCUSDT", "positionIdx": 1, "size": "1", "avgPrice": "99.5"})
    event = parse.position_event(row, 9)
    assert isinstance(event, PositionChanged)
    assert (event.entry_px, event.seq, event.ts_event) == (Decimal("99.5"), -1, 9)


@pytest.mark.parametrize(("side", "leg"), [("Buy", Leg.LONG), ("Sell", Leg.SHORT), ("", None), ("None", None)])
def test_one_way_mode_tells_the_leg_by_side(side: str, leg: Leg | None) -> None:
    event = parse.position_event(position(positionIdx=0, side=side), 9)
    assert (event.leg if event else None) is leg


def test_position_nonsense_is_named() -> None:
    with pytest.raises(parse.ParseError, match="positionIdx=None"):
        parse.position_event(without(position(), "position_idx"), 9)
    with pytest.raises(parse.ParseError, match="size='many'"):
        parse.position_event(position(size="many"), 9)


def wallet(**fields: object) -> parse.WalletRow:
    row = {
        "accountType": "UNIFIED",
        "totalEquity": "1000.5",
        "totalWalletBalance": "990",
        "totalAvailableBalance": "900",
        "accountIMRate": "0.05",
        "accountMMRate": "0.01",
        "coin": [{"coin": "USDT", "equity": "7", "walletBalance": "6"}],
    }
    return parse.row_of(parse.WalletRow, row | fields)


def test_wallet_totals() -> None:
    event = parse.wallet_event(wallet(), 9, 8)
    assert (event.equity, event.wallet_balance, event.available) == (Decimal("1000.5"), Decimal(990), Decimal(900))
    assert (event.im_rate, event.mm_rate, event.ts_event) == (Decimal("0.05"), Decimal("0.01"), 8)


def test_isolated_margin_has_no_rates() -> None:
    event = parse.wallet_event(wallet(accountIMRate="", accountMMRate="", totalAvailableBalance=""), 9)
    assert (event.available, event.im_rate, event.mm_rate, event.ts_event) == (None, None, None, 9)


def test_account_without_totals_is_read_from_its_usdt_row() -> None:
    event = parse.wallet_event(wallet(totalEquity="", totalWalletBalance=""), 9)
    assert (event.equity, event.wallet_balance) == (Decimal(7), Decimal(6))
    with pytest.raises(parse.ParseError, match="totalEquity=''"):
        parse.wallet_event(wallet(totalEquity="", coin=[]), 9)


INSTRUMENT = {
    "symbol": "BTCUSDT",
    "fundingInterval": 240,
    "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {
        "maxOrderQty": "1190.000",
        "minOrderQty": "0.001",
        "qtyStep": "0.001",
        "maxMktOrderQty": "500.000",
        "minNotionalValue": "5",
    },
    "riskParameters": {"priceLimitRatioX": "0.03", "priceLimitRatioY": "0.06"},
}


def test_instrument() -> None:
    rules = parse.instrument(parse.row_of(parse.InstrumentRow, INSTRUMENT))
    assert rules.tick_size == Decimal("0.10")
    assert rules.max_market_qty == Decimal(500)
    assert rules.price_limit_ratio_y == Decimal("0.06")
    assert rules.funding_interval_min == 240


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("lotSizeFilter", "minNotionalValue"),
        ("lotSizeFilter", "qtyStep"),
        ("priceFilter", "tickSize"),
        ("leverageFilter", "maxLeverage"),
    ],
)
def test_no_trading_rule_is_guessed(part: str, field: str) -> None:
    filters = dict(INSTRUMENT[part])  # type: ignore[call-overload]
    del filters[field]
    with pytest.raises(parse.ParseError, match=f"{field}=None"):
        parse.instrument(parse.row_of(parse.InstrumentRow, INSTRUMENT | {part: filters}))


def test_step_of_zero_is_refused() -> None:
    filters = {**INSTRUMENT["priceFilter"], "tickSize": "0"}  # type: ignore[dict-item]
    with pytest.raises(parse.ParseError, match="tickSize='0'"):
        parse.instrument(parse.row_of(parse.InstrumentRow, INSTRUMENT | {"priceFilter": filters}))


def test_wrong_type_is_named() -> None:
    with pytest.raises(parse.ParseError, match=r"reduceOnly|OrderRow"):
        parse.row_of(parse.OrderRow, {"reduceOnly": "yes"})
