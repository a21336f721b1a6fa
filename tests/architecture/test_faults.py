"""Every fault of the catalogue has its row, every test it names exists, and enough of them are automated."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.runtime.failpoints import POINTS
from tests.architecture.source_tree import ROOT
from tests.chaos import line_faults, process_faults, redis_faults

CATALOGUE = {"A": 20, "B": 16, "C": 7, "D": 20, "E": 29, "F": 20, "G": 10, "H": 10}
"""Rows by letter, each kill point counted."""
AUTOMATED_AT_LEAST = 100
PROOFS = ("tests", "kill_points", "chaos")
REASONS = ("does_not_apply", "not_automated")
REASON_LENGTH = 40

IN_CHAOS = {row.name for file in (line_faults, process_faults, redis_faults) for row in file.table()}
IN_CHAOS.add(redis_faults.DISK_FULL)

FAULTS: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "tests/faults.toml").read_text())


def test_every_fault_has_its_row() -> None:
    assert list(FAULTS) == [
        f"{letter}{number}" for letter, count in CATALOGUE.items() for number in range(1, count + 1)
    ]
    assert len(FAULTS) == 132


@pytest.mark.parametrize("fault", FAULTS)
def test_a_row_names_its_proof_or_says_why_there_is_none(fault: str) -> None:
    row = FAULTS[fault]
    assert row["fault"].strip()
    assert not row.keys() - {"fault", "note", *PROOFS, *REASONS}
    given = [name for name in (*PROOFS, *REASONS) if row.get(name)]
    assert given, "neither a test nor a reason"
    assert not (set(given) & set(PROOFS) and set(given) & set(REASONS)), "a test and a reason why there is none"
    for name in set(given) & set(REASONS):
        assert len(row[name]) >= REASON_LENGTH, "a reason is a sentence"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_row_names_exists(fault: str) -> None:
    for test in FAULTS[fault].get("tests", ()):
        file, _, name = test.partition("::")
        assert name in named_in(ROOT / file), f"{test} is not there"
    assert not set(FAULTS[fault].get("kill_points", ())) - set(POINTS)
    assert not set(FAULTS[fault].get("chaos", ())) - IN_CHAOS


def test_enough_are_automated() -> None:
    automated = [fault for fault, row in FAULTS.items() if any(row.get(name) for name in PROOFS)]
    assert len(automated) >= AUTOMATED_AT_LEAST, len(automated)


def named_in(file: Path) -> set[str]:
    """Names of the functions of a file."""
    assert file.is_file(), f"{file} is not there"
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
