"""The exchange-sim as its supervisor sees it: the line it announces itself with, and its admin endpoints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from hedgegrid.domain.order import Leg
from hedgegrid.operator.loopback_http import HttpFailed, get_json, get_text
from hedgegrid.operator.services import Exchange
from hedgegrid.operator.venue_books import VenueBooks, VenueOrder, VenuePosition

_OPEN = frozenset({"Created", "New", "PartiallyFilled", "Untriggered", "Triggered"})
_HEDGE_MODE = frozenset(Leg)
_BOOKS_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    started: bool
    tape_ended: bool
    venue_ms: int
    steps: int


def parse_announcement(stdout: str) -> Exchange | None:
    """The exchange's JSON line, or None while it has not printed it."""
    line, end, _ = stdout.partition("\n")
    if not end:
        return None
    said = json.loads(line)
    keys = {account["id"]: (account["api_key"], account["api_secret"]) for account in said["accounts"]}
    return Exchange(
        rest=said["rest"],
        ws_public=said["ws_public"],
        ws_private=said["ws_private"],
        admin=said["admin"].rstrip("/"),
        keys=keys,
    )


class ExchangeAdmin:
    """Every call may raise HttpFailed."""

    def __init__(self, url: str) -> None:
        self._url = url

    def start(self) -> None:
        """Let the market move."""
        get_text(f"{self._url}/admin/start", "POST")

    def pause(self) -> bool:
        """Hold the market still; False if this exchange cannot."""
        try:
            get_text(f"{self._url}/admin/pause", "POST")
        except HttpFailed:
            return False
        return True

    def status(self) -> Status:
        row = get_json(f"{self._url}/admin/status")
        return Status(
            started=row["started"],
            tape_ended=row["tape_ended"],
            venue_ms=int(row["venue_ms"]),
            steps=int(row["steps"]),
        )

    def books(self, account: str) -> VenueBooks:
        """The account's books as of now; the calls are one after another, so the market should stand still."""
        return VenueBooks(
            orders=tuple(_order(row) for row in self._rows("orders", account)),
            executions={row["execId"]: row["symbol"] for row in self._rows("executions", account)},
            positions=dict(
                _position(row) for row in self._rows("positions", account) if row["positionIdx"] in _HEDGE_MODE
            ),
        )

    def _rows(self, what: str, account: str) -> list[Mapping[str, Any]]:
        url = f"{self._url}/admin/{what}?{urlencode({'account': account})}"
        answer = get_json(url, timeout_s=_BOOKS_TIMEOUT_S)
        rows: list[Mapping[str, Any]] = answer["list"] if isinstance(answer, dict) else answer
        return rows


def _order(row: Mapping[str, Any]) -> VenueOrder:
    return VenueOrder(
        symbol=row["symbol"],
        client_order_id=row["orderLinkId"],
        created_ms=int(row["createdTime"]),
        ended_ms=None if row["orderStatus"] in _OPEN else int(row["updatedTime"]),
    )


def _position(row: Mapping[str, Any]) -> tuple[tuple[str, Leg], VenuePosition]:
    position = VenuePosition(qty=Decimal(row["size"]), cum_realised=Decimal(row["cumRealisedPnl"]))
    return (row["symbol"], Leg(row["positionIdx"])), position
