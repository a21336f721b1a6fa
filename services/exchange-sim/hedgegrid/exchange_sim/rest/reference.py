"""Public facts about a symbol beside its market: risk limits, past funding, open interest (docs/v5/market)."""

from hedgegrid.domain.money import plain
from hedgegrid.exchange_sim.errors import ApiError, params_error
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest import params as read
from hedgegrid.exchange_sim.rest.market import view_of
from hedgegrid.exchange_sim.rest.pages import page
from hedgegrid.exchange_sim.rest.routing import Answer, Call, Result, answer
from hedgegrid.venue.risk_limits import RiskLimit

SYMBOLS_PER_PAGE = 15
"""Without a symbol, `risk-limit` pages through this many symbols at a time."""
INTERVALS = frozenset({"5min", "15min", "30min", "1h", "4h", "1d"})


def risk_limit(exchange: Exchange, call: Call) -> Answer:
    """The tiers of one symbol, or of all that trade, page by page."""
    category = read.category(call.params)
    symbol = read.text(call.params, "symbol")
    if symbol and symbol not in exchange.views:
        raise ApiError(10001, "Not supported symbols")
    symbols = [symbol] if symbol else list(exchange.views)
    found = symbols if category == "linear" else []
    part, cursor = page(found, str, SYMBOLS_PER_PAGE, read.text(call.params, "cursor"))
    listed = [_tier_row(limit) for name in part for limit in exchange.venue.risk_limits(name)]
    return answer({"category": category, "list": listed, "nextPageCursor": cursor})


def funding_history(exchange: Exchange, call: Call) -> Answer:
    """Rates at which funding was due since the market began, newest first."""
    view = view_of(exchange, call.params)
    start_ms, end_ms = read.integer(call.params, "startTime", 0), read.integer(call.params, "endTime", 0)
    if start_ms and not end_ms:
        raise params_error("endTime is required with startTime")
    limit = read.page_limit(call.params, 200, 200)
    due = [
        event for event in reversed(view.funded) if start_ms <= event.ts_ms and (not end_ms or event.ts_ms <= end_ms)
    ]
    listed = [
        {
            "symbol": event.symbol,
            "fundingRate": plain(event.rate),
            "fundingRateTimestamp": str(event.ts_ms),
        }
        for event in due[:limit]
    ]
    return answer({"category": "linear", "list": listed})


def open_interest(exchange: Exchange, call: Call) -> Answer:
    """One row, of now: open interest is not modelled, so it has no past."""
    view = view_of(exchange, call.params)
    if read.required(call.params, "intervalTime") not in INTERVALS:
        raise params_error("intervalTime invalid")
    ticker = view.ticker()
    row = {name: ticker[name] for name in ("openInterest", "singleOpenInterest")} | {
        "timestamp": str(exchange.now_ms())
    }
    return answer({"symbol": view.rules.symbol, "category": "linear", "list": [row], "nextPageCursor": ""})


def _tier_row(limit: RiskLimit) -> Result:
    tier = limit.tier
    return {
        "id": limit.risk_id,
        "symbol": limit.symbol,
        "riskLimitValue": plain(tier.limit_value),
        "maintenanceMargin": plain(tier.mm_rate),
        "initialMargin": plain(tier.im_rate),
        "isLowestRisk": int(limit.is_lowest),
        "maxLeverage": plain(tier.max_leverage),
        "mmDeduction": plain(tier.mm_deduction) if tier.mm_deduction else "",
    }
