"""`hedgegrid trades` and `hedgegrid report`: the trade ledger for people, spreadsheets and the tax office."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.measure import Measurement

from hedgegrid.ledger import reading
from hedgegrid.ledger.reading import Selection
from hedgegrid.ledger.schema import LedgerUnusable, open_for_reading
from hedgegrid.operator import earnings as earned
from hedgegrid.operator import ledger_output as output
from hedgegrid.operator.earnings import Period
from hedgegrid.operator.earnings_plot import draw
from hedgegrid.operator.parquet import as_parquet
from hedgegrid.operator.project_files import newest_demo_ledger
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import load_settings

LEDGER_VARIABLE = "HEDGEGRID_LEDGER_PATH"
MAX_WIDTH = 400
NOTHING = "nothing in the ledger for this selection"

Account = Annotated[str | None, typer.Option(help="Of this account only.")]
Bot = Annotated[str | None, typer.Option(metavar="SYMBOL", help="Of this bot only, e.g. BTCUSDT.")]
Since = Annotated[str | None, typer.Option(metavar="DATE", help="From this day on: 2026-01-31, or 2026-01-31T12:00.")]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="Before this day.")]
Timezone = Annotated[str, typer.Option(help="Of dates and days, e.g. Europe/Berlin.")]
Ledger = Annotated[Path | None, typer.Option(help=f"The SQLite file; default {LEDGER_VARIABLE}, else the last demo's.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Write CSV with exact amounts.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON with exact amounts.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(trades)
    app.command()(report)


def trades(
    account: Account = None,
    bot: Bot = None,
    since: Since = None,
    until: Until = None,
    timezone: Timezone = "UTC",
    ledger: Ledger = None,
    csv: AsCsv = False,
    json: AsJson = False,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Write Parquet with exact amounts: … --parquet > trades.parquet.")
    ] = False,
) -> None:
    """List every booked execution and funding payment; net is what each did to the wallet, in USDT."""
    _one_of(csv=csv, json=json, parquet=parquet)
    if parquet and sys.stdout.isatty():
        raise ConfigError("--parquet is no text: write it to a file, … --parquet > trades.parquet")
    zone = _zone(timezone)
    selection = _selection(account, bot, since, until, zone)

    def show(connection: sqlite3.Connection) -> None:
        fills, fundings = reading.fills(connection, selection), reading.fundings(connection, selection)
        records = output.trade_records(fills, fundings, zone)
        if parquet:
            sys.stdout.buffer.write(as_parquet(records))
        else:
            _write(records, csv, json)
        _warn(connection, selection)

    _with_ledger(ledger, show)


def report(
    day: Annotated[bool, typer.Option("--day", help="One line a day.")] = False,
    month: Annotated[bool, typer.Option("--month", help="One line a month.")] = False,
    account: Account = None,
    bot: Bot = None,
    since: Since = None,
    until: Until = None,
    timezone: Timezone = "UTC",
    ledger: Ledger = None,
    csv: AsCsv = False,
    json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the result over time.")] = None,
) -> None:
    """Show what each leg of each bot earned: gross, fees, funding, net, cycles, drawdown of the realised result."""
    _one_of(csv=csv, json=json)
    _one_of(day=day, month=month)
    period = Period.DAY if day else Period.MONTH if month else Period.ALL
    zone = _zone(timezone)
    selection = _selection(account, bot, since, until, zone)

    def show(connection: sqlite3.Connection) -> None:
        fills, fundings = list(reading.fills(connection, selection)), list(reading.fundings(connection, selection))
        sums = earned.earnings(fills, fundings, reading.cycles(connection, selection), period, zone)
        points = earned.curve(fills, fundings)
        records = output.report_records(sums)
        if records:
            records.append(output.total_record(earned.total(sums.values())))
        _write(records, csv, json)
        if records and not csv and not json:
            print(f"drawdown of the realised result: {earned.drawdown(points):.4f} USDT")
        if plot is not None:
            draw(points, zone, plot)
        _warn(connection, selection)

    _with_ledger(ledger, show)


def _with_ledger(path: Path | None, act: Callable[[sqlite3.Connection], None]) -> None:
    chosen = path or load_settings().ledger_path or newest_demo_ledger()
    if chosen is None:
        raise ConfigError(f"which ledger? set {LEDGER_VARIABLE}, or name its file with --ledger")
    try:
        with closing(open_for_reading(chosen)) as connection:
            act(connection)
    except LedgerUnusable as error:
        raise ConfigError(str(error)) from error
    except sqlite3.Error as error:
        raise ConfigError(f"the ledger {chosen} cannot be read: {error}") from error


def _write(records: list[output.Record], csv: bool, json: bool) -> None:
    if csv:
        sys.stdout.write(output.as_csv(records))
    elif json:
        sys.stdout.write(output.as_json(records))
    elif records:
        table, console = output.as_table(records), Console()
        # As wide as it needs to be: a figure cut off to fit is worse than a wrapped line.
        console.width = max(
            console.width, Measurement.get(console, console.options.update_width(MAX_WIDTH), table).maximum
        )
        console.print(table)
    else:
        print(NOTHING)


def _warn(connection: sqlite3.Connection, selection: Selection) -> None:
    """Say on stderr what stands against the figures."""
    doubts = reading.doubts(connection, selection)
    for count, words in (
        (doubts.unbooked, "executions of the venue are not booked by any bot (yet)"),
        (doubts.differences, "times our result and the venue's differed; see the journal, kind DifferenceFound"),
        (doubts.refused, "entries were refused by the ledger; see its table refused"),
    ):
        if count:
            print(f"note: {count} {words}", file=sys.stderr)


def _selection(account: str | None, bot: str | None, since: str | None, until: str | None, zone: tzinfo) -> Selection:
    return Selection(
        account=account,
        symbol=bot.upper() if bot else None,
        since_ms=_moment("--since", since, zone),
        until_ms=_moment("--until", until, zone),
    )


def _moment(option: str, text: str | None, zone: tzinfo) -> int | None:
    """Milliseconds of a date or time; one without an offset is meant in `zone`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} {text}: must be a date such as 2026-01-31, or 2026-01-31T12:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"--timezone {name}: no such time zone here; use a name such as Europe/Berlin") from None


def _one_of(**flags: bool) -> None:
    given = [f"--{name}" for name, is_given in flags.items() if is_given]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)}: choose one")
