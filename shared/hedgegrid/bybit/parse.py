"""Bybit V5 rows and frames → our messages. Pure: no I/O, no clock, no pybit.

REST: `parse.order_event(parse.row_of(parse.OrderRow, row_dict), ts_init)`. WebSocket: `parse_frames`.
"""

from hedgegrid.bybit.parse_account import instrument as instrument
from hedgegrid.bybit.parse_account import position_event as position_event
from hedgegrid.bybit.parse_account import wallet_event as wallet_event
from hedgegrid.bybit.parse_fields import ParseError as ParseError
from hedgegrid.bybit.parse_frames import PrivateContent as PrivateContent
from hedgegrid.bybit.parse_frames import RowProblem as RowProblem
from hedgegrid.bybit.parse_frames import TickerBook as TickerBook
from hedgegrid.bybit.parse_frames import private_frame as private_frame
from hedgegrid.bybit.parse_frames import topic_of as topic_of
from hedgegrid.bybit.parse_market import BookFrame as BookFrame
from hedgegrid.bybit.parse_market import TickerFrame as TickerFrame
from hedgegrid.bybit.parse_market import TickerState as TickerState
from hedgegrid.bybit.parse_orders import execution_event as execution_event
from hedgegrid.bybit.parse_orders import needs_gross as needs_gross
from hedgegrid.bybit.parse_orders import order_event as order_event
from hedgegrid.bybit.parse_orders import order_leg as order_leg
from hedgegrid.bybit.parse_orders import rest_execution_event as rest_execution_event
from hedgegrid.bybit.parse_risk_limit import risk_tiers as risk_tiers
from hedgegrid.bybit.parse_rows import ExecutionRow as ExecutionRow
from hedgegrid.bybit.parse_rows import InstrumentRow as InstrumentRow
from hedgegrid.bybit.parse_rows import OrderRow as OrderRow
from hedgegrid.bybit.parse_rows import PositionRow as PositionRow
from hedgegrid.bybit.parse_rows import RiskLimitRow as RiskLimitRow
from hedgegrid.bybit.parse_rows import WalletRow as WalletRow
from hedgegrid.bybit.parse_rows import row_from_json as row_from_json
from hedgegrid.bybit.parse_rows import row_of as row_of
