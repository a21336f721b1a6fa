"""The `hedgegrid` command."""

import getpass
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import redis
import typer
from rich.console import Console

from hedgegrid.operator import halt as kill_switch
from hedgegrid.operator.bot_names import full_name
from hedgegrid.operator.completion import bots, states, streams
from hedgegrid.operator.control import kill_level, known_bots, resolve_mismatch, set_state
from hedgegrid.operator.demo import run_demo
from hedgegrid.operator.demo_options import DemoOptions, parse_number, parse_speed, parse_symbols
from hedgegrid.operator.doctor_command import register as register_doctor
from hedgegrid.operator.ledger_commands import register as register_ledger_commands
from hedgegrid.operator.redis_client import with_redis
from hedgegrid.operator.standalone import become_deadman, become_exchange, become_strategy_tool, become_transition
from hedgegrid.operator.status_command import register as register_status
from hedgegrid.operator.tail import lines, streams_of
from hedgegrid.runtime.errors import ConfigError

EXIT_USAGE = 2
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[2]
"""What the parser raises for anything wrong on the command line; typer does not export it."""
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
"""For programs that parse their own arguments, `--help` included."""

app = typer.Typer(
    help="Dual-sided grid trading on Bybit USDT perpetuals.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def root() -> None:
    """Dual-sided grid trading on Bybit USDT perpetuals."""


register_status(app)
register_doctor(app)
register_ledger_commands(app)


@app.command()
def demo(
    tape: Annotated[list[Path] | None, typer.Option(help="Recorded market data to trade on; repeatable.")] = None,
    symbols: Annotated[str, typer.Option(help="A,B: trade these only.")] = "",
    workers: Annotated[int, typer.Option(help="Strategy processes.")] = 2,
    speed: Annotated[str, typer.Option(help="Factor of real time, or max.")] = "1",
    ticks_per_s: Annotated[str, typer.Option(help="Ticks a second, of all symbols together.")] = "",
    for_s: Annotated[float | None, typer.Option("--for", help="Seconds to run; else until Ctrl-C.")] = None,
    until_tape_ends: Annotated[bool, typer.Option("--until-tape-ends", help="Stop when the tape is over.")] = False,
    seed: Annotated[int, typer.Option(help="Of the synthetic market.")] = 1,
    config: Annotated[Path | None, typer.Option(help="Accounts and bots; default config/demo.toml.")] = None,
    report: Annotated[Path | None, typer.Option(help="Where to write the run report (JSON).")] = None,
    port: Annotated[int, typer.Option(help="Of the live page; 0 = any free one.")] = 0,
    balance: Annotated[str, typer.Option(help="USDT each account starts with.")] = "100000",
    order_rate: Annotated[int | None, typer.Option(help="Order requests a second an account may send.")] = None,
) -> None:
    """Run the whole system here against the simulated exchange; no keys, no docker."""
    options = DemoOptions(
        tapes=tuple(tape or ()),
        symbols=parse_symbols(symbols),
        workers=workers,
        speed=parse_speed(speed),
        ticks_per_s=parse_number("--ticks-per-s", ticks_per_s, "a number above 0") if ticks_per_s else None,
        for_s=for_s,
        until_tape_ends=until_tape_ends,
        seed=seed,
        config=config,
        report=report,
        port=port,
        balance=parse_number("--balance", balance, "an amount in USDT"),
        order_rate=order_rate,
    )
    raise typer.Exit(run_demo(options, Console()))


@app.command(add_help_option=False, context_settings=_PASSED_ON)
def sim(context: typer.Context) -> None:
    """Run the simulated exchange alone; prints its addresses and keys. `hedgegrid sim --help` lists its options."""
    become_exchange(context.args)


@app.command(epilog="Examples:\n\n    hedgegrid tail main:events\n\n    hedgegrid tail -n 50 --no-follow main:ledger")
def tail(
    stream: Annotated[
        list[str] | None,
        typer.Argument(help="main:events, market:BTCUSDT, …; all but ticks.", autocompletion=streams),
    ] = None,
    last: Annotated[int, typer.Option("--last", "-n", help="Messages of the past to show first.")] = 10,
    follow: Annotated[bool, typer.Option(help="Go on with new messages.")] = True,
) -> None:
    """Show what the services say to one another."""

    def show(client: redis.Redis) -> None:
        for line in lines(client, streams_of(client, stream or []), last, follow):
            print(line, flush=True)

    with_redis(show, market=bool(stream) and all(name.startswith("market:") for name in stream or []))


@app.command(
    epilog="Examples:\n\n    hedgegrid state BTCUSDT tp-only --reason 'news at 14:00'\n\n"
    "    hedgegrid state main:BTCUSDT active\n\n    hedgegrid state main halted"
)
def state(
    bot: Annotated[
        str,
        typer.Argument(help="SYMBOL, ACCOUNT:SYMBOL, or ACCOUNT for all its bots.", autocompletion=bots),
    ],
    state: Annotated[
        str,
        typer.Argument(
            help="active, no-new-cycles (finish what is open), tp-only (no averaging either), halted (cancel orders, "
            "keep positions), flatten (close at market, then halted).",
            autocompletion=states,
        ),
    ],
    account: Annotated[str | None, typer.Option(help="Account of the symbol, where several trade it.")] = None,
    reason: Annotated[str, typer.Option(help="Kept with the change.")] = "asked by the operator",
) -> None:
    """Ask a bot to change its trading state."""

    def ask(client: redis.Redis) -> None:
        named = full_name(bot, account, known_bots(client))
        wish = set_state(client, named, state, _actor(), reason, time.time_ns() // 1_000_000)
        print(f"asked {named} for {wish.state}; see it happen with hedgegrid status")

    with_redis(ask)


@app.command()
def halt(
    account: Annotated[list[str] | None, typer.Option(help="Account id; repeatable; default: all.")] = None,
    level: Annotated[
        str, typer.Option(help="PAUSE (nothing new), CANCEL (nothing rests), FLATTEN (nothing is held).")
    ] = "CANCEL",
    reason: Annotated[str, typer.Option(help="Kept with the stop.")] = "asked by the operator",
    clear: Annotated[bool, typer.Option("--clear", help="Take the stop away instead.")] = False,
) -> None:
    """Throw the kill switch: it holds over every restart until `halt --clear`."""
    wanted = kill_level(level)
    done = True

    def act(client: redis.Redis) -> None:
        nonlocal done
        accounts = account or kill_switch.accounts_of(client)
        done = (
            kill_switch.take_away(client, accounts, _actor(), reason)
            if clear
            else kill_switch.stop(client, accounts, wanted, _actor(), reason)
        )

    with_redis(act)
    if not done:
        raise typer.Exit(1)


@app.command()
def resolve(
    bot: Annotated[str, typer.Argument(help="ACCOUNT:SYMBOL.", autocompletion=bots)],
    answer: Annotated[
        str,
        typer.Argument(
            help="adopt (the venue's positions are the bot's), flatten (and close them), ignore (not ours)."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Kept with the answer.")] = "asked by the operator",
) -> None:
    """Answer a bot that halted because the venue holds what its books do not explain."""

    def ask(client: redis.Redis) -> None:
        wish = resolve_mismatch(client, bot, answer, _actor(), reason, time.time_ns() // 1_000_000)
        print(f"asked {bot} to {wish.action}; the outcome stands in hedgegrid tail {bot.partition(':')[0]}:ledger")

    with_redis(ask)


@app.command(add_help_option=False, context_settings=_PASSED_ON)
def check(context: typer.Context) -> None:
    """Show ladders, margins, liquidation and worst case, and each rule a config breaks; see `check --help`."""
    become_strategy_tool("check", context.args)


@app.command(add_help_option=False, context_settings=_PASSED_ON)
def config(context: typer.Context) -> None:
    """Show what a new config changes (diff NEW.toml), and put it in place when that is safe (apply NEW.toml)."""
    become_transition(context.args)


@app.command(add_help_option=False, context_settings=_PASSED_ON)
def backtest(context: typer.Context) -> None:
    """Run a config over recorded bars, the guard in the loop, and write a report; see `backtest --help`."""
    become_strategy_tool("backtest", context.args)


@app.command()
def deadman() -> None:
    """Guard an account from a second host: cancels its orders when its executor gives no sign of life."""
    become_deadman()


def _actor() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what is wrong with its input becomes one line on stderr."""
    try:
        outcome = app(arguments, prog_name="hedgegrid", standalone_mode=False)
    except ConfigError as error:
        return _refuse(str(error))
    except _USAGE_ERROR as error:
        message = getattr(error, "format_message", error.__str__)()
        # Without arguments the parser fails with an empty message, after printing the help.
        return _refuse(message) if message else EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return outcome if isinstance(outcome, int) else 0


def _refuse(line: str) -> int:
    print(f"hedgegrid: {' '.join(line.split())}", file=sys.stderr)
    return EXIT_USAGE
