"""Budgets of the venue: requests per account and endpoint kind, requests per address (docs/v5/rate-limit)."""

from collections import deque
from dataclasses import dataclass

WINDOW_MS = 1000
IP_WINDOW_MS = 5000
CONNECT_WINDOW_MS = 300_000
TRADE_REQUESTS = 3000
"""Requests a second on trade sockets per address."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`granted` units passed; the rest of the fields are the `X-Bapi-Limit*` headers."""

    granted: int
    limit: int
    remaining: int
    reset_ms: int


class RollingBudget:
    """At most `limit` units in any window of `window_ms`; times are wall-clock ms and never go back."""

    __slots__ = ("_spent", "limit", "window_ms")

    def __init__(self, limit: int, window_ms: int = WINDOW_MS) -> None:
        self.limit = limit
        self.window_ms = window_ms
        self._spent: deque[int] = deque()

    def take(self, now_ms: int, units: int = 1) -> Verdict:
        """Spend up to `units`. `reset_ms` is "now" while something remains, else when the oldest unit expires.

        A refusal always carries a reset in the future: pybit sleeps `reset - now` and dies on a negative sleep.
        """
        spent = self._spent
        while spent and spent[0] <= now_ms - self.window_ms:
            spent.popleft()
        granted = min(units, self.limit - len(spent))
        spent.extend([now_ms] * granted)
        short = granted < units
        reset_ms = max(spent[0] + self.window_ms, now_ms + 1) if short and spent else now_ms
        return Verdict(granted, self.limit, self.limit - len(spent), reset_ms)


class AccountBudgets:
    """One rolling budget per account and endpoint kind."""

    def __init__(self, limits: dict[str, int]) -> None:
        """`limits`: units a second for each kind; kinds not named are not limited."""
        self._limits = limits
        self._budgets: dict[tuple[str, str], RollingBudget] = {}

    def take(self, account: str, kind: str, now_ms: int, units: int = 1) -> Verdict | None:
        limit = self._limits.get(kind)
        if limit is None:
            return None
        key = (account, kind)
        budget = self._budgets.get(key)
        if budget is None:
            budget = self._budgets[key] = RollingBudget(limit)
        return budget.take(now_ms, units)


class AddressBudgets:
    """At most `limit` in any window per client address: 600 requests in 5 s, 500 new sockets in 5 min."""

    def __init__(self, limit: int, window_ms: int = IP_WINDOW_MS) -> None:
        self._limit = limit
        self._window_ms = window_ms
        self._budgets: dict[str, RollingBudget] = {}

    def allows(self, address: str, now_ms: int) -> bool:
        budget = self._budgets.get(address)
        if budget is None:
            budget = self._budgets[address] = RollingBudget(self._limit, self._window_ms)
        return budget.take(now_ms).granted == 1


def default_limits(order_rate: int) -> dict[str, int]:
    """Documented budgets per second (docs/v5/rate-limit); `order_rate` replaces the 10/s of order endpoints.

    Batches have budgets of their own, counted per order inside.
    """
    order_kinds = ("create", "amend", "cancel", "cancel-all", "create-batch", "amend-batch", "cancel-batch")
    query_kinds = ("realtime", "history", "execution", "position", "closed-pnl", "wallet", "account-info")
    limits = dict.fromkeys(order_kinds, order_rate) | dict.fromkeys(query_kinds, 50)
    position_kinds = ("set-leverage", "switch-mode", "trading-stop")
    limits |= dict.fromkeys(position_kinds, 10)
    return limits | {"transaction-log": 25, "fee-rate": 5, "query-api": 10}
