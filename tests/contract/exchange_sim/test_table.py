"""Every documented and recorded key is there with its JSON type; the known differences are still needed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tests.contract.exchange_sim.gathering import Gathered, gather
from tests.contract.exchange_sim.shapes import Known, compare, shape_of
from tests.contract.exchange_sim.table import KNOWN, comparisons, draw

LISTED = re.compile(r'\("(GET|POST)", "(/v5/[^"]+)"\)')


@pytest.fixture(scope="module")
def gathered() -> Gathered:
    return gather()


def test_every_required_key_is_there(gathered: Gathered, shared_file: Callable[[str], Path]) -> None:
    folder = shared_file("docs/v5_json_examples.jsonl.gz").parent.parent
    rows = comparisons(folder, gathered)
    Console(width=110).print(draw(rows))
    assert len(rows) >= 50
    assert sum(len(row.matched) for row in rows) >= 1000
    assert [(row.name, row.missing, row.mistyped) for row in rows if not row.is_complete] == []
    needed = {entry for row in rows for entry in row.known}
    assert [entry for entry in KNOWN if entry not in needed] == []


def test_a_missing_key_and_a_wrong_type_are_found() -> None:
    theirs = shape_of([{"a": "1", "list": [{"b": 1, "c": None}], "d": {"e": True}}])
    ours = shape_of([{"a": 1, "list": [{"c": "x"}], "f": []}])
    row = compare("case", ours, theirs, [])
    assert (row.matched, row.missing) == (["list", "list[]", "list[].c"], ["d", "list[].b"])
    assert (row.mistyped, row.extra) == (["a (int, not string)"], ["f"])
    assert not row.is_complete
    excused = compare("case", ours, theirs, [Known("ca*", "[ad]", "why"), Known("*", "list[[][]].b", "why")])
    assert (excused.missing, excused.mistyped, len(excused.known)) == (["d.e"], [], 2)
