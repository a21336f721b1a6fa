"""`python -m hedgegrid.strategy.backtest`: an account of a config over recorded bars; writes a report."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from hedgegrid.runtime.config import load_config
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.strategy.backtest.bars import read_tape
from hedgegrid.strategy.backtest.markdown import markdown
from hedgegrid.strategy.backtest.plots import draw
from hedgegrid.strategy.backtest.replay import Replay
from hedgegrid.strategy.backtest.results import Row, as_json, leg_results
from hedgegrid.strategy.backtest.runner import AccountRun
from hedgegrid.strategy.listing import load_instruments
from hedgegrid.strategy.plans import plans_of
from hedgegrid.tapes.bars import Bar, Rate
from hedgegrid.tapes.lines import TapeError
from hedgegrid.venue.engine import Venue

EXIT_OK, EXIT_FAILED, EXIT_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when ledger and venue agree, caps held and nothing was liquidated; 1 when not; 2 on bad input."""
    options = _parser().parse_args(arguments)
    try:
        report = backtest(options)
    except (ConfigError, TapeError) as error:
        sys.stderr.write(f"hedgegrid backtest: {error}\n")
        return EXIT_INPUT
    good = report["agrees"] and report["caps_kept"] and not report["liquidated"]
    sys.stdout.write(f"{options.report / 'report.md'}: {'all checks hold' if good else 'A CHECK FAILED'}\n")
    return EXIT_OK if good else EXIT_FAILED


def backtest(options: argparse.Namespace) -> Row:
    """Run and write `report.json`, `report.md` and `account.png` into the report's folder; returns the report.

    Raises:
        ConfigError, TapeError: the input is at fault.
    """
    config = load_config(options.config)
    account = config.account(options.account) if options.account else config.accounts[0]
    bars, rates = _tapes(options.tape)
    plans = [plan for plan in plans_of(account) if plan.symbol in bars]
    if not plans:
        raise ConfigError(f"accounts[{account.id}]: no bot of it has a tape; the tapes hold {', '.join(sorted(bars))}")
    instruments = load_instruments(options.instruments)
    missing = [plan.symbol for plan in plans if plan.symbol not in instruments]
    if missing:
        raise ConfigError(f"--instruments: {', '.join(missing)} is not in the table; give a full list of instruments")
    bars = {plan.symbol: bars[plan.symbol] for plan in plans}
    venue = Venue([instruments[plan.symbol] for plan in plans])
    venue.open_account(account.id, options.balance, hedge_mode=True)
    begin_ms = min(rows[0].start_ms for rows in bars.values())
    for plan in plans:
        venue.set_leverage(account.id, plan.symbol, plan.config.leverage, begin_ms)
    run = AccountRun(venue, account.id, plans, account.guard, begin_ms)
    started = time.perf_counter()
    course = Replay(run, bars, rates).play()
    report = as_json(run, course, leg_results(run, account.id), options.balance, account.id)
    report |= {
        "config": str(options.config),
        "tapes": [path.name for path in options.tape],
        "without_tape": [bot.symbol for bot in account.bots if bot.symbol not in bars],
        "from_ms": course.samples[0].at_ms,
        "to_ms": course.samples[-1].at_ms,
        "seconds": round(time.perf_counter() - started, 1),
    }
    title = f"{options.config.name}, {', '.join(plan.symbol for plan in plans)}"
    options.report.mkdir(parents=True, exist_ok=True)
    options.report.joinpath("report.json").write_text(json.dumps(report, indent=1) + "\n")
    options.report.joinpath("report.md").write_text(markdown(title, report))
    try:
        draw(course.samples, title, options.report / "account.png")
    except ConfigError as error:
        sys.stderr.write(f"hedgegrid backtest: no account.png: {error}\n")
    return report


def _tapes(paths: Sequence[Path]) -> tuple[dict[str, tuple[Bar, ...]], dict[str, tuple[Rate, ...]]]:
    bars: dict[str, tuple[Bar, ...]] = {}
    rates: dict[str, tuple[Rate, ...]] = {}
    for path in paths:
        tape = read_tape(path)
        if (tape.symbol in bars and tape.bars) or (tape.symbol in rates and tape.rates):
            raise TapeError(str(path), None, f"there is another tape of {tape.symbol}; give one of each kind")
        if len(tape.bars) > 1:
            bars[tape.symbol] = tape.bars
        elif tape.rates:
            rates[tape.symbol] = tape.rates
        else:
            raise TapeError(str(path), None, "holds fewer than two bars, or no rate")
    return bars, rates


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hedgegrid backtest", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="accounts and bots")
    parser.add_argument("--tape", type=Path, action="append", required=True, help="bars or funding CSV; repeatable")
    parser.add_argument("--report", type=Path, required=True, help="folder to write into")
    parser.add_argument("--account", default="", help="id; default the first of the config")
    parser.add_argument("--balance", type=_amount, default=Decimal(10_000), help="USDT the account starts with")
    parser.add_argument("--instruments", default="", help="JSON file or venue URL; default the simulator's table")
    return parser


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in USDT") from None
    if not (amount.is_finite() and amount > 0):
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return amount


if __name__ == "__main__":
    sys.exit(main())
