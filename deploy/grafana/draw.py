"""Draws the boards from a running Prometheus, so that a change of them can be seen without Grafana.

usage: python deploy/grafana/draw.py http://127.0.0.1:9090 [FOLDER] [MINUTES]

One PNG a board, each panel where Grafana would put it. Units and legends are Grafana's by name; its looks are not.
"""

import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.dates import DateFormatter

sys.path.insert(0, str(Path(__file__).parent))
from boards import BOARDS, COLUMNS, Board, Panel, Query

Series = dict[str, Any]
COLUMN_IN, ROW_IN = 0.75, 0.42
MOST_LINES = 14
"""In a legend and in a table; what is left out is counted."""
_SCALES = {"short": ["", "K", "M", "G"], "bytes": ["B", "kB", "MB", "GB"], "cps": ["/s", "K/s", "M/s", "G/s"]}


def ask(url: str, expression: str, minutes: float, at_once: bool) -> list[Series]:
    """Series of an expression: over the last minutes, or its value now."""
    now = time.time()
    told: dict[str, str | float] = {"query": expression, "time": now}
    if not at_once:
        told = {"query": expression, "start": now - 60 * minutes, "end": now, "step": max(minutes * 60 / 300, 5)}
    path = "query" if at_once else "query_range"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/api/v1/{path}?{urllib.parse.urlencode(told)}", timeout=10) as answer:
        result: list[Series] = json.load(answer)["data"]["result"]
    return result


def choices(board: Board, url: str) -> dict[str, str]:
    """What Grafana would fill in at first: the first value of each variable."""
    known = ask(url, "hedgegrid_grid_level", 0, at_once=True) if board.variables else []
    chosen = {name: min(row["metric"][name] for row in known) for name in board.variables}
    return {"__rate_interval": "1m", **chosen}


def legend(query: Query, labels: dict[str, str]) -> str:
    """Grafana's `{{label}}` filled in."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), query.legend).strip()


def text_of(value: float, panel: Panel) -> str:
    """A figure with its unit."""
    decimals = 2 if panel.decimals is None else panel.decimals
    if math.isnan(value):
        return "none"
    match panel.unit:
        case "currencyUSD":
            return f"${value:,.{decimals}f}"
        case "percentunit":
            return f"{value * 100:.{decimals}f} %"
        case "s":
            return f"{value * 1000:.{decimals}f} ms" if abs(value) < 1 else f"{value:.{decimals}f} s"
        case unit:
            steps = _SCALES[unit]
            power = min(int(math.log(abs(value), 1000)), 3) if abs(value) >= 1000 else 0
            return f"{value / 1000**power:.{decimals}f} {steps[power]}".strip()


def draw_panel(axes: Any, panel: Panel, filled: dict[str, str], url: str, minutes: float) -> None:
    """Lines, a figure or a table; "no data" where Grafana would say so."""
    axes.set_title(panel.title, fontsize=8, loc="left")
    at_once = panel.kind != "timeseries"
    found = [
        (query, row)
        for query in panel.queries
        for row in ask(url, re.sub(r"\$(\w+)", lambda name: filled[name[1]], query.expr), minutes, at_once)
    ]
    if at_once or not found:
        axes.set_axis_off()
        lines = [(legend(query, row["metric"]), float(row["value"][1])) for query, row in found]
        if panel.kind == "stat" and lines:
            shown = "\n".join(f"{text_of(value, panel)}  {name}" for name, value in lines[:3])
            axes.text(0.5, 0.5, shown, ha="center", va="center", fontsize=12 if len(lines) == 1 else 9)
        else:
            shown = "\n".join(name for name, _ in lines[:MOST_LINES]) or "no data"
            axes.text(0.02, 0.95, shown, ha="left", va="top", fontsize=7)
        return
    for query, row in found:
        times = [float(at) / 86400 for at, _ in row["values"]]
        axes.plot(
            times, [float(value) for _, value in row["values"]], linewidth=0.9, label=legend(query, row["metric"])
        )
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    axes.yaxis.set_major_formatter(lambda value, _: text_of(value, panel))
    axes.tick_params(labelsize=6)
    axes.grid(alpha=0.25)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[:MOST_LINES], labels[:MOST_LINES], fontsize=5, loc="upper left", framealpha=0.6)


def draw(board: Board, url: str, minutes: float, target: Path) -> None:
    """Write the picture of a board."""
    heights = [max(panel.height for panel in row) for row in board.rows]
    figure = pyplot.figure(figsize=(COLUMNS * COLUMN_IN, sum(heights) * ROW_IN))
    filled = choices(board, url)
    figure.suptitle(" ".join([board.title, *(filled[name] for name in board.variables)]), fontsize=11)
    grid = figure.add_gridspec(sum(heights), COLUMNS, hspace=6, wspace=4, left=0.03, right=0.99, top=0.94, bottom=0.03)
    y = 0
    for row, height in zip(board.rows, heights, strict=True):
        x = 0
        for panel in row:
            axes = figure.add_subplot(grid[y : y + height, x : x + panel.width])
            draw_panel(axes, panel, filled, url, minutes)
            x += panel.width
        y += height
    figure.savefig(target, dpi=80)
    pyplot.close(figure)


def main(url: str, folder: Path, minutes: float) -> None:
    """Draw every board."""
    folder.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        draw(board, url, minutes, folder / f"{board.uid}.png")
        print(folder / f"{board.uid}.png")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else Path("."), float((sys.argv[3:] or ["15"])[0]))
