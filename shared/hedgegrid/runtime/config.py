"""Read and check the one TOML file of accounts and bots. Secrets are never in it."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec

from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.config import GuardConfig, Thresholds
from hedgegrid.runtime.config_types import AccountConfig as AccountConfig
from hedgegrid.runtime.config_types import BotConfig as BotConfig
from hedgegrid.runtime.config_types import Mode as Mode
from hedgegrid.runtime.config_types import SystemConfig as SystemConfig
from hedgegrid.runtime.conversion import (
    convert_table,
    field_names,
    join,
    missing_key,
    refuse_secrets,
)
from hedgegrid.runtime.errors import ConfigError as ConfigError
from hedgegrid.runtime.venue_permission import require_live_permission as require_live_permission
from hedgegrid.runtime.venue_permission import require_venue_urls as require_venue_urls

T = TypeVar("T")

_BOT_KEYS = tuple(name for name in BotConfig.__struct_fields__ if name != "params")


def load_config(path: Path) -> SystemConfig:
    """Read and check the whole file; raise ConfigError (one line) on the first fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot read the config {path}: {error.strerror}; name another by --config or HEDGEGRID_CONFIG"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text") from error
    try:
        return parse_config(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_config(text: str) -> SystemConfig:
    """Check TOML `text` as a whole; raise ConfigError on the first fault."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}") from error
    refuse_secrets(raw, "")
    accounts = tuple(_account(table, name) for table, name in _tables(raw, "accounts", "id", ""))
    if not accounts:
        raise ConfigError("accounts: none; add a table [[accounts]] with an id and its bots")
    _refuse_duplicates([account.id for account in accounts], "accounts", "id")
    return convert_table({**raw, "accounts": accounts}, SystemConfig, "")


def convert_params(bot: BotConfig, account_id: str, type_: type[T]) -> T:
    """Convert the strategy's keys of a bot to the strategy's own config type.

    `leverage` is handed over too if the type has it. Raises ConfigError naming
    `accounts[ID].bots[SYMBOL].KEY`, what is wrong, the allowed range and, for an unknown key,
    the nearest known one. A ValueError of the type's own `__post_init__` is reported the same way;
    let its text begin with the field's name. (Meta bounds fail on Decimal: check them there.)
    """
    table = dict(bot.params)
    if "leverage" in field_names(type_):
        table["leverage"] = bot.leverage
    return convert_table(table, type_, bot_path(account_id, bot.symbol), also_known=_BOT_KEYS)


def bot_path(account_id: str, symbol: str) -> str:
    """Return how error messages name a bot."""
    return f"accounts[{account_id}].bots[{symbol}]"


def bot_dry_run(account: AccountConfig, bot: BotConfig) -> bool:
    """Tell whether no command of this bot may be sent: its own switch or the account's."""
    return account.dry_run or bot.dry_run


def config_hash(bot: BotConfig) -> str:
    """Return 12 hex digits which change exactly when a value of the bot does; 1 and 1.0 agree."""
    canonical = json.dumps(_canonical(msgspec.structs.asdict(bot)), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def fingerprint(config: SystemConfig) -> str:
    """Return 12 hex digits which change exactly when a value of the whole file does."""
    canonical = json.dumps(_canonical(msgspec.to_builtins(config, builtin_types=(Decimal,))), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _account(table: Mapping[str, object], where: str) -> AccountConfig:
    refuse_secrets(table, where)
    bots = tuple(_bot(bot, path) for bot, path in _tables(table, "bots", "symbol", where))
    if not bots:
        raise ConfigError(f"{where}.bots: none; add a table [[accounts.bots]] with a symbol")
    _refuse_duplicates([bot.symbol for bot in bots], join(where, "bots"), "symbol")
    guard = guard_config(table.get("guard", {}), join(where, "guard"))
    return convert_table({**table, "bots": bots, "guard": guard}, AccountConfig, where)


def guard_config(table: object, where: str) -> GuardConfig:
    """Check a guard table; raise ConfigError naming `where.KEY`. Bounds given for some stages replace all of them."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: must be a table, e.g. [accounts.guard]")
    refuse_secrets(table, where)
    given: dict[str, object] = dict(table)
    defaults = GuardConfig()
    for key in given.keys() & set(GuardConfig.__struct_fields__):
        if isinstance(getattr(defaults, key), Thresholds):
            given[key] = _thresholds(given[key], join(where, key))
    if "blind_stage" in given:
        given["blind_stage"] = _stage(given["blind_stage"], join(where, "blind_stage"))
    return convert_table(given, GuardConfig, where)


def _thresholds(table: object, where: str) -> Thresholds:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: must give a bound per stage, e.g. {{ warn = 20, flatten = 75 }}, got {table}")
    return convert_table(table, Thresholds, where)


def _stage(word: object, where: str) -> RiskStage:
    stages = {stage.name.lower(): stage for stage in RiskStage if stage is not RiskStage.NORMAL}
    if not isinstance(word, str) or word not in stages:
        raise ConfigError(f"{where}: expected one of {', '.join(stages)}, got {word!r}")
    return stages[word]


def _bot(table: Mapping[str, object], where: str) -> BotConfig:
    refuse_secrets(table, where)
    for key in ("symbol", "leverage"):
        if key not in table:
            raise ConfigError(missing_key(key, table, where))
    own = {key: value for key, value in table.items() if key in _BOT_KEYS}
    params = {key: value for key, value in table.items() if key not in _BOT_KEYS}
    return convert_table({**own, "params": params}, BotConfig, where)


def _tables(parent: Mapping[str, object], key: str, id_key: str, where: str) -> list[tuple[Mapping[str, object], str]]:
    """Return each table of the array `key` with its path: by its id, or by its number without."""
    items = parent.get(key, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ConfigError(f"{join(where, key)}: must be an array of tables, e.g. [[accounts]]")
    return [(item, f"{join(where, key)}[{item.get(id_key, n)}]") for n, item in enumerate(items)]


def _refuse_duplicates(names: list[str], where: str, id_key: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{where}: {id_key} {name!r} stands there twice; each must be unique")


def _canonical(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | Decimal):
        text = format(Decimal(value), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)
