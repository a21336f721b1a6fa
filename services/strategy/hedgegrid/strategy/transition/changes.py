"""What a new config would change, for whom, with what effect, and which changes are unsafe. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hedgegrid.domain.money import plain
from hedgegrid.runtime.config import AccountConfig, BotConfig, SystemConfig, bot_dry_run
from hedgegrid.strategy.core.config_change import as_text
from hedgegrid.strategy.core.state import BotState, LegState
from hedgegrid.strategy.plans import BotPlan, plans_of

ALL = ("executor", "ws-gateway", "strategy", "metrics")
"""In the order of their restart: who carries out commands knows a new bot before the worker that gives them."""
_TWO = ("executor", "metrics")
_TOLD_APART = frozenset({"id", "bots", "dry_run", "guard"})
_STOPS = frozenset({"stop_loss_pct", "stop_loss_usdt", "stop_loss_action"})
_CAPS = frozenset({"max_leg_notional_usdt", "max_bot_notional_usdt"})


class Effect(StrEnum):
    NOTE = " "
    CARE = "!"
    """Allowed, and worth a second look."""
    REFUSED = "X"


class Change(NamedTuple):
    """`services` must be restarted for it to hold."""

    effect: Effect
    subject: str
    text: str
    services: tuple[str, ...] = ()


Bot = tuple[str, str]
"""Account and symbol."""


class Running(NamedTuple):
    """States in Redis by bot; `known` False where Redis did not answer."""

    states: Mapping[Bot, BotState]
    known: bool = True


def changes(old: SystemConfig | None, new: SystemConfig, running: Running) -> list[Change]:
    """Everything that `new` changes, in the order of the file; `old` None where no config is in place yet.

    Raises:
        ConfigError: a strategy or one of its settings is not valid.
    """
    found: list[Change] = []
    if old is not None and old.mode != new.mode:
        found.append(_mode(old, new, running))
    before = _bots(old)
    for account in new.accounts:
        found += _account(_account_of(old, account.id), account)
        for plan, bot in zip(plans_of(account), account.bots, strict=True):
            key = account.id, bot.symbol
            known = before.pop(key, None)
            found += _bot(account, plan, bot, known, running.states.get(key))
    left = {**dict.fromkeys(before), **{key: None for key in running.states if key not in _bots(new)}}
    return found + [_removed(key, running) for key in left]


def restarts(found: list[Change]) -> list[str]:
    """The services to restart, in order."""
    named = {service for change in found for service in change.services}
    return [service for service in ALL if service in named]


def _mode(old: SystemConfig, new: SystemConfig, running: Running) -> Change:
    text = f"mode {old.mode} → {new.mode}"
    if running.states or not running.known:
        return Change(
            Effect.REFUSED,
            "mode",
            f"{text}: the states in Redis are of the other venue's positions; use another Redis (and ledger) per mode",
        )
    return Change(Effect.CARE, "mode", text, ALL)


def _account(old: AccountConfig | None, new: AccountConfig) -> Iterator[Change]:
    subject = f"account {new.id}"
    if old is None:
        yield Change(Effect.NOTE, subject, "new: its keys must be given to ws-gateway and executor", ALL)
        return
    if old.dry_run != new.dry_run:
        text = "nothing is sent any more; working orders stay at the venue" if new.dry_run else "orders are sent again"
        yield Change(Effect.CARE, subject, f"dry_run {_word(old.dry_run)} → {_word(new.dry_run)}: {text}", _TWO)
    for name in old.__struct_fields__:
        values = getattr(old, name), getattr(new, name)
        if name not in _TOLD_APART and values[0] != values[1]:
            text = f"{name} {_figure(values[0])} → {_figure(values[1])}"
            yield Change(Effect.NOTE, subject, text, ("executor",))
    for name in old.guard.__struct_fields__:
        values = getattr(old.guard, name), getattr(new.guard, name)
        if values[0] != values[1]:
            text = f"guard.{name} {_figure(values[0])} → {_figure(values[1])}: judged anew at once"
            yield Change(Effect.CARE, subject, text, ("executor",))


def _bot(
    account: AccountConfig, plan: BotPlan, bot: BotConfig, old: tuple[AccountConfig, BotConfig] | None,
    state: BotState | None,
) -> Iterator[Change]:  # fmt: skip
    subject = f"{account.id}:{plan.symbol}"
    if old is None and state is None:
        text = f"new: begins {plan.config.trading_state} with leverage {plain(bot.leverage)}"
        yield Change(Effect.NOTE, subject, text, ALL)
        return
    if old is None:
        yield Change(Effect.NOTE, subject, f"back again: goes on from its stored state ({_holding(state)})", ALL)
    else:
        was_account, was = old
        if bot_dry_run(was_account, was) != bot_dry_run(account, bot) and was.dry_run != bot.dry_run:
            text = f"dry_run {_word(was.dry_run)} → {_word(bot.dry_run)}"
            yield Change(Effect.CARE, subject, text, _TWO)
        if was.strategy != bot.strategy:
            yield _strategy(subject, was, bot, state)
            return  # its settings are other things
    yield from _fields(subject, plan, old, state)


def _fields(
    subject: str, plan: BotPlan, old: tuple[AccountConfig, BotConfig] | None, state: BotState | None
) -> Iterator[Change]:
    """Against what the bot runs by; where it has not run, against the config in place."""
    now = as_text(plan.config)
    if state is not None and state.config:
        before = state.config
    elif old is not None:
        before = next(as_text(one.config) for one in plans_of(old[0]) if one.symbol == plan.symbol)
    else:
        return
    for name in sorted(before.keys() | now.keys()):
        values = before.get(name, ""), now.get(name, "")
        if values[0] != values[1]:
            yield _field(subject, plan, name, values, state)


def _field(subject: str, plan: BotPlan, name: str, values: tuple[str, str], state: BotState | None) -> Change:
    is_open = state is not None and _is_open(state)
    text = f"{name} {values[0] or 'none'} → {values[1] or 'none'}"
    services = ("executor", "strategy") if name == "leverage" else ("strategy",)
    effect, when = Effect.NOTE, "holds at once"
    if name == "trading_state":
        effect, when = Effect.CARE, "the bot moves there when its worker restarts"
    elif name == "leverage":
        when = "sizes follow from the next cycle on" if is_open else "holds from the next cycle on"
        if is_open:
            effect = Effect.CARE
            when += "; the venue applies it to the open position, whose initial margin changes with it"
    elif name in plan.strategy.next_cycle_fields:
        when = "an open cycle keeps the old value until it is flat" if is_open else "holds from the next cycle on"
    elif name in _STOPS and is_open:
        effect, when = Effect.CARE, "acts at the next tick: a price already beyond it closes the open position"
    elif name in _CAPS and is_open:
        effect, when = Effect.CARE, "a leg beyond it is kept, and does not grow"
    elif is_open and name not in ("maker_fee_pct", "taker_fee_pct"):
        when = "holds at once, for open cycles too: working orders follow"
    return Change(effect, subject, f"{text}: {when}", services)


def _strategy(subject: str, old: BotConfig, new: BotConfig, state: BotState | None) -> Change:
    text = f"strategy {old.strategy} → {new.strategy}"
    if state is not None and not _is_flat(state):
        fix = f"hedgegrid state {subject} no-new-cycles, and change it once flat"
        return Change(Effect.REFUSED, subject, f"{text}: the open cycle would lose its plan; {fix}")
    return Change(Effect.CARE, subject, text, ("strategy", "metrics"))


def _removed(key: Bot, running: Running) -> Change:
    subject, state = ":".join(key), running.states.get(key)
    if not running.known:
        return Change(Effect.REFUSED, subject, "removed: whether it holds a position is not known without Redis")
    if state is not None and not _is_flat(state):
        fix = f"hedgegrid state {subject} flatten (or no-new-cycles), and remove it once flat"
        return Change(
            Effect.REFUSED, subject, f"removed while it has {_holding(state)}: nobody would manage them; {fix}"
        )
    return Change(Effect.NOTE, subject, "removed: it is flat; its state stays in Redis for a return", ALL)


def _is_open(state: BotState) -> bool:
    return any(leg.book.qty > 0 for leg in state.legs)


def _is_flat(state: BotState) -> bool:
    return not _is_open(state) and not any(leg.orders for leg in state.legs)


def _holding(state: BotState | None) -> str:
    if state is None or _is_flat(state):
        return "flat"
    return ", ".join(_leg(leg) for leg in state.legs if leg.book.qty > 0 or leg.orders)


def _leg(leg: LegState) -> str:
    orders = f"{len(leg.orders)} working order{'' if len(leg.orders) == 1 else 's'}"
    return f"{leg.leg.word} {plain(leg.book.qty)} and {orders}"


def _bots(config: SystemConfig | None) -> dict[Bot, tuple[AccountConfig, BotConfig]]:
    accounts = config.accounts if config is not None else ()
    return {(account.id, bot.symbol): (account, bot) for account in accounts for bot in account.bots}


def _account_of(config: SystemConfig | None, name: str) -> AccountConfig | None:
    accounts = config.accounts if config is not None else ()
    return next((account for account in accounts if account.id == name), None)


def _word(value: bool) -> str:
    return "true" if value else "false"


def _figure(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Decimal):
        return plain(value)
    return msgspec.json.encode(value).decode()
