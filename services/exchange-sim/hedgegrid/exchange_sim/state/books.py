"""What outlives the process, and which calls change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hedgegrid.exchange_sim.market.feed import MarketFeed
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.synthetic import Walked
from hedgegrid.venue.engine import Venue

COMMANDS: Final = frozenset({
    "open_account", "submit", "amend", "cancel", "cancel_all", "set_trading_stop", "set_leverage", "switch_mode",
    "close_by_hand", "force_liquidation", "force_adl", "force_funding", "lose_next_cancel", "lose_next_amend",
    "fill_in_parts", "change_instrument", "allow_only_reducing", "delist", "settle",
})  # fmt: skip
MARKET: Final = frozenset({"on_trade", "on_quote", "on_mark", "on_funding"})
"""With `COMMANDS` all methods of the venue that change its books."""
FIRST_LOOKS: Final = frozenset({"positions", "position", "hedge_mode", "leverage"})
"""Queries that open an account's slot of a symbol at the first look, with the mode and leverage of that moment."""
STEP: Final = "step"
TAKE: Final = "take"


@dataclass(slots=True)
class Books:
    """The venue, what is shown of its symbols, and how far the market has come.

    `walked` is where a synthetic market stood when the snapshot was taken (None: another market); `steps` were begun
    since, the last one at `at_ms`, venue time.
    """

    venue: Venue
    views: dict[str, SymbolView]
    walked: Walked | None = None
    steps: int = 0
    at_ms: int = 0

    def repeat(self, name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> None:
        """Do again what was done after the snapshot."""
        if name == STEP:
            self.steps += 1
            [self.at_ms] = arguments
        elif name == TAKE:
            MarketFeed(self.venue, self.views).take(*arguments)
        else:
            getattr(self.venue, name)(*arguments, **options)
