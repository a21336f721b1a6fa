"""Cursors: the key of the last row seen, opaque and percent-encoded like Bybit's (bybit-v5.md 1.12)."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote, unquote

from hedgegrid.exchange_sim.errors import params_error

T = TypeVar("T")
_CURSOR = re.compile(r"page_args=(.*)&\Z", re.DOTALL)


def page(items: Sequence[T], key: Callable[[T], str], limit: int, cursor: str) -> tuple[Sequence[T], str]:
    """The items after the cursor's, at most `limit`, and the next cursor ("" on the last page).

    Rows added or removed in front meanwhile do not shift a page; a cursor whose row is gone ends the list.
    """
    first = 0
    if cursor:
        wanted = _key_of(cursor)
        first = next((i + 1 for i, item in enumerate(items) if key(item) == wanted), len(items))
    part = items[first : first + limit]
    more = first + limit < len(items)
    return part, _cursor_of(key(part[-1])) if more and part else ""


def _cursor_of(key: str) -> str:
    return quote(f"page_args={key}&", safe="")


def _key_of(cursor: str) -> str:
    """Clients return the cursor as it came or encoded once more; both end up here decoded at least once."""
    for candidate in (cursor, unquote(cursor), unquote(unquote(cursor))):
        match = _CURSOR.match(candidate)
        if match:
            return match[1]
    raise params_error("cursor invalid")
