"""The shape of the TOML file: accounts and their bots. Money and percent are Decimal."""

import re
from decimal import Decimal
from typing import Literal

import msgspec

from hedgegrid.guard.config import GuardConfig
from hedgegrid.runtime.errors import ConfigError

Mode = Literal["paper", "demo", "testnet", "live"]

_ACCOUNT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")
_SYMBOL = re.compile(r"[A-Z0-9]{1,20}USDT")


class BotConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bot = one symbol of one account.

    In TOML its table is flat: any key that is not of this class is the strategy's, in `params`.
    """

    symbol: str
    """A USDT perpetual, e.g. BTCUSDT."""
    leverage: Decimal
    """1..200; the venue's own bound of the symbol is checked later."""
    strategy: str = "dual_grid"
    dry_run: bool = False
    """True: every command is shown and denied, none is sent."""
    params: dict[str, object] = {}

    def __post_init__(self) -> None:
        if not _SYMBOL.fullmatch(self.symbol):
            raise ValueError(f"symbol must be a USDT perpetual such as BTCUSDT, got {self.symbol!r}")
        _require("leverage", self.leverage, Decimal(1), Decimal(200))


class AccountConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Bybit (sub-)account with its bots."""

    id: str
    """Part of every key and of the names of its credentials: [a-z0-9][a-z0-9-]{0,15}."""
    bots: tuple[BotConfig, ...] = ()
    dry_run: bool = False
    """True: holds for all bots of the account."""
    max_order_notional_usdt: Decimal | None = None
    """Cap on one order that adds exposure, in USDT, checked by the executor; absent = off."""
    collar_crossing_pct: Decimal = Decimal(5)
    """Most that the price of an order that adds exposure may lie on the losing side of the mark, percent of it, 0…100;
    at market, how far last price and mark may be apart. 0 = off."""
    collar_resting_pct: Decimal = Decimal(50)
    """Most that it may lie on the other side, where it rests, percent of the mark, 0…100. 0 = off."""
    guard: GuardConfig = GuardConfig()
    """The account guard's bounds; the table `[accounts.guard]`."""

    def __post_init__(self) -> None:
        if not _ACCOUNT_ID.fullmatch(self.id):
            raise ValueError(f"id must be 1 to 16 of a-z 0-9 -, not beginning with a hyphen, got {self.id!r}")
        if self.max_order_notional_usdt is not None and not self.max_order_notional_usdt > 0:
            raise ValueError(
                f"max_order_notional_usdt must be above 0, got {self.max_order_notional_usdt}; leave it out for no cap"
            )

        for name in ("collar_crossing_pct", "collar_resting_pct"):
            _require(name, getattr(self, name), Decimal(0), Decimal(100))

    def bot(self, symbol: str) -> BotConfig:
        """Return the bot of `symbol`; raise ConfigError if this account has none."""
        for bot in self.bots:
            if bot.symbol == symbol:
                return bot
        known = ", ".join(bot.symbol for bot in self.bots)
        raise ConfigError(f"accounts[{self.id}] has no bot {symbol!r}; it has: {known}")


class SystemConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    accounts: tuple[AccountConfig, ...]
    mode: Mode = "paper"

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol traded by any account, once, in order of first mention."""
        return tuple(dict.fromkeys(bot.symbol for acct in self.accounts for bot in acct.bots))

    def account(self, account_id: str) -> AccountConfig:
        """Return the account; raise ConfigError if there is none of that id."""
        for account in self.accounts:
            if account.id == account_id:
                return account
        known = ", ".join(account.id for account in self.accounts)
        raise ConfigError(f"no account {account_id!r} in the config; it has: {known}")


def _require(name: str, value: Decimal, low: Decimal, high: Decimal) -> None:
    if not value.is_finite() or not low <= value <= high:  # comparing with NaN raises
        raise ValueError(f"{name} must be {low}..{high}, got {value}")
