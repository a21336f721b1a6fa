"""Every REST request the venue received, for whoever checks a client's traffic."""

from collections import Counter, deque
from typing import Any, NamedTuple

KEPT = 200_000


class Entry(NamedTuple):
    """`ts_ms` wall time of arrival; `ret_code` is the envelope's, or minus the HTTP status when there was none."""

    ts_ms: int
    account: str
    method: str
    path: str
    order_link_id: str
    ret_code: int


class Journal:
    """The newest requests, and counters since the start by account and `METHOD path`."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.counts[entry.account, f"{entry.method} {entry.path}"] += 1

    def counts_by_account(self) -> dict[str, dict[str, int]]:
        """`{account: {"METHOD path": n}}`; calls without a valid key count under ""."""
        table: dict[str, dict[str, int]] = {}
        for (account, call), number in self.counts.items():
            table.setdefault(account, {})[call] = number
        return table


def link_ids(params: Any) -> str:
    """The orderLinkId of a request, those of a batch joined by commas, "" when there is none."""
    if not isinstance(params, dict):
        return ""
    legs = params.get("request")
    rows = legs if isinstance(legs, list) else [params]
    found = (row.get("orderLinkId") for row in rows if isinstance(row, dict))
    return ",".join(str(value) for value in found if value)
