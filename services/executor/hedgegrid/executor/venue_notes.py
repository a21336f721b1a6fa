"""What the venue says of our clock and our key, for `hedgegrid doctor`. Nothing is decided by it."""

from datetime import UTC, datetime
from typing import Any

from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.rest import RestClient


def venue_notes(rest: RestClient) -> dict[str, object]:
    """Plain data: clock offset, and rights and end of the key or why they are not known. Never the key itself."""
    notes: dict[str, object] = {"clock_offset_ms": rest.offset_ms}
    try:
        notes["key"] = key_notes(rest.api_key())
    except VenueError as error:
        notes["key_problem"] = f"code {error.outcome.code}, {error.outcome.reason}"
    except NotSent as error:
        notes["key_problem"] = str(error)
    return notes


def key_notes(row: dict[str, Any]) -> dict[str, object]:
    """The parts of the answer to `GET /v5/user/query-api` that somebody may see.

    `ips` is `["*"]` for a key that works from anywhere, `expiredAt` an ISO time in UTC, or in the year 1970 for never.
    """
    permissions = row.get("permissions")
    named = permissions if isinstance(permissions, dict) else {}
    ips = row.get("ips")
    return {
        "read_only": row.get("readOnly") in (1, "1", True),
        "permissions": {str(group): [str(one) for one in rights] for group, rights in named.items() if rights},
        "ip_bound": isinstance(ips, list) and bool(ips) and "*" not in ips,
        "expires_ms": _time_ms(row.get("expiredAt")),
        "unified": row.get("uta") in (1, "1") or row.get("unified") in (1, "1"),
    }


def _time_ms(text: object) -> int | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000) if aware.year > 1970 else None
