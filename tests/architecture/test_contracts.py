"""The import contracts hold, and each one reports the violation it is there for."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, project

# contract id -> planted file -> planted import. Every line must be reported.
PLANTS: dict[str, list[tuple[str, str]]] = {
    "layers": [
        ("services/executor/hedgegrid/executor", "hedgegrid.metrics"),
        ("services/ws-gateway/hedgegrid/ws_gateway", "hedgegrid.strategy"),
        ("services/strategy/hedgegrid/strategy", "hedgegrid.executor"),
        ("services/metrics/hedgegrid/metrics", "hedgegrid.exchange_sim"),
        ("services/exchange-sim/hedgegrid/exchange_sim", "hedgegrid.ws_gateway"),
        ("services/operator/hedgegrid/operator", "hedgegrid.executor"),
        ("services/executor/hedgegrid/executor", "hedgegrid.operator"),
        ("services/deadman/hedgegrid/deadman", "hedgegrid.executor"),
        ("shared/hedgegrid/runtime", "hedgegrid.executor"),
        ("shared/hedgegrid/runtime", "hedgegrid.bybit"),
        ("shared/hedgegrid/bus", "hedgegrid.runtime"),
        ("shared/hedgegrid/venue", "hedgegrid.bus"),
        ("shared/hedgegrid/guard", "hedgegrid.bus"),
        ("shared/hedgegrid/guard", "hedgegrid.venue"),
        ("shared/hedgegrid/messages", "hedgegrid.bus"),
        ("shared/hedgegrid/domain", "hedgegrid.messages"),
        ("shared/hedgegrid/ledger", "hedgegrid.bus"),
        ("shared/hedgegrid/listing", "hedgegrid.runtime"),
        ("shared/hedgegrid/tapes", "hedgegrid.venue"),
    ],
    "strategy-layers": [
        ("services/strategy/hedgegrid/strategy/core", "hedgegrid.strategy.backtest"),
        ("services/strategy/hedgegrid/strategy/core", "hedgegrid.venue"),
    ],
    "pure": [
        ("shared/hedgegrid/domain", "time"),
        ("shared/hedgegrid/messages", "redis"),
        ("shared/hedgegrid/venue", "random"),
        ("shared/hedgegrid/guard", "time"),
        ("services/strategy/hedgegrid/strategy/core", "logging"),
        ("services/strategy/hedgegrid/strategy/core", "hedgegrid.bus"),
        ("services/strategy/hedgegrid/strategy/core", "hedgegrid.runtime"),
    ],
    "venue-users": [
        ("services/executor/hedgegrid/executor", "hedgegrid.venue"),
        ("services/strategy/hedgegrid/strategy", "hedgegrid.venue"),
    ],
    "ledger-users": [
        ("services/executor/hedgegrid/executor", "hedgegrid.ledger"),
        ("shared/hedgegrid/runtime", "hedgegrid.ledger"),
    ],
    "bybit-users": [
        ("services/strategy/hedgegrid/strategy", "hedgegrid.bybit"),
        ("services/metrics/hedgegrid/metrics", "pybit"),
        ("services/exchange-sim/hedgegrid/exchange_sim", "hedgegrid.bybit"),
        ("services/operator/hedgegrid/operator", "pybit"),
    ],
    "pybit-users": [
        ("services/executor/hedgegrid/executor", "pybit"),
        ("services/ws-gateway/hedgegrid/ws_gateway", "pybit"),
        ("services/deadman/hedgegrid/deadman", "pybit"),
    ],
    "deadman": [
        ("services/deadman/hedgegrid/deadman", "hedgegrid.bus"),
        ("services/deadman/hedgegrid/deadman", "hedgegrid.ledger"),
    ],
    "backtest": [
        ("services/strategy/hedgegrid/strategy/backtest", "redis"),
        ("services/strategy/hedgegrid/strategy/backtest", "hedgegrid.bybit"),
    ],
}
# Reached only through another module: the indirect form of the same violation.
INDIRECT = ("services/strategy/hedgegrid/strategy/backtest", "hedgegrid.runtime")

# The tools of this venv, without its .pth file: the copy alone is the namespace.
RUNNER = """
import sys
sys.path[:0] = sys.argv[1].split(":")
sys.path.append(sys.argv[2])
from importlinter.cli import lint_imports_command
lint_imports_command(["--no-cache"])
"""


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    folders = project()["tool"]["hatch"]["build"]["dev-mode-dirs"]
    paths = ":".join(str(tree / folder) for folder in folders)
    purelib = sysconfig.get_paths()["purelib"]
    return subprocess.run(
        [sys.executable, "-S", "-c", RUNNER, paths, purelib],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def module_of(folder: str, stem: str) -> str:
    package = folder[folder.index("hedgegrid") :].replace("/", ".")
    return f"{package}.{stem}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("shared", "services"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken(output: str) -> set[str]:
    return set(re.findall(r"^(.+) BROKEN$", output, re.MULTILINE))


def names_by_id() -> dict[str, str]:
    return {c["id"]: c["name"] for c in project()["tool"]["importlinter"]["contracts"]}


def test_the_contracts_hold(tree: Path) -> None:
    result = lint(tree)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(names_by_id())} kept, 0 broken" in result.stdout


def test_every_contract_has_a_plant() -> None:
    assert set(PLANTS) == set(names_by_id())


def test_every_planted_violation_is_reported(tree: Path) -> None:
    planted: list[tuple[str, str, str]] = []
    for contract, plants in PLANTS.items():
        for number, (folder, target) in enumerate(plants):
            stem = f"planted_{contract.replace('-', '_')}_{number}"
            (tree / folder / f"{stem}.py").write_text(f"import {target}\n")
            planted.append((contract, module_of(folder, stem), target))

    output = lint(tree).stdout

    names = names_by_id()
    assert broken(output) == set(names.values())
    reports = reports_by_name(output, set(names.values()))
    missed = [
        f"{contract}: {importer} -> {target}"
        for contract, importer, target in planted
        if f"{importer} -> {target} (l.1)" not in reports[names[contract]]
    ]
    assert missed == [], output


def reports_by_name(output: str, names: set[str]) -> dict[str, str]:
    """The text under each broken contract's heading."""
    reports: dict[str, str] = {}
    current = ""
    for line in output.splitlines():
        if line in names:
            current = line
        # Long lines are wrapped for a terminal: read them as running text.
        reports[current] = f"{reports.get(current, '')} {line.strip()}"
    return reports


def test_an_indirect_reach_of_the_backtest_is_reported(tree: Path) -> None:
    folder, target = INDIRECT
    (tree / folder / "planted.py").write_text(f"import {target}.planted\n")
    (tree / "shared/hedgegrid/runtime/planted.py").write_text("import redis\n")
    assert broken(lint(tree).stdout) == {names_by_id()["backtest"]}


@pytest.mark.parametrize(
    "user",
    [
        "services/exchange-sim/hedgegrid/exchange_sim",
        "services/strategy/hedgegrid/strategy/backtest",
    ],
)
def test_the_allowed_users_of_the_venue_may_use_it(tree: Path, user: str) -> None:
    (tree / user / "planted.py").write_text("import hedgegrid.venue\n")
    result = lint(tree)
    assert result.returncode == 0, result.stdout
