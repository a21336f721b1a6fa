"""A strategy from somebody's own package, the one of docs/strategies.md, runs in the backtest and in a worker."""

import importlib
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hedgegrid.domain.order import Purpose
from hedgegrid.guard.config import GuardConfig
from hedgegrid.messages.ledger import CycleClosed, FillBooked
from hedgegrid.runtime.config import convert_params, parse_config
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.strategy.backtest.bars import Point
from hedgegrid.strategy.backtest.runner import AccountRun
from hedgegrid.strategy.plans import BotPlan
from hedgegrid.strategy.registry import GROUP, AnyStrategy, strategy_named
from hedgegrid.venue.engine import Venue
from tests.integration.strategy.floor import Floor, eventually
from tests.property.strategy.world import INSTRUMENT, SYMBOL

D = Decimal
PAGE = Path(__file__).resolve().parents[3] / "docs" / "strategies.md"
MOST_LINES = 60
CONFIG = f"""
[[accounts]]
id = "main"

[[accounts.bots]]
symbol = "{SYMBOL}"
strategy = "dip"
leverage = 5
qty = 0.01
dip_pct = 2
profit_pct = 1
"""
WALK = [D(0), D(1), D("-1.5"), D("-1.6"), D("0.5"), D("1.5"), D("-0.5")]
"""Percent: up to a high, down by more than the dip, up by more than the profit."""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's code as an installed package: a module and the metadata that an installer writes."""
    folder = tmp_path / "site"
    metadata = folder / "dip_package-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "dip_package.py").write_text(code_of_the_page())
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dip-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\ndip = dip_package:Dip\nnothing = dip_package:DipState\n")
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    yield folder
    sys.modules.pop("dip_package", None)


def code_of_the_page() -> str:
    return PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]


def dip() -> AnyStrategy:
    return strategy_named("dip", "here")


def test_the_example_is_short() -> None:
    assert len(code_of_the_page().splitlines()) < MOST_LINES


def test_it_trades_in_the_backtest(installed: Path) -> None:
    bot = parse_config(CONFIG).accounts[0].bots[0]
    strategy = dip()
    config = convert_params(bot, "main", strategy.config_type)
    venue = Venue([INSTRUMENT], seed=1)
    venue.open_account("main", D(100000), hedge_mode=True, leverage=D(5))
    price, now_ms = D(60000), 1_700_000_000_000
    run = AccountRun(venue, "main", [BotPlan(SYMBOL, strategy, config)], GuardConfig(), now_ms)
    run.start({SYMBOL: Point(now_ms, price, D(9))})
    for move in WALK:
        now_ms += 60_000
        price = INSTRUMENT.price_down(price * (1 + move / 100))
        run.moment({SYMBOL: Point(now_ms, price, D(9))}, now_ms)
    ledger = run.bots[SYMBOL].ledger
    fills = [row.purpose for row in ledger if isinstance(row, FillBooked)]
    assert fills[:2] == [Purpose.ENTRY, Purpose.TAKE_PROFIT]
    [cycle] = [row for row in ledger if isinstance(row, CycleClosed)]
    assert cycle.net > 0


def test_it_trades_in_a_worker(
    installed: Path, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed))
    floor = Floor(redis_url, tmp_path, (SYMBOL,))
    try:
        (tmp_path / "config.toml").write_text(CONFIG)
        floor.start_worker("one")
        walk = iter(WALK * 50)

        def has_closed_a_cycle() -> bool:
            if not floor.serve():
                floor.move(SYMBOL, next(walk))
            return floor.cycles() > 0

        eventually(has_closed_a_cycle, 40, "a cycle of the plug-in")
        rows = [row for row in floor.ledger() if isinstance(row, FillBooked)]
        assert [row.purpose for row in rows[:2]] == [Purpose.ENTRY, Purpose.TAKE_PROFIT]
    finally:
        floor.stop_all()


def test_an_unknown_name_lists_what_there_is(installed: Path) -> None:
    with pytest.raises(ConfigError, match=r"here: no strategy 'dop'; there are: dip, dual_grid, nothing, range_grid"):
        strategy_named("dop", "here")


def test_what_is_no_strategy_is_refused(installed: Path) -> None:
    with pytest.raises(ConfigError, match=r"here: 'nothing' \(dip_package:DipState\) is not a subclass of LegStrategy"):
        strategy_named("nothing", "here")
