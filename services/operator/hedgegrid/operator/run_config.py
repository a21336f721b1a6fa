"""The config file of a demo run: the user's own, or one made from the shipped file for the symbols asked for."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedgegrid.operator.project_files import DEMO_CONFIG, SHIPPED_CONFIG, TAPE_CONFIG
from hedgegrid.operator.tapes import is_raw_feed, symbols_of
from hedgegrid.runtime.config import SystemConfig, load_config, parse_config
from hedgegrid.runtime.errors import ConfigError

Table = dict[str, Any]


def config_for_demo(config: Path | None, symbols: Sequence[str], tapes: Sequence[Path]) -> tuple[str, SystemConfig]:
    """Return the TOML text of the run and what it says, checked as a whole.

    With `config` its bots trade, or those of `symbols` only. Without, those of a shipped file (one for the synthetic
    market, one for tapes), or those of `symbols` or of the tapes' symbols; a symbol the file lacks gets a bot like its
    last one.

    Raises:
        ConfigError: a fault in the file, a symbol without a bot, or a mode that is not `paper`.
    """
    path = config or _shipped(symbols, tapes)
    loaded = load_config(path)
    if loaded.mode != "paper":
        raise ConfigError(f'{path}: mode: the demo trades on the exchange-sim only, set it to "paper"')
    raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if config is not None:
        if symbols:
            _keep_only(raw, symbols, path)
    else:
        wanted = symbols or symbols_of(tapes)
        if wanted:
            _make_bots(raw, wanted)
    text = to_toml(raw)
    return text, parse_config(text)


def _shipped(symbols: Sequence[str], tapes: Sequence[Path]) -> Path:
    if tapes and all(map(is_raw_feed, tapes)) and set(symbols or symbols_of(tapes)) == {"BTCUSDT"}:
        return TAPE_CONFIG
    return SHIPPED_CONFIG if tapes else DEMO_CONFIG


def _keep_only(raw: Table, symbols: Sequence[str], path: Path) -> None:
    known = [bot["symbol"] for account in raw["accounts"] for bot in account["bots"]]
    for symbol in symbols:
        if symbol not in known:
            raise ConfigError(f"--symbols {symbol}: no bot of that symbol in {path}; it has: {', '.join(known)}")
    for account in raw["accounts"]:
        account["bots"] = [bot for bot in account["bots"] if bot["symbol"] in symbols]
    raw["accounts"] = [account for account in raw["accounts"] if account["bots"]]


def _make_bots(raw: Table, symbols: Sequence[str]) -> None:
    account = raw["accounts"][0]
    known = {bot["symbol"]: bot for bot in account["bots"]}
    model = account["bots"][-1]
    account["bots"] = [known.get(symbol, {**model, "symbol": symbol}) for symbol in symbols]


def to_toml(raw: Mapping[str, Any]) -> str:
    """Write a config table as TOML: plain values first, then its arrays of tables."""
    return "\n".join(_lines(raw, "")) + "\n"


def _lines(table: Mapping[str, Any], where: str) -> list[str]:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not _is_tables(value)]
    for key, value in table.items():
        if _is_tables(value):
            name = f"{where}{key}"
            for item in value:
                lines += ["", f"[[{name}]]", *_lines(item, f"{name}.")]
    return lines


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    return json.dumps(str(value), ensure_ascii=False)
