"""Topic names a socket may subscribe to (docs/v5/websocket/public, /private)."""

from collections.abc import Container

ORDERBOOK_DEPTHS = frozenset({"1", "50", "200", "1000"})
"""500 was removed in 2025-09 and is refused."""
KLINE_INTERVALS = frozenset({"1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"})
PRIVATE_TOPICS = frozenset(
    {
        "order",
        "order.linear",
        "execution",
        "execution.linear",
        "execution.fast",
        "execution.fast.linear",
        "position",
        "position.linear",
        "wallet",
        "greeks",
        "dcp.future",
    }
)


def is_public_topic(topic: str, symbols: Container[str]) -> bool:
    """`KIND.S`, `orderbook.N.S` or `kline.I.S` of a listed symbol S."""
    kind, _, rest = topic.partition(".")
    if kind in ("tickers", "publicTrade", "priceLimit", "allLiquidation"):
        return rest in symbols
    middle, _, symbol = rest.partition(".")
    if kind == "orderbook":
        return middle in ORDERBOOK_DEPTHS and symbol in symbols
    return kind == "kline" and middle in KLINE_INTERVALS and symbol in symbols
