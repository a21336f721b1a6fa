"""Gauges of what each bot's stored state says: reconciled or not, and the prices it works by."""

import logging
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import redis
from prometheus_client import Gauge

from hedgegrid.bus import keys
from hedgegrid.domain.order import Leg
from hedgegrid.metrics.bot_books import FIELDS, BotBooks, decode, ladder, take_profits
from hedgegrid.runtime.metric_names import Metrics

RUNGS = 10
"""Lines of a ladder that get a gauge of their own: what a chart can show and a label may cost."""

_log = logging.getLogger(__name__)


class BotGauges:
    """Reads `{acct}:bot:SYMBOL` of every configured bot; keeps the newest of each for the live page."""

    def __init__(self, metrics: Metrics, accounts: dict[str, tuple[str, ...]]) -> None:
        self._metrics = metrics
        self._bots = [(account, symbol) for account, symbols in accounts.items() for symbol in symbols]
        self._raw: dict[tuple[str, str], dict[str, bytes]] = {}
        self.unreadable: set[tuple[str, str]] = set()
        self.books: dict[tuple[str, str], BotBooks] = {}
        """By account and symbol; a bot that was never born, or whose state this version cannot read, is not there."""

    def poll(self, client: redis.Redis) -> None:
        """Update all gauges."""
        with client.pipeline(transaction=False) as pipe:
            for account, symbol in self._bots:
                pipe.hmget(keys.bot(account, symbol), FIELDS)
            rows: list[Any] = pipe.execute()
        for bot, row in zip(self._bots, rows, strict=True):
            fields = {name: value for name, value in zip(FIELDS, row, strict=True) if value is not None}
            if fields and fields != self._raw.get(bot):
                self._raw[bot] = fields
                self._take(bot, fields)

    def _take(self, bot: tuple[str, str], fields: dict[str, bytes]) -> None:
        try:
            books = decode(fields)
        except msgspec.DecodeError as error:
            if bot not in self.unreadable:
                _log.warning("the state of %s:%s cannot be read: %s", *bot, error)
            self.unreadable.add(bot)
            self.books.pop(bot, None)
            self._metrics.bot_state_readable.labels(*bot).set(0)
            return
        self.books[bot] = books
        self.unreadable.discard(bot)
        self._metrics.bot_state_readable.labels(*bot).set(1)
        self._metrics.bot_reconciled.labels(*bot).set(int(books.reconciled))
        for leg in Leg:
            self._leg((*bot, leg.word), books, leg)

    def _leg(self, labels: tuple[str, str, str], books: BotBooks, leg: Leg) -> None:
        held = books.leg(leg)
        exits = take_profits(held, leg)
        _show(self._metrics.break_even_price, labels, held.break_even_px)
        _show(self._metrics.take_profit_price, labels, exits[0].price if exits else None)
        lines = [line.price for line in ladder(books, leg)[:RUNGS]]
        for rung in range(RUNGS):
            _show(self._metrics.ladder_price, (*labels, str(rung + 1)), lines[rung] if rung < len(lines) else None)


def _show(gauge: Gauge, labels: tuple[str, ...], value: Decimal | None) -> None:
    if value is None:
        with suppress(KeyError):
            gauge.remove(*labels)
    else:
        gauge.labels(*labels).set(float(value))
