"""Follows the event and ledger streams of the run's accounts, so that nothing trimmed meanwhile is missed."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.progress import bot_progress
from hedgegrid.bus.reader import CheckpointReader, Entry
from hedgegrid.operator.own_books import OwnBooks

_NO_WAIT_MS = 1
_READ_COUNT = 1000


class StreamBooks:
    """Our own books of every account, grown from the streams by `catch_up`."""

    def __init__(self, client: redis.Redis, market: redis.Redis, bots: Iterable[tuple[str, str]]) -> None:
        self._client = client
        self._market = market
        self._bots = tuple(bots)
        self._last_told: dict[tuple[str, str], int] = {}
        self._reader = CheckpointReader(client)
        self._owners: dict[str, OwnBooks] = {}
        self.own: dict[str, OwnBooks] = {}
        self.ticks: Counter[tuple[str, str]] = Counter()
        """Ticks each bot has seen, over all workers that held it."""
        self.unreadable = 0
        for account in dict.fromkeys(account for account, _ in self._bots):
            books = self.own[account] = OwnBooks()
            for stream in (keys.events(account), keys.ledger(account)):
                self._owners[stream] = books
                self._reader.follow(stream)

    def catch_up(self) -> int:
        """Take in everything the streams hold by now; return how many entries that was."""
        taken = 0
        while entries := self._reader.read(block_ms=_NO_WAIT_MS, count=_READ_COUNT):
            for entry in entries:
                self._apply(entry)
            taken += len(entries)
        self._count_ticks()
        return taken

    def _count_ticks(self) -> None:
        """Workers count from 0 when they take a bot over; the sum goes on."""
        for bot in self._bots:
            told = bot_progress(self._market, *bot)[2]
            before = self._last_told.get(bot, 0)
            self.ticks[bot] += told - before if told >= before else told
            self._last_told[bot] = told

    def _apply(self, entry: Entry) -> None:
        books = self._owners[entry.stream]
        try:
            if entry.stream.endswith(":ledger"):
                books.apply_row(codec.decode_ledger(entry.fields))
            else:
                books.apply_event(codec.decode_event(entry.fields))
        except codec.UnreadableMessage:
            # Its proper readers set it aside; if it booked a fill, that fill shows as lost.
            self.unreadable += 1

    def rest_calls(self, account: str) -> dict[str, int]:
        raw: Any = self._client.hgetall(keys.rest_calls(account))
        return {name.decode(): int(count) for name, count in raw.items()}

    def commands_settled(self, account: str) -> bool:
        """True when the executor has dealt with every command."""
        newest: Any = self._client.xrevrange(keys.commands(account), count=1)
        state: Any = self._client.hgetall(keys.executor(account))
        if any(field.startswith(b"sent:") for field in state):
            return False
        return not newest or state.get(b"checkpoint") == newest[0][0]
