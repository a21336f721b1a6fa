"""Writes Grafana's dashboards:  python deploy/grafana/generate.py [FOLDER]   (make dashboards)

The boards are plain data in `boards.py`; here they become Grafana's own types, so that a field it does not know cannot
be written. Places and ids are set by us: the SDK's automatic layout runs over the edge.
"""

import sys
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos, VariableRefresh
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

sys.path.insert(0, str(Path(__file__).parent))
from boards import BOARDS, COLUMNS, Board, Panel, Query

DATASOURCE = DataSourceRef(type_val="prometheus", uid="hedgegrid-prometheus")
FOLDER = Path(__file__).parent / "dashboards"


def dashboard_json(board: Board) -> str:
    """The dashboard as Grafana reads it."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(f"hedgegrid-{board.uid}")
        .tags(["hedgegrid"])
        .readonly()
        .refresh("5s")
        .time(f"now-{board.span}", "now")
        .timezone("browser")
    )
    for name in board.variables:
        built = built.with_variable(
            dashboard.QueryVariable(name)
            .label(name)
            .datasource(DATASOURCE)
            .query(f"label_values(hedgegrid_grid_level, {name})")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .include_all(False)
            .multi(False)
        )
    number, y = 0, 0
    for row in board.rows:
        x, height = 0, max(panel.height for panel in row)
        for panel in row:
            number += 1
            place = GridPos(h=height, w=panel.width, x=x, y=y)
            built = built.with_panel(_panel(panel, number, place))
            x += panel.width
        if x != COLUMNS:
            raise SystemExit(f"{board.title}: a row of {x} columns, not {COLUMNS}: {[panel.title for panel in row]}")
        y += height
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"


def _panel(panel: Panel, number: int, place: GridPos) -> Any:
    kinds = {"timeseries": _timeseries, "stat": _stat, "table": _table}
    built = kinds[panel.kind]()
    built = built.title(panel.title).id(number).grid_pos(place).datasource(DATASOURCE).unit(panel.unit)
    if panel.about:
        built = built.description(panel.about)
    if panel.decimals is not None:
        built = built.decimals(panel.decimals)
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        built = built.with_target(_target(query, letter, panel.kind))
    return built


def _target(query: Query, letter: str, kind: str) -> Any:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(letter).datasource(DATASOURCE)
    if kind == "timeseries":
        return target.range()
    target = target.instant()
    return target.format(PromQueryFormat.TABLE) if kind == "table" else target


def _timeseries() -> Any:
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    return (
        timeseries.Panel()
        .legend(legend)
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .line_width(1)
        .fill_opacity(8)
    )


def _stat() -> Any:
    return stat.Panel().color_mode(BigValueColorMode.NONE).reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))


def _table() -> Any:
    return table.Panel()


def main(folder: Path) -> None:
    """Write every board."""
    for board in BOARDS:
        (folder / f"{board.uid}.json").write_text(dashboard_json(board), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
