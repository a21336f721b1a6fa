"""The simulated exchange's books beside the trade ledger's, both read inside their containers."""

import json
from decimal import Decimal
from typing import Any, NamedTuple

from hedgegrid.operator.venue_books import VenueOrder, reused_ids, rivals
from tests.compose.stack import Stack, wait

ACCOUNT = "main"
SETTLE_S = 6.0
"""How long the market may stand still: a feed silent for longer would be replaced."""
OPEN = {"Created", "New", "PartiallyFilled", "Untriggered", "Triggered"}

_ADMIN = """
import urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(opener.open(urllib.request.Request("ADMIN/admin/PATH", method="METHOD"), timeout=10).read().decode())
"""
_LEDGER = """
import json, sqlite3
ledger = sqlite3.connect("file:/data/ledger.sqlite?mode=ro", uri=True)
rows = lambda text: ledger.execute(text).fetchall()
print(json.dumps({
    "fills": rows("SELECT trade_id, symbol, leg, gross, fee, '0' FROM fills"),
    "funding": rows("SELECT trade_id, symbol, leg, '0', '0', amount FROM funding"),
    "submitted": rows("SELECT order_id FROM order_events WHERE kind = 'SubmitOrder'"),
    "refused": rows("SELECT order_id FROM order_events WHERE kind IN ('OrderDenied', 'OrderRejected')"),
    "cycles": rows("SELECT count(*) FROM cycles"),
    "unreadable": rows("SELECT count(*) FROM refused"),
    "differences": rows("SELECT body FROM journal WHERE kind = 'DifferenceFound'"),
}))
"""


class Books(NamedTuple):
    """Both sides of one moment."""

    orders: list[dict[str, Any]]
    executions: set[str]
    realised: dict[tuple[str, str], Decimal]
    ledger: dict[str, Any]

    def disagreements(self) -> list[str]:
        """Each way in which they differ; empty is equal."""
        told = [row for table in ("fills", "funding") for row in self.ledger[table]]
        booked = {row[0] for row in told}
        ours: dict[tuple[str, str], Decimal] = {}
        for _, symbol, leg, gross, fee, funding in told:
            key = (symbol, leg)
            ours[key] = ours.get(key, Decimal(0)) + Decimal(gross) - Decimal(fee) - Decimal(funding)
        known = {order["orderLinkId"] for order in self.orders if order["orderLinkId"]}
        submitted = {row[0] for row in self.ledger["submitted"]}
        refused = {row[0] for row in self.ledger["refused"]}
        found = [
            *(f"fill not booked: {one}" for one in self.executions - booked),
            *(f"booked without a fill: {one}" for one in booked - self.executions),
            *(f"order lost: {one}" for one in submitted - known - refused),
            *(f"order nobody asked for: {one}" for one in known - submitted),
            *(f"order placed twice: {one}" for one in self.doubled()),
            *(f"difference told: {row[0]}" for row in self.ledger["differences"]),
        ]
        found += [
            f"realised of {key}: ledger {ours.get(key)}, venue {self.realised.get(key)}"
            for key in ours.keys() | self.realised.keys()
            if ours.get(key, Decimal(0)) != self.realised.get(key, Decimal(0))
        ]
        if self.ledger["unreadable"] != [[0]]:
            found.append(f"entries refused by the ledger: {self.ledger['unreadable']}")
        return found

    def doubled(self) -> list[str]:
        """Client order ids used again, and orders that lived beside another in the same place of the grid."""
        orders = [
            VenueOrder(
                symbol=row["symbol"],
                client_order_id=row["orderLinkId"],
                created_ms=int(row["createdTime"]),
                ended_ms=None if row["orderStatus"] in OPEN else int(row["updatedTime"]),
            )
            for row in self.orders
        ]
        return reused_ids(orders) + [f"{one} beside {other}" for one, other in rivals(orders)]

    @property
    def cycles(self) -> int:
        return int(self.ledger["cycles"][0][0])


def admin(stack: Stack, path: str, method: str = "GET") -> Any:
    """Ask the exchange's admin port, which listens inside its container only."""
    lines = stack.compose("logs", "--no-log-prefix", "--no-color", "exchange-sim").splitlines()
    [*_, announced] = (line for line in lines if '"admin"' in line)
    program = _ADMIN.replace("ADMIN", json.loads(announced[announced.index("{") :])["admin"])
    return json.loads(stack.python("exchange-sim", program.replace("PATH", path).replace("METHOD", method)))


def read(stack: Stack) -> Books:
    """The market should stand still meanwhile."""
    rows = {what: admin(stack, f"{what}?account={ACCOUNT}")["list"] for what in ("orders", "executions", "positions")}
    legs = {1: "long", 2: "short"}
    return Books(
        orders=rows["orders"],
        executions={row["execId"] for row in rows["executions"]},
        realised={
            (row["symbol"], legs[row["positionIdx"]]): Decimal(row["cumRealisedPnl"])
            for row in rows["positions"]
            if row["positionIdx"] in legs and Decimal(row["cumRealisedPnl"])
        },
        ledger=json.loads(stack.python("metrics", _LEDGER)),
    )


def agreed(stack: Stack, timeout_s: float = 90) -> Books:
    """Books that agree, with the market held for a moment; fails with what still differs."""
    found: list[Books] = []

    def agree() -> bool:
        found.append(read(stack))
        assert not found[-1].disagreements(), found[-1].disagreements()[:10]
        return True

    def agree_while_still() -> bool:
        admin(stack, "pause", "POST")
        try:
            wait(agree, "books agree", SETTLE_S)
        finally:
            admin(stack, "start", "POST")
        return True

    wait(agree_while_still, "books agree", timeout_s, every_s=2)
    return found[-1]
