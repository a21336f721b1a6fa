"""The report for people."""

from datetime import UTC, datetime
from typing import Any

MOST_STAGES = 60
_NOTIONALS = ("highest_held_notional_usdt", "highest_worst_notional_usdt")


def markdown(title: str, report: dict[str, Any]) -> str:
    """The figures of `results.as_json` as a page."""
    yes = {True: "yes", False: "**NO**"}
    lines = [
        f"# Backtest: {title}",
        "",
        f"{_when(report['from_ms'])} to {_when(report['to_ms'])}: {_bars(report)}.",
        "",
        "| | |",
        "|---|---|",
        f"| ledger agrees with the venue to the last digit | {yes[report['agrees']]} |",
        f"| caps kept | {yes[report['caps_kept']]} |",
        f"| never liquidated | {yes[not report['liquidated']]} |",
        f"| deposit → balance → equity, USDT | {_row(report, 'deposit_usdt', 'balance_usdt', 'equity_usdt')} |",
        f"| lowest equity, USDT | {_cents(report['lowest_equity_usdt'])} |",
        f"| highest maintenance margin rate | {_pct(report['highest_mm_rate'])} |",
        f"| nearest liquidation, all marks together | {_pct(report['nearest_liquidation'])} |",
        f"| highest notional held → with all orders filled, USDT | {_row(report, *_NOTIONALS)} |",
        f"| commands; denied by the guard | {report['commands']}; {sum(report['denied'].values())} |",
        "",
        "![equity, exposure and margin rate](account.png)",
        "",
        "| leg | cycles | fills | gross | fees | funding | net | venue | by guard |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for leg in report["legs"]:
        figures = " | ".join(str(leg[name]) for name in ("gross", "fees", "funding", "net", "venue"))
        counts = f"{leg['cycles']} | {leg['fills']}"
        lines.append(f"| {leg['symbol']} {leg['leg']} | {counts} | {figures} | {leg['closed_by_guard']} |")
    lines += ["", f"## The guard's words ({len(report['stages'])})", ""]
    lines += [
        f"- {_when(stage['at_ms'])} **{stage['stage']}**{_round(stage)}: {stage['cause']}"
        for stage in report["stages"][:MOST_STAGES]
    ]
    if len(report["stages"]) > MOST_STAGES:
        lines.append(f"- … {len(report['stages']) - MOST_STAGES} more in report.json")
    return "\n".join(lines) + "\n"


def _bars(report: dict[str, Any]) -> str:
    return f"{report['bars']} bars, {report['bars_skipped']} of them jumped over, {report['seconds']} s of computing"


def _row(report: dict[str, Any], *names: str) -> str:
    return " → ".join(_cents(report[name]) for name in names)


def _round(stage: dict[str, Any]) -> str:
    return f" round {stage['round']}" if stage["stage"] == "REDUCE" else ""


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _cents(amount: str | None) -> str:
    return "-" if amount is None else f"{float(amount):,.2f}"


def _pct(fraction: str | None) -> str:
    return "-" if fraction is None else f"{100 * float(fraction):.2f} %"
