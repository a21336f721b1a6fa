"""The committed dashboards are what the generator writes, fit on the screen, and ask for figures that exist."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.unit.deploy.test_prometheus import exposed, selected

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "grafana"
FILES = sorted((FOLDER / "dashboards").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in FILES}
COLUMNS = 24
UNITS = {"currencyUSD", "percentunit", "s", "short", "cps", "bytes"}
OWN = {"ALERTS", "up"}

every = pytest.mark.parametrize("name", sorted(BOARDS))


def expressions(board: dict[str, Any]) -> Iterator[str]:
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def without_variables(expression: str) -> str:
    """What Grafana fills in, filled in."""
    return re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "1m"))


def test_the_four_boards_are_there() -> None:
    assert sorted(BOARDS) == ["bot", "latency", "overview", "reliability"]
    uids = [board["uid"] for board in BOARDS.values()]
    assert len(set(uids)) == len(uids)


def test_the_committed_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(FOLDER / "generate.py"), str(tmp_path)], check=True, timeout=60)
    written = {file.name: file.read_text() for file in tmp_path.glob("*.json")}
    assert written == {file.name: file.read_text() for file in FILES}, "run: make dashboards"


@every
def test_grafanas_own_types_know_every_field(name: str) -> None:
    """A misspelt key is dropped on reading and so shows as a difference."""
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(BOARDS[name])))
    assert again == BOARDS[name]


@every
def test_panels_fill_the_grid_without_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        assert place["w"] > 0
        assert place["h"] > 0
        assert place["x"] + place["w"] <= COLUMNS
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    rows = {y for _, y in taken}
    assert rows == set(range(max(rows) + 1))
    assert len(taken) == len(rows) * COLUMNS, "no holes"


@every
def test_panels_are_told_apart_and_speak_in_units(name: str) -> None:
    panels = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@every
def test_every_expression_parses_and_reads_what_exists(name: str) -> None:
    for expression in expressions(BOARDS[name]):
        names = set(selected(without_variables(expression))) | (OWN & set(re.findall(r"\w+", expression)))
        assert names, expression
        assert names <= exposed() | OWN, expression


@every
def test_every_variable_is_defined(name: str) -> None:
    used = {word for text in expressions(BOARDS[name]) for word in re.findall(r"\$(\w+)", text)} - {"__rate_interval"}
    defined = {variable["name"] for variable in BOARDS[name].get("templating", {}).get("list", [])}
    assert used == defined


@every
def test_the_data_source_is_the_provisioned_one(name: str) -> None:
    file = FOLDER / "provisioning" / "datasources" / "prometheus.yml"
    [source] = yaml.safe_load(file.read_text())["datasources"]
    asked = {panel["datasource"]["uid"] for panel in BOARDS[name]["panels"]}
    asked |= {target["datasource"]["uid"] for panel in BOARDS[name]["panels"] for target in panel["targets"]}
    assert asked == {source["uid"]}


def test_provisioned_paths_are_mounted() -> None:
    [provider] = yaml.safe_load((FOLDER / "provisioning/dashboards/hedgegrid.yml").read_text())["providers"]
    mounts = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in mounts
