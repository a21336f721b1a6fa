"""The operator's wishes: the one place that writes to an account's control stream, and signs what it writes."""

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.signed_control import send
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import (
    ClearKillSwitch,
    ControlMessage,
    MismatchAnswer,
    ResolveMismatch,
    SetTradingState,
    ThrowKillSwitch,
)
from hedgegrid.operator.control_key import control_key_here
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
    _publish(client, account, wish)
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
    _publish(client, account, wish)
    return wish


def throw_kill_switch(
    client: redis.Redis, account: str, level: KillLevel, actor: str, reason: str, now_ms: int
) -> ThrowKillSwitch:
    """Publish the wish of `actor` to stop an account. Whether it is known is not asked: a stop must not wait."""
    wish = ThrowKillSwitch(level=level, actor=actor, reason=reason, ts_event=now_ms)
    _publish(client, account, wish)
    return wish


def clear_kill_switch(client: redis.Redis, account: str, actor: str, reason: str, now_ms: int) -> ClearKillSwitch:
    """Publish the wish of `actor` to take the stop of an account away."""
    wish = ClearKillSwitch(actor=actor, reason=reason, ts_event=now_ms)
    _publish(client, account, wish)
    return wish


def kill_level(text: str) -> KillLevel:
    """The level of that name.

    Raises:
        ConfigError: there is none.
    """
    try:
        return KillLevel[text.upper()]
    except KeyError:
        names = ", ".join(level.name for level in KillLevel)
        raise ConfigError(f"no level {text!r}; choose one of {names}") from None


def known_accounts(client: redis.Redis) -> list[str]:
    """Accounts with a bot on this Redis."""
    return sorted({account for account, _ in known_bots(client)})


def _publish(client: redis.Redis, account: str, wish: ControlMessage) -> None:
    """Issued by the clock of the server, since by that clock the entry's age is judged; ours may be off."""
    seconds, microseconds = client.time()
    issued_ms = int(seconds) * 1000 + int(microseconds) // 1000
    send(client, keys.control(account), wish, control_key_here(), issued_ms)


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
