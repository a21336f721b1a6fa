"""`python -m hedgegrid.strategy.check`: what a config can cost, and every rule it breaks, before anything trades."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from hedgegrid.domain.instrument import Instrument
from hedgegrid.runtime.config import AccountConfig, load_config
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.strategy.check.account import Check, check_account
from hedgegrid.strategy.check.ladders import bot_risk
from hedgegrid.strategy.check.plot import draw
from hedgegrid.strategy.check.render import as_json, as_text
from hedgegrid.strategy.listing import last_prices, load_instruments, with_tiers
from hedgegrid.strategy.plans import plans_of

EXIT_OK, EXIT_VIOLATED, EXIT_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when no rule is violated, 1 when one is, 2 on bad input."""
    options = _parser().parse_args(arguments)
    try:
        config = load_config(options.config)
        instruments = load_instruments(options.instruments)
        prices = {**last_prices(options.instruments), **dict(options.price)}
        known = [name for name in config.symbols if name in instruments]
        traded = {name: with_tiers(options.instruments, instruments[name]) for name in known}
        checks = {a.id: _checked(a, traded, prices, options.balance) for a in config.accounts}
        if options.plot is not None:
            draw([bot for check in checks.values() for bot in check.bots], options.plot)
    except ConfigError as error:
        sys.stderr.write(f"hedgegrid check: {error}\n")
        return EXIT_INPUT
    if options.json:
        body = [as_json(account, check, options.balance) for account, check in checks.items()]
        sys.stdout.write(json.dumps(body, indent=1) + "\n")
    else:
        sys.stdout.write("\n".join(as_text(account, check, options.balance) for account, check in checks.items()))
    return EXIT_VIOLATED if any(check.violations for check in checks.values()) else EXIT_OK


def _checked(
    account: AccountConfig, instruments: Mapping[str, Instrument], prices: Mapping[str, Decimal], balance: Decimal
) -> Check:
    risks = []
    for plan in plans_of(account):
        if plan.symbol not in instruments:
            raise ConfigError(f"--instruments: {plan.symbol} is not in the table; give a full list of instruments")
        if plan.symbol not in prices:
            raise ConfigError(f"--price: none is known for {plan.symbol}; add --price {plan.symbol}=PRICE")
        rules = instruments[plan.symbol]
        risks.append(bot_risk(plan, rules, rules.price_down(prices[plan.symbol]), balance))
    return check_account(risks, account.guard, balance)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hedgegrid check", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="accounts and bots")
    parser.add_argument("--balance", type=_positive, default=Decimal(10_000), help="USDT of each account; 10000")
    parser.add_argument("--instruments", default="", help="JSON file or venue URL; default the simulator's table")
    parser.add_argument("--price", type=_price, action="append", default=[], help="SYMBOL=PRICE; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, help="write ladder, average and liquidation as PNG")
    return parser


def _price(text: str) -> tuple[str, Decimal]:
    symbol, equals, price = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not SYMBOL=PRICE, e.g. BTCUSDT=65000")
    return symbol, _positive(price)


def _positive(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not (number.is_finite() and number > 0):
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
