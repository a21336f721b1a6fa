"""Executions that no working order answers for: funding, and what somebody else did. Each is booked once, for ever.

Their ids are kept as long as the venue may repeat them; whatever is older than the oldest id kept counts as known, by
its time. So a list of bounded length never lets an old one in again.
"""

from hedgegrid.strategy.core.state import LegState, Seen

KEPT = 64
WINDOW_MS = 3_600_000
"""Ids younger than this before the newest are kept however many they are: one order may fill in hundreds of parts."""


def is_seen(leg: LegState, ts_event: int, trade_id: str) -> bool:
    return ts_event < leg.seen_before_ms or any(seen.trade_id == trade_id for seen in leg.seen)


def remembered(leg: LegState, ts_event: int, trade_id: str) -> dict[str, object]:
    """Fields of the leg once this execution is known."""
    rows = sorted((*leg.seen, Seen(ts_event, trade_id)), key=lambda seen: seen.ts_event)
    return trimmed(rows, leg.seen_before_ms)


def trimmed(rows: list[Seen], before_ms: int) -> dict[str, object]:
    """Fields of a leg that knows `rows` (oldest first) and everything before `before_ms`."""
    window_from_ms = rows[-1].ts_event - WINDOW_MS if rows else 0
    first_kept = max(0, len(rows) - KEPT)
    while first_kept and rows[first_kept - 1].ts_event >= window_from_ms:
        first_kept -= 1
    if first_kept:
        # Whatever shares its time with the oldest kept may still be unknown: only older ones are known by time alone.
        before_ms = max(before_ms, rows[first_kept].ts_event)
        first_kept = next(n for n, seen in enumerate(rows) if seen.ts_event >= before_ms)
    return {"seen": tuple(rows[first_kept:]), "seen_before_ms": before_ms}
