"""The endpoints this exchange serves."""

from hedgegrid.exchange_sim.rest import market, orders, queries, reference, settings, stops
from hedgegrid.exchange_sim.rest.routing import Route, Routes

ROUTES: Routes = {
    ("GET", "/v5/market/time"): Route(market.server_time, private=False),
    ("GET", "/v5/market/tickers"): Route(market.tickers, private=False),
    ("GET", "/v5/market/instruments-info"): Route(market.instruments_info, private=False),
    ("GET", "/v5/market/kline"): Route(market.kline, private=False),
    ("GET", "/v5/market/orderbook"): Route(market.orderbook, private=False),
    ("GET", "/v5/market/recent-trade"): Route(market.recent_trade, private=False),
    ("GET", "/v5/market/price-limit"): Route(market.price_limit, private=False),
    ("GET", "/v5/market/risk-limit"): Route(reference.risk_limit, private=False),
    ("GET", "/v5/market/funding/history"): Route(reference.funding_history, private=False),
    ("GET", "/v5/market/open-interest"): Route(reference.open_interest, private=False),
    ("POST", "/v5/order/create"): Route(orders.create, kind="create"),
    ("POST", "/v5/order/amend"): Route(orders.amend, kind="amend"),
    ("POST", "/v5/order/cancel"): Route(orders.cancel, kind="cancel"),
    ("POST", "/v5/order/cancel-all"): Route(orders.cancel_all, kind="cancel-all"),
    ("POST", "/v5/order/create-batch"): Route(orders.create_batch, kind="create-batch", is_batch=True),
    ("POST", "/v5/order/amend-batch"): Route(orders.amend_batch, kind="amend-batch", is_batch=True),
    ("POST", "/v5/order/cancel-batch"): Route(orders.cancel_batch, kind="cancel-batch", is_batch=True),
    ("GET", "/v5/order/realtime"): Route(queries.realtime, kind="realtime"),
    ("GET", "/v5/order/history"): Route(queries.history, kind="history"),
    ("GET", "/v5/execution/list"): Route(queries.executions, kind="execution"),
    ("GET", "/v5/position/list"): Route(queries.positions, kind="position"),
    ("GET", "/v5/position/closed-pnl"): Route(queries.closed_pnl, kind="closed-pnl"),
    ("POST", "/v5/position/set-leverage"): Route(settings.set_leverage, kind="set-leverage"),
    ("POST", "/v5/position/switch-mode"): Route(settings.switch_mode, kind="switch-mode"),
    ("POST", "/v5/position/trading-stop"): Route(stops.trading_stop, kind="trading-stop"),
    ("GET", "/v5/account/transaction-log"): Route(queries.transaction_log, kind="transaction-log"),
    ("GET", "/v5/account/wallet-balance"): Route(queries.wallet_balance, kind="wallet"),
    ("GET", "/v5/account/info"): Route(settings.account_info, kind="account-info"),
    ("GET", "/v5/account/fee-rate"): Route(settings.fee_rate, kind="fee-rate"),
    ("GET", "/v5/user/query-api"): Route(settings.query_api, kind="query-api"),
    ("GET", "/v5/asset/coin/query-info"): Route(settings.coin_info),
}
