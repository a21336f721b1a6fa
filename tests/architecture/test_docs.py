"""What the documents name is there: files, tests, methods, streams, messages, options. Decisions have their parts."""

import re
from pathlib import Path
from typing import get_args

import pytest
import typer

from hedgegrid.bus import keys
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import Command
from hedgegrid.messages.control import ControlMessage
from hedgegrid.messages.events import AccountEvent
from hedgegrid.messages.ledger import LedgerMessage
from hedgegrid.messages.market import MarketMessage
from hedgegrid.operator.cli import app
from tests.architecture.source_tree import ROOT, python_files, tracked_files

PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", *sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")
))  # fmt: skip
SOURCES = ("shared", "services", "tests", "bench")
CODE = re.compile(r"`([^`]+)`")
PATH = re.compile(r"[\w./-]+\.(?:py|lua|toml|conf|yaml|sh|md)")
TEST = re.compile(r"(tests/[\w./-]+\.py)::(\w+)")
METHOD = re.compile(r"([A-Z]\w+)\.(\w+)")
NAME = re.compile(r"_?[a-z]+_\w+|[A-Z][a-z]+[A-Z]\w+")
"""Of a function, field or class."""
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
ROW = re.compile(r"^\| `(--[\w-]+)`", re.MULTILINE)
ABSENT = {"hedgegrid/__init__.py"}
"""Named because they must not exist."""
PARTS = ("Decision", "Context", "Rationale", "Revisit")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def named(page: str) -> list[str]:
    """What stands in backticks, code blocks left out."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return CODE.findall(prose)


def functions_of(path: Path) -> set[str]:
    return set(re.findall(r"^\s*(?:async )?def (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_a_file_named_in_the_docs_exists(page: str) -> None:
    """A path may be given from the root or by its end: `core/step.py`."""
    files = {f"/{path.relative_to(ROOT)}" for path in tracked_files()}
    wanted = [word for word in named(page) if PATH.fullmatch(word) and word not in ABSENT]
    assert [word for word in wanted if not any(file.endswith(f"/{word}") for file in files)] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_test_named_in_the_docs_exists(page: str) -> None:
    found = [match for word in named(page) if (match := TEST.fullmatch(word))]
    gone = [
        match[0]
        for match in found
        if not (ROOT / match[1]).is_file() or match[2] not in functions_of(ROOT / match[1])
    ]  # fmt: skip
    assert gone == []
    assert found or page != "docs/original-plan.md"


@pytest.mark.parametrize("page", PAGES)
def test_a_method_named_in_the_docs_exists(page: str) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in python_files(*SOURCES))
    methods = {match for word in named(page) if (match := METHOD.fullmatch(word))}
    gone = [
        match[0]
        for match in methods
        if f"class {match[1]}" in source
        and not re.search(rf"^\s+(?:(?:async )?def {match[2]}\(|{match[2]}\b)", source, re.MULTILINE)
    ]
    unknown = [match[0] for match in methods if f"class {match[1]}" not in source]
    assert gone + unknown == []


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "docs/streams.md", "docs/original-plan.md"])
def test_a_name_in_the_docs_is_in_the_source(page: str) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in tracked_files() if path.suffix in (".py", ".lua"))
    known = set(re.findall(r"\w+", source))
    assert [word for word in named(page) if NAME.fullmatch(word) and word not in known] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_link_leads_somewhere(page: str) -> None:
    broken = []
    for place, heading in LINK.findall(text_of(page)):
        target = ((ROOT / page).parent / place).resolve() if place else ROOT / page
        if not target.exists() or (heading and heading not in anchors(target)):
            broken.append(f"{place}#{heading}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def messages() -> list[type[Message]]:
    unions = (MarketMessage, AccountEvent, Command, LedgerMessage, ControlMessage)
    return [kind for union in unions for kind in (get_args(union) or (union,))]


def test_every_stream_key_and_message_is_described() -> None:
    words = set(named("docs/streams.md"))
    makers = {name for name, member in vars(keys).items() if callable(member) and not name.startswith("_")}
    assert sorted((makers | {kind.__name__ for kind in messages()}) - words) == []


def test_every_field_of_a_message_is_named() -> None:
    words = {part.rstrip("?") for word in named("docs/streams.md") for part in word.split()}
    missing = {
        f"{kind.__name__}.{field}" for kind in messages() for field in kind.__struct_fields__ if field not in words
    }
    assert sorted(missing) == []


def test_the_readme_lists_the_demos_options() -> None:
    command = typer.main.get_command(app).commands["demo"]  # type: ignore[attr-defined]
    offered = {max(parameter.opts, key=len): parameter for parameter in command.params}
    rows = {option: row for row in text_of("README.md").splitlines() for option in ROW.findall(row)}
    assert sorted(rows) == sorted({*offered, "--help"})
    defaults = {option: parameter.default for option, parameter in offered.items()}
    wrong = {
        option: default
        for option, default in defaults.items()
        if default and str(default) not in rows[option].split("|")[2]
    }
    assert wrong == {}


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_has_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [part for part in PARTS if not re.search(rf"^(?:#+ |\*\*){part}", text, re.MULTILINE)] == []
    assert re.match(rf"# {page.name[:4]}\b", text)
