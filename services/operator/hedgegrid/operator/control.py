"""The operator's wishes: `hedgegrid state` and `hedgegrid resolve` write them to an account's control stream."""

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.publisher import publish
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import MismatchAnswer, ResolveMismatch, SetTradingState
from hedgegrid.runtime.errors import ConfigError


def set_state(client: redis.Redis, bot: str, state: str, actor: str, reason: str, now_ms: int) -> SetTradingState:
    """Publish the wish of `actor` for `bot` (`ACCOUNT:SYMBOL`, or `ACCOUNT` for all of its bots).

    Raises:
        ConfigError: no such bot or state.
    """
    account, _, symbol = bot.partition(":")
    wish = SetTradingState(
        symbol=symbol.upper() or None, state=_state(state), actor=actor, reason=reason, ts_event=now_ms
    )
    _require_known(client, bot, account, wish.symbol)
    publish(client, [(keys.control(account), wish)])
    return wish


def resolve_mismatch(
    client: redis.Redis, bot: str, action: str, actor: str, reason: str, now_ms: int
) -> ResolveMismatch:
    """Publish the answer of `actor` to the mismatch that halted `bot` (`ACCOUNT:SYMBOL`).

    Raises:
        ConfigError: no such bot or answer.
    """
    account, _, symbol = bot.partition(":")
    if not symbol:
        raise ConfigError(f"{bot!r} names no symbol; write ACCOUNT:SYMBOL: each bot's mismatch is answered for itself")
    try:
        answer = MismatchAnswer(action.lower())
    except ValueError:
        raise ConfigError(f"no answer {action!r}; choose one of {', '.join(MismatchAnswer)}") from None
    wish = ResolveMismatch(symbol=symbol.upper(), action=answer, actor=actor, reason=reason, ts_event=now_ms)
    _require_known(client, bot, account, wish.symbol)
    publish(client, [(keys.control(account), wish)])
    return wish


def _require_known(client: redis.Redis, bot: str, account: str, symbol: str | None) -> None:
    known = known_bots(client)
    if not any(owner == account and symbol in (None, name) for owner, name in known):
        names = ", ".join(f"{owner}:{name}" for owner, name in known) or "none has started yet"
        raise ConfigError(f"no bot {bot!r} on this Redis; there are: {names}")


def _state(text: str) -> TradingState:
    try:
        return TradingState(text.upper().replace("-", "_"))
    except ValueError:
        raise ConfigError(f"no state {text!r}; choose one of {', '.join(TradingState)}") from None


def known_bots(client: redis.Redis) -> list[tuple[str, str]]:
    """Account and symbol of every bot with a state on this Redis."""
    head, middle, _ = keys.bot("*", "*").split("*")
    found = [key.decode() for key in client.scan_iter(match=keys.bot("*", "*"), count=1000)]
    bots = [key.removeprefix(head).split(middle, 1) for key in sorted(found)]
    return [(account, symbol) for account, symbol in bots]
