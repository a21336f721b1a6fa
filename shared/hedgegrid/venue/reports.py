"""What comes out of the venue: the content of Bybit's order, execution, position and wallet rows.

Field names are Bybit's in snake case (docs/v5/order/open-order, order/execution, position, account/wallet-balance).
Amounts are Decimals, times integer ms UTC; the server turns them into Bybit's strings. Every report is a snapshot.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import ExecType, OrderType, Side, TimeInForce
from hedgegrid.venue.conditions import StopOrderType, TpSl, Trigger


class OrderStatus(StrEnum):
    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"
    UNTRIGGERED = "Untriggered"
    TRIGGERED = "Triggered"
    """Between firing and its place in the book; never seen in a query."""
    DEACTIVATED = "Deactivated"
    """Cancelled before it fired."""

    @property
    def is_active(self) -> bool:
        """Can be filled."""
        return self in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)

    @property
    def is_open(self) -> bool:
        """Not finished: active, or still waiting for its trigger."""
        return self.is_active or self in (OrderStatus.UNTRIGGERED, OrderStatus.TRIGGERED)


class CancelType(StrEnum):
    """Bybit `cancelType` (docs/v5/enum); UNKNOWN stands for "not cancelled" and for cancels by time in force."""

    UNKNOWN = "UNKNOWN"
    BY_USER = "CancelByUser"
    BY_REDUCE_ONLY = "CancelByReduceOnly"
    BY_PREPARE_LIQ = "CancelByPrepareLiq"
    ALL_BEFORE_LIQ = "CancelAllBeforeLiq"
    ALL_BEFORE_ADL = "CancelAllBeforeAdl"
    BY_SETTLE = "CancelBySettle"
    BY_TPSL_CLEAR = "CancelByTpSlTsClear"
    TP_BY_SL = "CancelByOCOTpCanceledBySlTriggered"
    SL_BY_TP = "CancelByOCOSlCanceledByTpTriggered"


class CreateType(StrEnum):
    """Bybit `createType` (docs/v5/enum): who or what made an order."""

    BY_USER = "CreateByUser"
    BY_CLOSING = "CreateByClosing"
    """Closed by hand in the position area of web or app."""
    BY_STOP_ORDER = "CreateByStopOrder"
    BY_TAKE_PROFIT = "CreateByTakeProfit"
    BY_PARTIAL_TAKE_PROFIT = "CreateByPartialTakeProfit"
    BY_STOP_LOSS = "CreateByStopLoss"
    BY_PARTIAL_STOP_LOSS = "CreateByPartialStopLoss"
    BY_TRAILING_STOP = "CreateByTrailingStop"
    BY_LIQ = "CreateByLiq"
    """A step of a liquidation, to get down to a lower risk tier."""
    BY_TAKE_OVER = "CreateByTakeOver_PassThrough"
    """Taken over at the bankruptcy price."""
    BY_ADL = "CreateByAdl_PassThrough"
    BY_SETTLE = "CreateBySettle"
    """Closed because the symbol was delisted; an execution without an order."""


class PositionStatus(StrEnum):
    NORMAL = "Normal"
    LIQ = "Liq"
    ADL = "Adl"


class RejectReason(StrEnum):
    """Bybit `rejectReason` (docs/v5/enum)."""

    NO_ERROR = "EC_NoError"
    PER_CANCEL_REQUEST = "EC_PerCancelRequest"
    POST_ONLY_WILL_TAKE = "EC_PostOnlyWillTakeLiquidity"
    NO_IMMEDIATE_QTY = "EC_NoImmediateQtyToFill"
    NO_FULL_FILL = "EC_CancelForNoFullFill"
    ORDER_DOES_NOT_EXIST = "EC_OrigClOrdIDDoesNotExist"
    """Of a cancel that came after the fill."""
    OTHERS = "EC_Others"
    """Of a conditional order that could not be afforded when it fired."""


class OrderReport(msgspec.Struct, frozen=True, kw_only=True):
    """Order row. `price` of a Market order is its price bound. `avg_price` is None before the first fill.

    `leaves_qty` is 0 once the order is final. `closed_pnl` = gross of its closing fills less their share of the
    opening fees and their own fees (Bybit `closedPnl`); the `closed_*` fields make up its closed-pnl row and are 0 for
    an opening order. `trigger` belongs to conditional orders and stays after they fired, `tpsl` is what the order sets
    for its position when it fills, `parent_order_link_id` the client id of the order that a take-profit or stop-loss
    was attached to.
    """

    account: str
    order_id: str
    order_link_id: str
    symbol: str
    side: Side
    position_idx: int
    order_type: OrderType
    time_in_force: TimeInForce
    price: Decimal
    qty: Decimal
    leaves_qty: Decimal
    leaves_value: Decimal
    cum_exec_qty: Decimal
    cum_exec_value: Decimal
    cum_exec_fee: Decimal
    avg_price: Decimal | None
    status: OrderStatus
    cancel_type: CancelType
    reject_reason: RejectReason
    reduce_only: bool
    close_on_trigger: bool
    last_price_on_created: Decimal | None
    created_ms: int
    updated_ms: int
    closed_pnl: Decimal
    closed_size: Decimal
    closed_entry_value: Decimal
    closed_exit_value: Decimal
    closed_open_fee: Decimal
    closed_close_fee: Decimal
    fill_count: int
    leverage: Decimal
    seq: int
    """The symbol's sequence when the order last changed (message id `<uid>_<symbol>_<seq>`)."""
    create_type: CreateType
    stop_order_type: StopOrderType
    trigger: Trigger | None
    tpsl: TpSl | None
    parent_order_link_id: str


class ExecutionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Execution row. `exec_fee` > 0 was paid. `exec_pnl` is the gross result of the part that closed, before fees.

    Funding rows have `order_type` None (Bybit prints `UNKNOWN`), `fee_rate` = funding rate, `exec_fee` = funding paid.
    `create_type` is None for funding. `position_idx` is not part of Bybit's row; it is here for tests and the backtest.
    `size_after` (signed: short < 0) and `balance_after` (wallet) are what the transaction log tells of this execution.
    """

    account: str
    exec_id: str
    exec_type: ExecType
    order_id: str
    order_link_id: str
    symbol: str
    side: Side
    position_idx: int
    order_type: OrderType | None
    order_price: Decimal
    order_qty: Decimal
    leaves_qty: Decimal
    exec_price: Decimal
    exec_qty: Decimal
    exec_value: Decimal
    exec_fee: Decimal
    fee_rate: Decimal
    exec_pnl: Decimal
    closed_size: Decimal
    is_maker: bool
    mark_price: Decimal
    exec_ms: int
    seq: int
    create_type: CreateType | None
    stop_order_type: StopOrderType
    size_after: Decimal
    balance_after: Decimal


class PositionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Position row of one (symbol, positionIdx). `side` is None ("" on the wire) and prices 0 when flat.

    `liq_price` is a cross-margin estimate, None when there is none. `seq` is -1 if never traded.
    `position_value` = size × entry (as captured), `position_im`/`position_mm` follow the mark (see `margin`).
    `risk_id` and `risk_limit_value` (USDT) name the risk tier of the position's value.
    """

    account: str
    symbol: str
    position_idx: int
    side: Side | None
    size: Decimal
    entry_price: Decimal
    position_value: Decimal
    leverage: Decimal
    mark_price: Decimal
    unrealised_pnl: Decimal
    cur_realised_pnl: Decimal
    cum_realised_pnl: Decimal
    position_im: Decimal
    position_mm: Decimal
    liq_price: Decimal | None
    break_even_price: Decimal | None
    created_ms: int
    updated_ms: int
    open_ms: int
    seq: int
    risk_id: int
    risk_limit_value: Decimal
    status: PositionStatus
    take_profit: Decimal
    """Of the whole position (mode Full); 0 when none, as the two below."""
    stop_loss: Decimal
    trailing_stop: Decimal


class WalletReport(msgspec.Struct, frozen=True, kw_only=True):
    """Wallet row of a cross-margin unified account that holds USDT only (1 USDT is taken as 1 USD).

    `account_im_rate`/`account_mm_rate` are fractions of the margin balance, truncated to 4 decimals.
    """

    account: str
    wallet_balance: Decimal
    equity: Decimal
    margin_balance: Decimal
    available_balance: Decimal
    unrealised_pnl: Decimal
    cum_realised_pnl: Decimal
    order_im: Decimal
    position_im: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    account_im_rate: Decimal
    account_mm_rate: Decimal
    updated_ms: int


class TransactionType(StrEnum):
    """Bybit `type` of the transaction log (docs/v5/enum, uta-translog)."""

    TRADE = "TRADE"
    SETTLEMENT = "SETTLEMENT"
    """Funding."""
    LIQUIDATION = "LIQUIDATION"
    ADL = "ADL"
    DELIVERY = "DELIVERY"
    """Closed because the symbol was delisted."""


class TransactionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Row of the transaction log (docs/v5/account/transaction-log), amounts in USDT.

    `change` = `cash_flow` + `funding` − `fee`; `funding` > 0 was received (the opposite of an execution's fee),
    `fee` > 0 was paid. `cash_balance` is the wallet after it, `size` what is then held (short < 0).
    """

    account: str
    id: str
    symbol: str
    side: Side
    type: TransactionType
    transaction_ms: int
    qty: Decimal
    size: Decimal
    trade_price: Decimal
    funding: Decimal
    fee: Decimal
    cash_flow: Decimal
    change: Decimal
    cash_balance: Decimal
    fee_rate: Decimal
    trade_id: str
    order_id: str
    order_link_id: str


class TickerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue knows of a symbol's market; None where nothing has been seen yet. Sizes in base coin."""

    symbol: str
    last_price: Decimal | None
    mark_price: Decimal | None
    index_price: Decimal | None
    bid_price: Decimal | None
    bid_size: Decimal = ZERO
    ask_price: Decimal | None
    ask_size: Decimal = ZERO
    funding_rate: Decimal | None
    price_limit_buy: Decimal | None
    """Highest allowed buy price (Bybit `buyLmt`)."""
    price_limit_sell: Decimal | None
    """Lowest allowed sell price (Bybit `sellLmt`)."""
    updated_ms: int


Report = OrderReport | ExecutionReport | PositionReport | WalletReport
