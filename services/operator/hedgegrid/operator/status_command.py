"""`hedgegrid status`: accounts and bots at a glance, once or live."""

import json
import time
from collections.abc import Callable
from typing import Annotated

import redis
import typer
from rich.console import Console
from rich.live import Live

from hedgegrid.operator.metrics_address import VARIABLE, metrics_url, state_of
from hedgegrid.operator.redis_client import with_redis
from hedgegrid.operator.status_table import needs_someone, render
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import load_settings

EVERY_S = 1.0
EXIT_NEEDS_SOMEONE = 1
MIN_WIDTH = 150
_EXAMPLES = """Examples:

    hedgegrid status

    hedgegrid status --once || echo "look at it"

    hedgegrid status --json | jq '.accounts[0].net'
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EXAMPLES)(status)


def status(
    once: Annotated[
        bool, typer.Option("--once", help="Print once and end; exit code 1 if something is wrong.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole state once, as JSON.")] = False,
    metrics: Annotated[
        str | None, typer.Option(metavar="URL", help=f"Of the metrics service; default {VARIABLE}, else its heartbeat.")
    ] = None,
) -> None:
    """Show every account and bot: what it holds, what it earned, what it waits for. Ctrl-C ends it."""

    def show(client: redis.Redis) -> None:
        url = metrics or load_settings().metrics_url or metrics_url(client)
        if as_json:
            print(json.dumps(state_of(url)))
        elif once or not Console().is_terminal:
            document = state_of(url)
            console = Console()
            console.width = max(console.width, MIN_WIDTH)
            console.print(render(document))
            if needs_someone(document):
                raise typer.Exit(EXIT_NEEDS_SOMEONE)
        else:
            follow(lambda: state_of(url))

    with_redis(show)


def follow(ask: Callable[[], dict[str, object]]) -> None:
    """Redraw until interrupted; an answer that does not come is said in place of the table."""
    console = Console()
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            try:
                live.update(render(ask()), refresh=True)
            except ConfigError as error:
                live.update(f"[bold red]{error}[/]", refresh=True)
            time.sleep(EVERY_S)
