"""Leverage, position mode and what clients read about their account at start."""

from decimal import Decimal

from hedgegrid.domain.money import plain
from hedgegrid.exchange_sim.errors import ApiError, params_error
from hedgegrid.exchange_sim.exchange import MAKER_FEE, TAKER_FEE, Exchange
from hedgegrid.exchange_sim.rest import params as read
from hedgegrid.exchange_sim.rest.routing import Answer, Call, accepted, answer

HEDGE_MODE, ONE_WAY_MODE = 3, 0


def set_leverage(exchange: Exchange, call: Call) -> Answer:
    """Both legs get the same leverage (cross margin); unchanged is 110043."""
    read.linear(call.params)
    buy, sell = read.amount(call.params, "buyLeverage"), read.amount(call.params, "sellLeverage")
    if buy is None or sell is None:
        raise params_error("buyLeverage and sellLeverage are required")
    if buy != sell:
        raise params_error("buy leverage must equal sell leverage")
    symbol = read.required(call.params, "symbol")
    accepted(exchange.venue.set_leverage(call.account, symbol, Decimal(buy), exchange.now_ms()))
    return answer({})


def switch_mode(exchange: Exchange, call: Call) -> Answer:
    """`mode` 3 hedge, 0 one-way; by symbol, or by coin for every symbol that is free."""
    read.linear(call.params)
    mode = read.integer(call.params, "mode", -1)
    if mode not in (HEDGE_MODE, ONE_WAY_MODE):
        raise params_error("position_mode invalid")
    symbol, coin = read.text(call.params, "symbol"), read.text(call.params, "coin")
    if not symbol and coin != "USDT":
        raise params_error("symbol or coin is required")
    outcome = exchange.venue.switch_mode(call.account, symbol or None, mode == HEDGE_MODE, exchange.now_ms())
    accepted(outcome)
    return answer({})


def account_info(exchange: Exchange, call: Call) -> Answer:
    return answer(
        {
            "marginMode": "REGULAR_MARGIN",
            "updatedTime": str(exchange.started_ms),
            "unifiedMarginStatus": 5,
            "dcpStatus": "OFF",
            "timeWindow": 0,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }
    )


def fee_rate(exchange: Exchange, call: Call) -> Answer:
    if read.category(call.params) != "linear":
        return answer({"list": []})
    symbol = read.text(call.params, "symbol")
    if symbol and symbol not in exchange.views:
        raise ApiError(10001, "Not supported symbols")
    symbols = [symbol] if symbol else list(exchange.views)
    taker, maker = plain(TAKER_FEE), plain(MAKER_FEE)
    return answer({"list": [{"symbol": s, "takerFeeRate": taker, "makerFeeRate": maker} for s in symbols]})


def query_api(exchange: Exchange, call: Call) -> Answer:
    """Shape of docs/v5/user/apikey-info; an unbound key of a unified account that may trade."""
    account = exchange.accounts[call.account]
    permissions: dict[str, list[str]] = {
        "ContractTrade": ["Order", "Position"],
        "Derivatives": ["DerivativesTrade"],
        "Spot": [],
        "Wallet": [],
        "Options": [],
        "CopyTrading": [],
        "BlockTrade": [],
        "Exchange": [],
        "NFT": [],
        "Affiliate": [],
        "Earn": [],
    }
    result = {
        "id": str(account.uid),
        "note": f"exchange-sim {account.id}",
        "apiKey": account.api_key,
        "readOnly": 0,
        "secret": "",
        "permissions": permissions,
        "ips": ["*"],
        "type": 1,
        "deadlineDay": 90,
        "expiredAt": "2099-01-01T00:00:00Z",
        "createdAt": "2025-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": account.uid,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
        "userIDInt64": str(account.uid),
        "inviterIDInt64": "0",
        "affiliateIDInt64": "0",
    }
    return answer(result, text="")


def coin_info(exchange: Exchange, call: Call) -> Answer:
    """ccxt asks for it; nothing can be deposited or withdrawn here."""
    return answer({"rows": []}, text="success")
