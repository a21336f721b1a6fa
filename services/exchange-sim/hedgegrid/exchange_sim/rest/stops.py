"""`POST /v5/position/trading-stop`: take-profit, stop-loss and trailing stop of a position."""

from hedgegrid.domain.order import OrderType
from hedgegrid.exchange_sim.errors import params_error
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest import params as read
from hedgegrid.exchange_sim.rest.routing import Answer, Call, accepted, answer
from hedgegrid.venue.conditions import TpSlMode, TriggerBy
from hedgegrid.venue.requests import TradingStop


def trading_stop(exchange: Exchange, call: Call) -> Answer:
    """An absent price stays as it is, "0" cancels it; unchanged is 34040."""
    params = call.params
    read.linear(params)
    if params.get("positionIdx") in (None, ""):
        raise params_error("positionIdx is required")
    wish = TradingStop(
        symbol=read.required(params, "symbol"),
        position_idx=read.integer(params, "positionIdx", 0),
        tpsl_mode=read.choice(params, "tpslMode", TpSlMode, TpSlMode.FULL),
        take_profit=read.amount(params, "takeProfit"),
        stop_loss=read.amount(params, "stopLoss"),
        trailing_stop=read.amount(params, "trailingStop"),
        active_price=read.price(params, "activePrice"),
        tp_trigger_by=read.choice(params, "tpTriggerBy", TriggerBy, TriggerBy.LAST),
        sl_trigger_by=read.choice(params, "slTriggerBy", TriggerBy, TriggerBy.LAST),
        tp_size=read.amount(params, "tpSize"),
        sl_size=read.amount(params, "slSize"),
        tp_order_type=read.choice(params, "tpOrderType", OrderType, OrderType.MARKET),
        sl_order_type=read.choice(params, "slOrderType", OrderType, OrderType.MARKET),
        tp_limit_price=read.price(params, "tpLimitPrice"),
        sl_limit_price=read.price(params, "slLimitPrice"),
    )
    accepted(exchange.venue.set_trading_stop(call.account, wish, exchange.now_ms()))
    return answer({})
