"""Rows of Bybit V5 as typed structs, the same for WebSocket frames and REST bodies.

Every field is optional and loosely typed: eras and endpoints differ in what they send (`seq` as int or string,
`""` for "none"), and a new field must never break reading. Judgement is passed by the functions that use a row.
"""

import threading
from typing import Any, TypeVar

import msgspec

from hedgegrid.bybit.parse_fields import ParseError, Value


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Unknown fields are ignored."""

    symbol: str | None = None
    category: str | None = None
    """Absent in REST rows, whose category is that of the request."""

    @property
    def is_linear(self) -> bool:
        """False for spot, inverse and option rows, which an account-wide topic carries too."""
        return self.category in (None, "", "linear")


class OrderRow(Row, frozen=True, kw_only=True):
    """`order` topic, `GET /v5/order/realtime` and `/history`."""

    order_id: str | None = None
    order_link_id: str | None = None
    side: str | None = None
    position_idx: Value = None
    order_status: str | None = None
    cancel_type: str | None = None
    reject_reason: str | None = None
    price: Value = None
    qty: Value = None
    avg_price: Value = None
    leaves_qty: Value = None
    cum_exec_qty: Value = None
    cum_exec_value: Value = None
    reduce_only: bool | None = None
    created_time: Value = None
    updated_time: Value = None


class ExecutionRow(Row, frozen=True, kw_only=True):
    """`execution` topic and `GET /v5/execution/list` (which lacks `execPnl`)."""

    order_id: str | None = None
    order_link_id: str | None = None
    side: str | None = None
    exec_id: str | None = None
    exec_type: str | None = None
    exec_price: Value = None
    exec_qty: Value = None
    exec_fee: Value = None
    exec_pnl: Value = None
    exec_time: Value = None
    fee_rate: Value = None
    mark_price: Value = None
    closed_size: Value = None
    leaves_qty: Value = None
    is_maker: bool | None = None
    seq: Value = None


class PositionRow(Row, frozen=True, kw_only=True):
    """`position` topic (`entryPrice`) and `GET /v5/position/list` (`avgPrice`)."""

    side: str | None = None
    position_idx: Value = None
    size: Value = None
    entry_price: Value = None
    avg_price: Value = None
    mark_price: Value = None
    liq_price: Value = None
    leverage: Value = None
    cum_realised_pnl: Value = None
    seq: Value = None
    updated_time: Value = None
    created_time: Value = None


class CoinRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    coin: str | None = None
    equity: Value = None
    wallet_balance: Value = None


class WalletRow(Row, frozen=True, kw_only=True):
    """`wallet` topic and `GET /v5/account/wallet-balance`; totals in USD."""

    account_type: str | None = None
    total_equity: Value = None
    total_wallet_balance: Value = None
    total_available_balance: Value = None
    account_im_rate: Value = msgspec.field(default=None, name="accountIMRate")
    account_mm_rate: Value = msgspec.field(default=None, name="accountMMRate")
    coin: list[CoinRow] | None = None


class LeverageFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    min_leverage: Value = None
    max_leverage: Value = None
    leverage_step: Value = None


class PriceFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    min_price: Value = None
    max_price: Value = None
    tick_size: Value = None


class LotSizeFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    min_order_qty: Value = None
    max_order_qty: Value = None
    max_mkt_order_qty: Value = None
    qty_step: Value = None
    min_notional_value: Value = None


class RiskParameters(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    price_limit_ratio_x: Value = None
    price_limit_ratio_y: Value = None


class InstrumentRow(Row, frozen=True, kw_only=True):
    """`GET /v5/market/instruments-info?category=linear`."""

    status: str | None = None
    contract_type: str | None = None
    settle_coin: str | None = None
    funding_interval: Value = None
    leverage_filter: LeverageFilter = LeverageFilter()
    price_filter: PriceFilter = PriceFilter()
    lot_size_filter: LotSizeFilter = LotSizeFilter()
    risk_parameters: RiskParameters | None = None


class RiskLimitRow(Row, frozen=True, kw_only=True):
    """`GET /v5/market/risk-limit`: one tier. Margin rates are fractions for some symbols and percent for others."""

    risk_limit_value: Value = None
    maintenance_margin: Value = None
    initial_margin: Value = None
    max_leverage: Value = None
    mm_deduction: Value = None


RowT = TypeVar("RowT", bound=Row)


def row_of(kind: type[RowT], row: Any) -> RowT:
    """A row of a REST body that is already Python objects (pybit gives dicts).

    Raises:
        ParseError: a field has a type no era of the venue ever used.
    """
    _decoder(kind)
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise ParseError(kind.__name__, row, str(error)) from None


_decoders: dict[type[Row], msgspec.json.Decoder[Any]] = {}
_first_use = threading.Lock()
"""msgspec learns a type on its first use and hands half of it to a second thread, which crashes the process."""


def _decoder(kind: type[Row]) -> msgspec.json.Decoder[Any]:
    decoder = _decoders.get(kind)
    if decoder is None:
        with _first_use:
            decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder


def row_from_json(kind: type[RowT], raw: bytes | msgspec.Raw) -> RowT:
    """A row of a WebSocket frame, still JSON.

    Raises:
        ParseError: no JSON, or a field has a type no era of the venue ever used.
    """
    try:
        return _decoder(kind).decode(raw)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(kind.__name__, bytes(raw), str(error)) from None
