"""The TOML file is checked as a whole; every fault gives one line with its place and its fix."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from hedgegrid.guard.config import GuardConfig
from hedgegrid.runtime.config import (
    BotConfig,
    ConfigError,
    bot_dry_run,
    config_hash,
    convert_params,
    load_config,
    parse_config,
)

ROOT = Path(__file__).parents[3]

MAIN = "accounts[main]"
BOT = f"{MAIN}.bots[BTCUSDT]"

GOOD = """
mode = "paper"
[[accounts]]
id = "main"
[[accounts.bots]]
symbol = "BTCUSDT"
leverage = 5
grid_step_pct = 1.0
max_levels = 5
"""


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's own config, as a sample."""

    leverage: Decimal
    grid_step_pct: Decimal
    max_levels: Annotated[int, msgspec.Meta(gt=0, le=50)]
    legs: Literal["both", "long", "short"] = "both"

    def __post_init__(self) -> None:
        if not self.grid_step_pct > 0:
            raise ValueError(f"grid_step_pct must be above 0 percent, got {self.grid_step_pct}")


def grid(**params: object) -> Grid:
    given: dict[str, object] = {"grid_step_pct": Decimal("0.5"), "max_levels": 3, **params}
    return convert_params(BotConfig(symbol="BTCUSDT", leverage=Decimal(5), params=given), "main", Grid)


def test_a_bots_table_is_flat_and_decimal() -> None:
    config = parse_config(GOOD)
    bot = config.account("main").bot("BTCUSDT")
    assert bot.leverage == Decimal(5)
    assert bot.params == {"grid_step_pct": Decimal("1.0"), "max_levels": 5}
    assert convert_params(bot, "main", Grid) == Grid(leverage=Decimal(5), grid_step_pct=Decimal("1.0"), max_levels=5)
    assert config.symbols == ("BTCUSDT",)


@pytest.mark.parametrize("name", ["hedgegrid.toml", "tape-5min.toml"])
def test_the_shipped_files_load_and_are_paper(name: str) -> None:
    config = load_config(ROOT / "config" / name)
    assert config.mode == "paper"
    keys = {"legs", "initial_margin_usdt", "grid_step_pct", "size_multiplier", "max_levels"}
    for bot in config.accounts[0].bots:
        assert set(bot.params) == keys | {"take_profit_pct"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'mode = "paper"',
            'mode = "papr"',
            "mode: expected one of 'demo', 'live', 'paper', 'testnet', got 'papr'",
        ),
        ('mode = "paper"', 'mod = "paper"', "mod: unknown key; did you mean mode?"),
        ('mode = "paper"', "mode = ", "not valid TOML"),
        ('id = "main"', 'id = "Main"', "accounts[Main].id: must be 1 to 16 of a-z 0-9 -"),
        ('id = "main"', 'id = "a23456789-1234567"', "id: must be 1 to 16"),
        ('id = "main"', "", "accounts[0].id: missing"),
        (
            'id = "main"',
            'id = "main"\nmax_order_notional = 4',
            f"{MAIN}.max_order_notional: unknown key; did you mean max_order_notional_usdt?",
        ),
        ('id = "main"', 'id = "main"\nmax_order_notional_usdt = 0', "above 0, got 0; leave it out"),
        (
            'id = "main"',
            'id = "main"\nmax_order_notional_usdt = nan',
            f"{MAIN}.max_order_notional_usdt: must be a finite number, got NaN",
        ),
        (
            'id = "main"',
            'id = "main"\napi_key = "TOPSECRET"',
            f"{MAIN}.api_key: secrets do not belong in this file",
        ),
        ("leverage = 5", 'api_secret = "TOPSECRET"', f"{BOT}.api_secret: secrets"),
        ("leverage = 5", "leverage = 201", f"{BOT}.leverage: must be 1..200, got 201"),
        ("leverage = 5", "leverage = true", f"{BOT}.leverage: expected number, got True"),
        ("leverage = 5", "leverage = inf", "leverage: must be a finite number"),
        (
            "leverage = 5",
            "leverge = 5",
            f"{BOT}.leverage: missing, and it has no default; is leverge a misspelling",
        ),
        ("leverage = 5", 'leverage = 5\ndry_run = "no"', f"{BOT}.dry_run: expected bool, got 'no'"),
        (
            'symbol = "BTCUSDT"',
            'symbol = "btcusdt"',
            "accounts[main].bots[btcusdt].symbol: must be a USDT perpetual",
        ),
        ('symbol = "BTCUSDT"', "", "accounts[main].bots[0].symbol: missing"),
    ],
)
def test_a_fault_is_named_with_its_fix(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        parse_config(GOOD.replace(old, new))
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    assert "TOPSECRET" not in text


def test_duplicates_are_refused() -> None:
    bot = GOOD[GOOD.index("[[accounts.bots]]") :]
    with pytest.raises(ConfigError, match=r"accounts\[main\].bots: symbol 'BTCUSDT' stands there twice"):
        parse_config(GOOD + bot)
    account = GOOD[GOOD.index("[[accounts]]") :]
    with pytest.raises(ConfigError, match="accounts: id 'main' stands there twice"):
        parse_config(GOOD + account)


@pytest.mark.parametrize("text", ["", "accounts = []", "accounts = 3", 'accounts = ["main"]', '[[accounts]]\nid = "a"'])
def test_nothing_to_trade_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"accounts"):
        parse_config(text)


def test_a_missing_file_says_which_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.toml.*HEDGEGRID_CONFIG"):
        load_config(tmp_path / "absent.toml")


def test_errors_in_a_file_name_it(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("mode = 3")
    with pytest.raises(ConfigError, match=r"x\.toml: accounts"):
        load_config(path)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_levels": 0}, "max_levels: expected int >= 1, got 0"),
        ({"max_levels": 51}, "max_levels: expected int <= 50, got 51"),
        ({"max_levels": Decimal("2.5")}, "max_levels: expected int, got 2.5"),
        ({"grid_step_pct": 0}, "grid_step_pct: must be above 0 percent, got 0"),
        ({"grid_step_pct": "wide"}, "grid_step_pct: invalid decimal string, got 'wide'"),
        ({"grid_step_pct": "nan"}, "grid_step_pct: must be a finite number, got nan"),
        ({"grid_stp_pct": 1}, "grid_stp_pct: unknown key; did you mean grid_step_pct?"),
        ({"dry_rum": True}, "dry_rum: unknown key; did you mean dry_run?"),
        ({"zzz": 1}, "zzz: unknown key; known keys: dry_run, grid_step_pct, legs"),
        ({"legs": "left"}, "legs: expected one of 'both', 'long', 'short', got 'left'"),
    ],
)
def test_a_strategys_key_is_checked_by_its_type(params: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        grid(**params)
    assert str(caught.value).startswith(f"{BOT}.{message}")


def test_a_strategys_missing_key() -> None:
    bot = BotConfig(symbol="BTCUSDT", leverage=Decimal(5), params={"max_levels": 3})
    with pytest.raises(ConfigError, match=r"bots\[BTCUSDT\]\.grid_step_pct: missing"):
        convert_params(bot, "main", Grid)


def test_config_hash_follows_values_not_spelling() -> None:
    def hashed(leverage: object, **params: object) -> str:
        text = Decimal(str(leverage))
        return config_hash(BotConfig(symbol="BTCUSDT", leverage=text, params=params))

    base = hashed(5, a=1, b=Decimal("0.10"))
    assert len(base) == 12
    assert int(base, 16) >= 0
    assert base == hashed("5.0", b=Decimal("0.1"), a=Decimal("1.00"))
    assert base != hashed(5, a=1, b=Decimal("0.11"))
    assert base != hashed(50, a=1, b=Decimal("0.1"))
    assert hashed(5, a=True) != hashed(5, a=1)


def test_dry_run_of_account_or_bot() -> None:
    text = GOOD.replace('id = "main"', 'id = "main"\ndry_run = true')
    account = parse_config(text).accounts[0]
    assert bot_dry_run(account, account.bots[0])
    account = parse_config(GOOD.replace("leverage = 5", "leverage = 5\ndry_run = true")).accounts[0]
    assert bot_dry_run(account, account.bots[0])
    account = parse_config(GOOD).accounts[0]
    assert not bot_dry_run(account, account.bots[0])


def test_lookups_name_what_there_is() -> None:
    config = parse_config(GOOD)
    with pytest.raises(ConfigError, match=r"no account 'x'.*main"):
        config.account("x")
    with pytest.raises(ConfigError, match=r"no bot 'ETHUSDT'.*BTCUSDT"):
        config.account("main").bot("ETHUSDT")


@pytest.mark.parametrize(
    ("guard", "problem"),
    [
        ("mm_rate = 3", "mm_rate: unknown key; did you mean mm_rate_pct?"),
        ("mm_rate_pct = 3", "mm_rate_pct: must give a bound per stage, e.g. { warn = 20, flatten = 75 }, got 3"),
        ("mm_rate_pct = { wrn = 3 }", "mm_rate_pct.wrn: unknown key; did you mean warn?"),
        ("mm_rate_pct = { warn = 0 }", "mm_rate_pct.warn: 0 must be above 0; leave it out for no such stage"),
        ("mm_rate_pct = { warn = 30, flatten = 20 }", "mm_rate_pct: flatten 20 must be at least warn 30"),
        ("liquidation_distance_pct = { warn = 3, reduce = 4 }", "reduce 4 must be at most warn 3"),
        ("drawdown_pct = { flatten = 101 }", "drawdown_pct: flatten 101 must be at most 100"),
        ("balance_buffer_pct = 101", "balance_buffer_pct: 101 must be 0…100"),
        ("blind_stage = 'never'", "blind_stage: expected one of warn, no_new_cycles"),
        ("max_open_notional_usdt = 0", "max_open_notional_usdt: 0 must be above 0; absent = no cap"),
        ("api_key = 'x'", "api_key: secrets do not belong in this file"),
    ],
)
def test_a_faulty_guard_is_refused_by_name(guard: str, problem: str) -> None:
    text = f"[[accounts]]\nid = 'main'\n[accounts.guard]\n{guard}\n[[accounts.bots]]\nsymbol = 'BTCUSDT'\nleverage = 5"
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    assert str(caught.value).startswith("accounts[main].guard.")
    assert problem in str(caught.value)


def test_the_guard_is_on_by_default_and_bounds_replace_whole_figures() -> None:
    text = "[[accounts]]\nid = 'main'\n{}\n[[accounts.bots]]\nsymbol = 'BTCUSDT'\nleverage = 5"
    default = parse_config(text.format("")).accounts[0].guard
    assert default.mm_rate_pct.flatten == 75
    assert default.liquidation_distance_pct.flatten == 3
    own = "[accounts.guard]\nmm_rate_pct = { flatten = 60 }\nblind_stage = 'reduce'"
    guard = parse_config(text.format(own)).accounts[0].guard
    assert guard.mm_rate_pct.named() == {"flatten": 60}
    assert guard.daily_loss_pct == default.daily_loss_pct
    assert guard.blind_stage.name == "REDUCE"


def test_the_shipped_config_shows_the_guards_defaults() -> None:
    shipped = load_config(Path(__file__).resolve().parents[3] / "config" / "hedgegrid.toml").accounts[0].guard
    assert shipped == GuardConfig()
