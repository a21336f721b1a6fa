"""Which bots a demo run gets, from the shipped config, the user's own, or the tapes."""

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from hedgegrid.operator.project_files import DEMO_CONFIG
from hedgegrid.operator.run_config import config_for_demo, to_toml
from hedgegrid.operator.tapes import symbols_of
from hedgegrid.runtime.config import load_config, parse_config
from hedgegrid.runtime.config_types import SystemConfig
from hedgegrid.runtime.errors import ConfigError

TWO_ACCOUNTS = """
mode = "paper"
[[accounts]]
id = "one"
max_order_notional_usdt = 12.5
[[accounts.bots]]
symbol = "BTCUSDT"
leverage = 5
note = "a \\"quoted\\" note"
steps = [1, 2.50]
[[accounts]]
id = "two"
[[accounts.bots]]
symbol = "ETHUSDT"
leverage = 3
"""


def bots(config: SystemConfig) -> list[tuple[str, str]]:
    return [(account.id, bot.symbol) for account in config.accounts for bot in account.bots]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(TWO_ACCOUNTS)
    return path


def raw_tape(folder: Path, name: str = "binance_BTCUSDT_raw.gz") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(b'1721347200064916040 {"stream":"btcusdt@trade","data":{"s":"BTCUSDT"}}\n'))
    return path


def test_without_arguments_the_shipped_bots_trade() -> None:
    text, config = config_for_demo(None, (), ())
    assert bots(config) == [("main", "BTCUSDT"), ("main", "ETHUSDT")]
    assert parse_config(text) == load_config(DEMO_CONFIG)


def test_symbols_choose_among_the_shipped_bots() -> None:
    _, config = config_for_demo(None, ("ETHUSDT",), ())
    assert config.accounts[0].bots == (load_config(DEMO_CONFIG).accounts[0].bot("ETHUSDT"),)


def test_a_symbol_the_shipped_config_lacks_gets_a_bot_like_its_last() -> None:
    _, config = config_for_demo(None, ("SOLUSDT", "BTCUSDT"), ())
    assert bots(config) == [("main", "SOLUSDT"), ("main", "BTCUSDT")]
    assert config.accounts[0].bot("SOLUSDT").params == load_config(DEMO_CONFIG).accounts[0].bots[-1].params


def test_the_bots_follow_the_tapes(tmp_path: Path) -> None:
    tapes = [tmp_path / "bybit_linear_SOLUSDT_1m.csv", tmp_path / "bybit_linear_BNBUSDT_5m.csv"]
    for tape in tapes:
        tape.write_text("start_ms,open\n")
    assert bots(config_for_demo(None, (), tapes)[1]) == [("main", "SOLUSDT"), ("main", "BNBUSDT")]


def test_a_capture_holds_what_was_received_not_what_was_asked_for(tmp_path: Path) -> None:
    tape = tmp_path / "capture.jsonl"
    tape.write_text(
        '{"t":"send","data":"{\\"args\\":[\\"tickers.DOGEUSDT\\"]}"}\n'
        '{"t":"recv","data":"{\\"topic\\":\\"tickers.BTCUSDT\\"}"}\n'
    )
    assert symbols_of([tape]) == ("BTCUSDT",)


def test_a_raw_feed_of_btc_gets_the_config_made_for_it(tmp_path: Path) -> None:
    _, config = config_for_demo(None, (), [raw_tape(tmp_path)])
    [bot] = config.accounts[0].bots
    assert (bot.symbol, bot.params["grid_step_pct"]) == ("BTCUSDT", Decimal("0.03"))


def test_a_raw_feed_with_a_config_of_ones_own_keeps_that(tmp_path: Path, own: Path) -> None:
    assert bots(config_for_demo(own, ("BTCUSDT",), [raw_tape(tmp_path)])[1]) == [("one", "BTCUSDT")]


def test_a_config_of_ones_own_is_carried_over_exactly(own: Path) -> None:
    text, config = config_for_demo(own, (), ())
    assert bots(config) == [("one", "BTCUSDT"), ("two", "ETHUSDT")]
    assert parse_config(text) == load_config(own)


def test_accounts_without_a_wanted_symbol_fall_away(own: Path) -> None:
    assert bots(config_for_demo(own, ("ETHUSDT",), ())[1]) == [("two", "ETHUSDT")]


def test_a_symbol_without_a_bot_in_ones_own_config_is_refused(own: Path) -> None:
    with pytest.raises(ConfigError, match=r"--symbols XRPUSDT: no bot .* it has: BTCUSDT, ETHUSDT"):
        config_for_demo(own, ("BTCUSDT", "XRPUSDT"), ())


@pytest.mark.parametrize("mode", ["live", "testnet", "demo"])
def test_only_paper_mode_may_run_here(own: Path, mode: str) -> None:
    own.write_text(TWO_ACCOUNTS.replace('"paper"', f'"{mode}"'))
    with pytest.raises(ConfigError, match="mode: the demo trades on the exchange-sim only"):
        config_for_demo(own, (), ())


def test_a_fault_in_the_config_names_its_field(own: Path) -> None:
    own.write_text(TWO_ACCOUNTS.replace("leverage = 3", "leverage = 0"))
    with pytest.raises(ConfigError, match=r"accounts\[two\]\.bots\[ETHUSDT\]\.leverage"):
        config_for_demo(own, (), ())


def test_symbols_are_found_inside_a_capture(tmp_path: Path) -> None:
    capture = tmp_path / "linear_capture.jsonl.gz"
    line = b'{"data":"{\\"topic\\":\\"tickers.BTCUSDT\\"}"}\n{"data":"{\\"topic\\":\\"publicTrade.ETHUSDT\\"}"}\n'
    capture.write_bytes(gzip.compress(line))
    assert symbols_of([capture]) == ("BTCUSDT", "ETHUSDT")


def test_a_broken_file_tells_no_symbols(tmp_path: Path) -> None:
    for name in ("broken.gz", "broken.zip", "plain.csv"):
        (tmp_path / name).write_bytes(b"\x00\x01")
        assert symbols_of([tmp_path / name]) == ()


def test_toml_keeps_every_kind_of_value() -> None:
    raw = {"a b": "x\ny", "t": True, "n": -3, "d": Decimal("0.10"), "table": {"in": [1, "é"]}}
    assert to_toml(raw) == '"a b" = "x\\ny"\nt = true\nn = -3\nd = 0.10\ntable = {in = [1, "é"]}\n'
