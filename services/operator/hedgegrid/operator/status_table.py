"""What `hedgegrid status` shows, from the document of `/api/state`. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hedgegrid.operator.figures import NONE, age, money, percent, price, result

_STATES = {"ACTIVE": "green", "HALTED": "bold red", "FLATTEN": "bold red", None: "dim"}
_WEIGHTS = {"bad": "bold red", "warn": "yellow"}


def needs_someone(document: Mapping[str, Any]) -> bool:
    """Whether something is wrong, not merely worth knowing."""
    return any(one["weight"] == "bad" for one in document["attention"])


def render(document: Mapping[str, Any]) -> RenderableType:
    """Accounts, bots, what needs attention, services."""
    parts: list[RenderableType] = [_accounts(document), _bots(document)]
    parts += [_need(one) for one in document["attention"]] or [Text("nothing needs attention", style="green")]
    services = Text("services: ")
    for one in document["services"]:
        if not one["replaced"]:
            services.append(f"{one['service']} ", style="green" if one["ready"] else "bold red")
    return Group(*parts, services)


def _accounts(document: Mapping[str, Any]) -> Table:
    table = Table(title=f"hedgegrid, mode {document['mode']}; USDT", title_justify="left")
    table.add_column("account")
    for name in ("equity", "net today", "net 7 days", "net, all", "open PnL", "margin rate", "heard", "guard"):
        table.add_column(name, justify="right")
    for account in document["accounts"]:
        wallet, net, name = account["wallet"], account["net"], account["account"]
        table.add_row(
            f"{name} (dry run)" if account["dry_run"] else name,
            money(wallet["equity"]),
            *(_signed(net[period]) for period in ("today", "week", "all")),
            _signed(_open_pnl(document, name)),
            percent(wallet["mm_rate"]),
            age(wallet["age_ms"]),
            Text(account["stage"] or "NORMAL", style="green" if account["stage"] in (None, "NORMAL") else "bold red"),
        )
    return table


def _bots(document: Mapping[str, Any]) -> Table:
    table = Table()
    for name in ("bot", "state", "leg", "price"):
        table.add_column(name, justify="right" if name == "price" else "left")
    for name in ("position", "average", "levels", "next", "take-profit", "liquidation", "open PnL", "net", "cycles"):
        table.add_column(name, justify="right")
    for bot in document["bots"]:
        for number, (word, leg) in enumerate(bot["legs"].items()):
            first = number == 0
            state = bot["state"] or "not started"
            table.add_row(
                f"{bot['account']}:{bot['symbol']}" if first else "",
                Text(f"{state}, dry run" if bot["dry_run"] else state, style=_STATES.get(bot["state"], "yellow"))
                if first
                else "",
                word,
                price(bot["last_px"], bot["tick_size"]) if first else "",
                *_leg(bot, leg),
                end_section=not first,
            )
    return table


def _leg(bot: Mapping[str, Any], leg: Mapping[str, Any]) -> tuple[str | Text, ...]:
    tick, held = bot["tick_size"], bool(leg["qty"]) and Decimal(leg["qty"]) > 0
    most = f"/{bot['max_levels']}" if bot["max_levels"] is not None else ""
    return (
        leg["qty"] if held else "flat",
        price(leg["entry_px"], tick) if held else NONE,
        f"{len(leg['levels'])}{most}",
        price(leg["lines"][0]["px"], tick) if leg["lines"] else NONE,
        price(leg["exits"][0]["px"], tick) if leg["exits"] else NONE,
        price(leg["liq_px"], tick),
        _signed(leg["unrealised"]) if held else NONE,
        _signed(leg["realised"]["net"]),
        str(leg["cycles"]),
    )


def _need(one: Mapping[str, str]) -> Text:
    where = ":".join(part for part in (one["account"], one["symbol"]) if part)
    return Text(f"! {where + ' ' if where else ''}{one['text']}", style=_WEIGHTS[one["weight"]])


def _open_pnl(document: Mapping[str, Any], account: str) -> str | None:
    legs = [leg for bot in document["bots"] if bot["account"] == account for leg in bot["legs"].values()]
    known = [Decimal(leg["unrealised"]) for leg in legs if leg["unrealised"] is not None]
    return str(sum(known, Decimal(0))) if known else None


def _signed(text: str | None) -> Text:
    value = Decimal(text) if text is not None else Decimal(0)
    return Text(result(text), style="green" if value > 0 else "red" if value < 0 else "")
