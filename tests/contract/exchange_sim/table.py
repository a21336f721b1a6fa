"""`python -m tests.contract.exchange_sim.table`: endpoint or topic × keys matched, missing, mistyped, extra.

Ours is a message of the simulator, theirs every official example and recorded message of the same kind.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.contract.exchange_sim.gathering import Gathered, gather
from tests.contract.exchange_sim.shapes import Comparison, Known, compare, examples, recorded, shape_of

SPELLING = "the example's spelling; the page's table and every frame say mmrSysUpdatedTime"
KNOWN = (
    Known("position*", "*mmrSysUpdateTime", SPELLING),
    Known("asset/coin-info", "result.rows[[]*", "nothing can be deposited or withdrawn here, so no coin is listed"),
    Known("execution", "data[[][]].extraFees[[]*", "taxes of some regions; accounts here pay none"),
    Known("tickers, delta", "data.*", "a delta carries what changed since the last one: any subset is right"),
    Known("position/position", "result.list[[][]].entryPrice", "a body of 2022, before V5; the page says avgPrice"),
)
PUSHES = ("order", "execution", "execution.fast", "position", "wallet", "priceLimit", "allLiquidation")
TRADE = {"auth, trade": "auth", "pong, trade": "pong", "order.create": "order.create"} | {
    "order.create-batch": "order.create-batch"
}
"""Cases of docs/v5/websocket/trade/guideline by their op."""
PAGES = {
    "order": "websocket/private/order",
    "execution": "websocket/private/execution",
    "execution.fast": "websocket/private/fast-execution",
    "position": "websocket/private/position",
    "wallet": "websocket/private/wallet",
    "tickers": "websocket/public/ticker",
    "publicTrade": "websocket/public/trade",
    "orderbook": "websocket/public/orderbook",
    "kline": "websocket/public/kline",
    "priceLimit": "websocket/public/order-price-limit",
    "allLiquidation": "websocket/public/all-liquidation",
}


def theirs(name: str, documented: Mapping[tuple[str, str], list[Any]], sorted_recorded: Gathered) -> list[Any]:
    """Documented and recorded messages of a case."""
    found = list(sorted_recorded.get(name, ()))
    if name in PAGES:
        found += [m for m in documented.get((PAGES[name], "ws-push"), ()) if _is_linear(m)]
    elif name in TRADE:
        answers = documented[("websocket/trade/guideline", "rest-resp")]
        found += [m for m in answers if m["op"] == TRADE[name]]
    else:
        answers = documented.get((name, "rest-resp"), [])
        found += ([m for m in answers if _is_linear(m)] or answers)[:1]
    return found


def sort_recorded(folder: Path) -> Gathered:
    """Recorded messages by case; those of other products and of account types before UTA are left out."""
    found: Gathered = {}
    for message in recorded(folder):
        if isinstance(message, dict) and _is_linear(message):
            for name in _cases_of(message):
                found.setdefault(name, []).append(message)
    return found


def _cases_of(message: dict[str, Any]) -> Iterator[str]:
    topic, op = str(message.get("topic", "")).removesuffix(".linear"), message.get("op")
    if topic:
        name = topic if topic in PUSHES else topic.partition(".")[0]
        yield name
        if name in ("tickers", "orderbook"):
            yield f"{name}, {message.get('type')}"
    elif op == "pong":
        yield "pong, private"
    elif op == "ping":
        yield "pong, public"
    elif op in ("subscribe", "unsubscribe"):
        yield op if message.get("success") else "subscribe, refused"
    elif op == "auth":
        yield "auth, private"
    elif op is None and message.get("retCode") in (0, "0"):
        yield from _endpoint_of(message.get("result"))


MARKS = {
    "timeSecond": "market/time",
    "marginMode": "account/account-info",
    "fundingInterval": "market/instrument",
    "singleOpenInterest": "market/tickers",
    "orderStatus": "order/open-order",
    "isMaker": "order/execution",
    "avgExitPrice": "position/close-pnl",
    "positionStatus": "position/position",
    "takerFeeRate": "account/fee-rate",
    "cashBalance": "account/transaction-log",
    "accountLTV": "account/wallet-balance",
}
"""A key that only rows of this endpoint have."""


def _endpoint_of(result: Any) -> Iterator[str]:
    if not isinstance(result, dict):
        return
    rows = result.get("list") or []
    first = rows[0] if isinstance(rows, list) and rows else {}
    if isinstance(first, list):
        yield "market/kline"
    elif {"s", "b", "a"} <= result.keys():
        yield "market/orderbook"
    else:
        for key, name in MARKS.items():
            if key in result or (isinstance(first, dict) and key in first):
                yield name
                return


def _is_linear(message: dict[str, Any]) -> bool:
    """Not of spot, inverse or option, and not of a classic account."""
    result = message.get("result")
    data = message.get("data")
    places = [result, data, *(data if isinstance(data, list) else [])]
    if isinstance(result, dict) and isinstance(result.get("list"), list):
        places += result["list"]
    objects = [place for place in places if isinstance(place, dict)]
    if str(message.get("topic", "")).startswith("tickers_lt") or any("usdIndexPrice" in o for o in objects):
        return False
    return not any(
        o.get("category") in ("spot", "option") or o.get("accountType") == "CONTRACT" or "bidIv" in o or "bid1Iv" in o
        for o in objects
    )


def comparisons(folder: Path, ours: Gathered) -> list[Comparison]:
    """Every case of which there is something to compare with."""
    documented, kept = examples(folder), sort_recorded(folder)
    found = []
    for name in sorted(ours):
        expected = theirs(name, documented, kept)
        if expected:
            found.append(compare(name, shape_of(ours[name]), shape_of(expected), KNOWN))
    return found


def draw(rows: list[Comparison]) -> Table:
    required = sum(len(row.matched) + len(row.missing) + len(row.mistyped) for row in rows)
    matched = sum(len(row.matched) for row in rows)
    table = Table(title=f"exchange-sim against documents and recordings: {matched} of {required} required keys")
    for column in ("endpoint or topic", "matched", "missing", "mistyped", "known", "extra"):
        table.add_column(column, justify="left" if column.startswith("end") else "right")
    for row in rows:
        counts = (row.matched, row.missing, row.mistyped, row.known, row.extra)
        table.add_row(row.name, *(str(len(part)) for part in counts))
    return table


def main() -> int:
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("HEDGEGRID_SHARED_DATA", default))
    if not folder.is_dir():
        sys.stderr.write(f"{folder}: recorded data is not here (or set HEDGEGRID_SHARED_DATA)\n")
        return 2
    rows = comparisons(folder, gather())
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(draw(rows))
    for row in rows:
        for kind, paths in (("missing", row.missing), ("mistyped", row.mistyped)):
            for path in paths:
                console.print(f"{row.name}: {kind}: {path}")
    for entry in dict.fromkeys(entry for row in rows for entry in row.known):
        console.print(f"known: {entry.case}: {entry.path}: {entry.reason}")
    return 0 if all(row.is_complete for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
