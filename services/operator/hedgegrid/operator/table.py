"""Progress on the terminal: one table refreshed in place, or plain lines where nobody looks at a screen."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from hedgegrid.domain.order import Leg
from hedgegrid.operator.bot_view import BotView, LegView

PLAIN_EVERY_S = 5.0


class Display(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, bots: Sequence[BotView], headline: str) -> None:
        """Bring the picture up to date."""
        ...

    def say(self, line: str) -> None:
        """Print a line that stays."""
        ...


def open_display(console: Console) -> Display:
    return LiveTable(console) if console.is_terminal else PlainLines(console)


class LiveTable:
    """A table that is redrawn in place; without a thread of its own."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, bots: Sequence[BotView], headline: str) -> None:
        self._live.update(draw(bots, headline), refresh=True)

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class PlainLines:
    """One line per bot every few seconds."""

    def __init__(self, console: Console, every_s: float = PLAIN_EVERY_S) -> None:
        self._console = console
        self._every_s = every_s
        self._next_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, bots: Sequence[BotView], headline: str) -> None:
        now = time.monotonic()
        if now < self._next_s or not bots:
            return
        self._next_s = now + self._every_s
        for bot in bots:
            self.say(plain_line(bot))

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def draw(bots: Sequence[BotView], headline: str) -> Table:
    """Two rows a bot, one per leg; amounts in USDT."""
    table = Table(title=headline, title_justify="left", expand=False)
    for name in ("bot", "price", "state", "leg", "position"):
        table.add_column(name)
    for name in ("levels", "orders", "cycles", "realised", "fees", "funding", "unrealised"):
        table.add_column(name, justify="right")
    for bot in bots:
        for number, leg in enumerate(Leg):
            head = (f"{bot.account} {bot.symbol}", bot.price, bot.state) if number == 0 else ("", "", "")
            table.add_row(*head, leg.word, *_cells(bot.legs[leg]), end_section=leg is Leg.SHORT)
    return table


def _cells(leg: LegView) -> tuple[str, ...]:
    return leg.qty, leg.level, leg.working_orders, leg.cycles, leg.realised, leg.fees, leg.funding, leg.unrealised


def plain_line(bot: BotView) -> str:
    legs = " | ".join(
        f"{leg.word} {view.qty} levels {view.level} cycles {view.cycles} realised {view.realised}"
        f" unrealised {view.unrealised}"
        for leg, view in bot.legs.items()
    )
    return f"{bot.account} {bot.symbol} {bot.price} {bot.state} | {legs}"
