"""Bots as a person names them on the command line."""

from collections.abc import Sequence

from hedgegrid.runtime.errors import ConfigError

Bot = tuple[str, str]
"""Account and symbol."""


def full_name(named: str, account: str | None, known: Sequence[Bot]) -> str:
    """`ACCOUNT:SYMBOL`, or `ACCOUNT` for all its bots, from what was typed: a symbol alone will do where it is unique.

    Raises:
        ConfigError: the symbol is traded by several accounts, or two accounts are named.
    """
    first, colon, _ = named.partition(":")
    accounts = {owner for owner, _ in known}
    if colon or (first in accounts and account is None):
        if colon and account not in (None, first):
            raise ConfigError(f"{named!r} and --account {account} name two accounts; leave one out")
        return named
    symbol = named.upper()
    if account is not None:
        return f"{account}:{symbol}"
    owners = sorted({owner for owner, name in known if name == symbol})
    if len(owners) > 1:
        raise ConfigError(f"{symbol} is traded by {', '.join(owners)}; name one with --account")
    return f"{owners[0]}:{symbol}" if owners else named
