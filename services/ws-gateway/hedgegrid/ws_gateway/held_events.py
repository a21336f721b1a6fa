"""What could not be published yet: bounded in number and in time. Pure."""

from dataclasses import dataclass

HELD_ENTRIES = 50_000
HELD_MS = 60_000


@dataclass(slots=True)
class HoldingBound:
    """How long account events may be kept back while Redis is away, before the feed counts as lost."""

    entries: int = HELD_ENTRIES
    age_ms: int = HELD_MS
    _since_ms: int | None = None

    def failed(self, waiting: int, now_ms: int) -> str:
        """Publishing failed with `waiting` frames held; returns why to give up, or ""."""
        if self._since_ms is None:
            self._since_ms = now_ms
        age_ms = now_ms - self._since_ms
        if waiting > self.entries:
            return f"Redis away: more than {self.entries} events held"
        if age_ms > self.age_ms:
            return f"Redis away: events held for {age_ms} ms"
        return ""

    def worked(self) -> None:
        """Publishing works."""
        self._since_ms = None
