"""The page about the simulator is complete, and its examples print what it says."""

import contextlib
import io
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from hedgegrid.exchange_sim.faults.events import AnyEvent
from hedgegrid.exchange_sim.faults.kinds import AnyFault
from hedgegrid.exchange_sim.faults.scenario import parse_scenario
from hedgegrid.exchange_sim.options import option_names
from hedgegrid.exchange_sim.rest.table import ROUTES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "exchange-sim.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\nIt prints `([^`]*)`", TEXT, re.DOTALL)


def test_every_option_kind_and_endpoint_is_named() -> None:
    words = {word for code in re.findall(r"`([^`\n]+)`", TEXT) for word in re.split(r"[\s,]+", code)}
    kinds = {kind.__struct_config__.tag for union in (AnyFault, AnyEvent) for kind in get_args(union)}
    assert sorted(kinds - words) == []
    assert sorted(option_names() - words) == []
    paths = {path.partition("/v5/")[2] for _, path in ROUTES}
    named = {path for path in paths if path.partition("/")[2] in words or f"/v5/{path}" in words}
    assert sorted(paths - named) == ["order/amend-batch", "order/cancel-batch", "order/create-batch"]


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=["pybit", "ccxt"])
def test_an_example_prints_what_the_page_says(code: str, printed: str) -> None:
    out = io.StringIO()
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(out):
        exec(code, names)  # noqa: S102 the page's own example
    process = names["sim"]
    process.communicate(timeout=30)  # type: ignore[attr-defined]
    assert out.getvalue().strip() == printed


def test_the_scenario_of_the_page_is_read() -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    scenario = parse_scenario(tomllib.loads(toml), "page", toml)
    assert (scenario.seed, len(scenario.faults), len(scenario.events)) == (7, 2, 2)
