"""The source keeps to its own rules: pure parts, sizes, names."""

from pathlib import Path

import pytest

from tests.architecture.source_rules import (
    MAX_FILE_LINES,
    VAGUE_NAMES,
    impurities,
    long_functions,
    too_long,
)
from tests.architecture.source_tree import PURE_PARTS, ROOT, python_files

SOURCE = python_files("shared", "services")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_source_in_every_pure_part() -> None:
    assert all(python_files(part) for part in PURE_PARTS)


def test_pure_parts_are_pure() -> None:
    found = [
        f"{name(path)}:{finding}" for path in python_files(*PURE_PARTS) for finding in impurities(path.read_text())
    ]
    assert found == []


def test_no_function_is_too_long() -> None:
    found = [f"{name(path)}:{hit}" for path in SOURCE for hit in long_functions(path.read_text())]
    assert found == []


def test_no_file_is_too_long() -> None:
    found = [name(path) for path in SOURCE if too_long(path.read_text())]
    assert found == [], f"at most {MAX_FILE_LINES} lines a file: one idea each"


def test_no_module_has_a_vague_name() -> None:
    found = [name(p) for p in SOURCE if {p.stem, p.parent.name} & VAGUE_NAMES]
    assert found == [], "name a module by the idea it holds"


def test_the_namespace_has_no_init() -> None:
    """One stray hedgegrid/__init__.py makes every other portion of the namespace unimportable."""
    found = [name(path) for path in SOURCE if path.parts[-2:] == ("hedgegrid", "__init__.py")]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from random import choice",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime as d\nx = d.datetime.utcnow",
        "from datetime import date\nx = date.today()",
        "x = float('1')",
        "def f(price: float) -> None: ...",
        "def f(price: 'int') -> float | None: ...",
        "fee = 0.00055",
        "open('x')",
        "print('x')",
    ],
)
def test_an_impurity_is_reported(source: str) -> None:
    assert list(impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "from decimal import Decimal\nfee = Decimal('0.00055')",
        "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC)",
        "from hedgegrid.domain.orders import timeout_ms",
        "n = 3",
        "def f(x: object) -> bool: return isinstance(x, float | int)",
    ],
)
def test_pure_source_is_left_alone(source: str) -> None:
    assert list(impurities(source)) == []


def test_a_long_function_is_reported() -> None:
    body = "    x = 1\n" * 70
    assert list(long_functions(f"def f():\n{body}"))
    assert list(long_functions(f"async def f():\n{body}"))
    assert list(long_functions("def f():\n" + "    x = 1\n" * 69)) == []


def test_a_long_file_is_reported() -> None:
    assert too_long("x = 1\n" * 401)
    assert not too_long("x = 1\n" * 400)
