"""How often orders may be sent. Pure: the caller brings the time.

Bybit counts per account and rolling second, separately for create, amend, cancel and cancel-all (10/s each,
docs/v5/rate-limit). A classic bucket refills while it is emptied and so lets almost twice the rate pass within one
second; here a token comes back only one window after its use, which is the venue's own rule.
"""

from collections import deque
from collections.abc import Mapping

from hedgegrid.bybit.errors import MAX_WAIT_MS
from hedgegrid.bybit.requests import Operation

WINDOW_NS = 1_050_000_000
"""The venue's second and 50 ms for requests that travel at different speeds."""
NS_PER_MS = 1_000_000
RESERVE_SHARE = 3
"""Of ten tokens, those which only orders that reduce exposure may use."""


class TokenBucket:
    """`rate` tokens, each back `WINDOW_NS` after its use; the last `reserve` are for urgent takers."""

    def __init__(self, rate: int) -> None:
        self.configured = rate
        self.rate = rate
        self._used: deque[int] = deque()
        self._closed_until_ns = 0

    @property
    def reserve(self) -> int:
        return min(self.rate - 1, self.rate * RESERVE_SHARE // 10)

    def take(self, now_ns: int, urgent: bool) -> int:
        """Take a token and return 0, or return the nanoseconds after which to try again."""
        if now_ns < self._closed_until_ns:
            return self._closed_until_ns - now_ns
        self._drop_old(now_ns)
        allowed = self.rate if urgent else self.rate - self.reserve
        over = len(self._used) - allowed
        if over < 0:
            self._used.append(now_ns)
            return 0
        return max(1, self._used[over] + WINDOW_NS - now_ns)

    def close(self, until_ns: int) -> None:
        """Let nothing pass before `until_ns`: the venue said that the budget is spent."""
        self._closed_until_ns = max(self._closed_until_ns, until_ns)

    def observe(self, limit: int | None, remaining: int | None, now_ns: int) -> None:
        """Adapt to what the venue told with an answer: its limit, and what is left of it.

        A limit below ours is obeyed; ours stays the upper bound, since others may share the account's budget. Less
        left than our own use explains means that somebody else used the difference just now.
        """
        if limit is not None and limit > 0:
            self.rate = min(self.configured, limit)
        if remaining is None or limit is None:
            return
        self._drop_old(now_ns)
        others = limit - remaining - len(self._used)
        self._used.extend([now_ns] * max(0, min(others, self.rate)))

    def _drop_old(self, now_ns: int) -> None:
        while self._used and now_ns - self._used[0] >= WINDOW_NS:
            self._used.popleft()


class OrderBudgets:
    """One bucket per kind of order request."""

    def __init__(self, rate_per_s: int) -> None:
        kinds = (Operation.SUBMIT, Operation.AMEND, Operation.CANCEL, Operation.CANCEL_ALL)
        self._buckets = {kind: TokenBucket(rate_per_s) for kind in kinds}

    def take(self, operation: Operation, now_ns: int, urgent: bool) -> int:
        return self._buckets[operation].take(now_ns, urgent)

    def throttled(self, operation: Operation, now_ns: int, wait_ms: int) -> None:
        """The venue refused for its rate limit."""
        self._buckets[operation].close(now_ns + min(wait_ms, MAX_WAIT_MS) * NS_PER_MS)

    def observe(self, operation: Operation, headers: Mapping[str, str], now_ns: int) -> None:
        """Read `X-Bapi-Limit` and `X-Bapi-Limit-Status` of an answer."""
        limit, remaining = _number(headers, "X-Bapi-Limit"), _number(headers, "X-Bapi-Limit-Status")
        self._buckets[operation].observe(limit, remaining, now_ns)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() else None
