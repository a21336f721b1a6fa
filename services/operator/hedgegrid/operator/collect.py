"""Takes the report's figures from both sides at a moment when nothing moves."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hedgegrid.operator.exchange_admin import ExchangeAdmin
from hedgegrid.operator.report import AccountBooks, lost_fills
from hedgegrid.operator.stream_books import StreamBooks
from hedgegrid.operator.venue_books import VenueBooks
from hedgegrid.runtime.config_types import SystemConfig

POLL_S = 0.25
CALM_POLLS = 4
"""Observations in a row without any change that count as calm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    config: SystemConfig
    admin: ExchangeAdmin
    books: StreamBooks

    def collect(self, timeout_s: float, between: Callable[[], None]) -> list[AccountBooks]:
        """Wait until both sides are calm and every execution is booked, then return the books as they stand.

        After `timeout_s` they are returned as they are: what is missing then, is missing. `between` is called all the
        time. Raises HttpFailed when the exchange does not answer.
        """
        deadline = time.monotonic() + timeout_s
        self.books.catch_up()
        venue = self._venue()
        calm = 0
        while calm < CALM_POLLS and time.monotonic() < deadline:
            between()
            time.sleep(POLL_S)
            news = self.books.catch_up()
            seen, venue = venue, self._venue()
            still = news == 0 and venue == seen and self._settled(venue)
            calm = calm + 1 if still else 0
        self.books.catch_up()
        return self._accounts(venue)

    def _venue(self) -> dict[str, VenueBooks]:
        return {account.id: self.admin.books(account.id) for account in self.config.accounts}

    def _settled(self, venue: Mapping[str, VenueBooks]) -> bool:
        return all(
            self.books.commands_settled(account)
            and not lost_fills(AccountBooks(account=account, symbols=(), own=self.books.own[account], venue=books))
            for account, books in venue.items()
        )

    def _accounts(self, venue: Mapping[str, VenueBooks]) -> list[AccountBooks]:
        return [
            AccountBooks(
                account=account.id,
                symbols=tuple(bot.symbol for bot in account.bots),
                own=self.books.own[account.id],
                venue=venue[account.id],
                rest_calls=self.books.rest_calls(account.id),
                ticks={bot.symbol: self.books.ticks[account.id, bot.symbol] for bot in account.bots},
            )
            for account in self.config.accounts
        ]
