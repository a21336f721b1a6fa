"""Keys and JSON types of a message, and how ours differ from documented and recorded ones."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

Shape = dict[str, set[str]]
"""Path of a key → the JSON types seen there; items of lists share the path `…[]`."""
OPEN = ("cumFeeDetail", "permissions")
"""Objects whose keys are data, not names of fields."""


def shape_of(values: Iterable[Any]) -> Shape:
    """All keys of some messages of one kind."""
    shape: Shape = {}
    for value in values:
        for path, kind in _walk(value, ""):
            shape.setdefault(path, set()).add(kind)
    return shape


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if path:
        yield path, _kind(value)
    if isinstance(value, dict) and not path.endswith(OPEN):
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, f"{path}[]")


def _kind(value: Any) -> str:
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "list" if isinstance(value, list) else "null"


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is meant; patterns of the case's name and of the path."""

    case: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`mistyped` are keys that are there with another JSON type; `known` differ for a stated reason."""

    name: str
    matched: list[str]
    missing: list[str]
    mistyped: list[str]
    extra: list[str]
    known: list[Known]

    @property
    def is_complete(self) -> bool:
        return not self.missing and not self.mistyped


def compare(name: str, ours: Shape, theirs: Shape, known: Iterable[Known]) -> Comparison:
    """Every key of theirs has to be among ours with a type of theirs; null says nothing about a type."""
    applying = [entry for entry in known if fnmatchcase(name, entry.case)]
    used: list[Known] = []
    matched: list[str] = []
    missing: list[str] = []
    mistyped: list[str] = []
    for path, kinds in sorted(theirs.items()):
        expected, found = kinds - {"null"}, ours.get(path, set()) - {"null"}
        if path in ours and (not expected or not found or found <= expected):
            matched.append(path)
            continue
        excuse = next((entry for entry in applying if fnmatchcase(path, entry.path)), None)
        if excuse is not None:
            used.append(excuse)
        elif path in ours:
            mistyped.append(f"{path} ({'/'.join(sorted(found))}, not {'/'.join(sorted(expected))})")
        elif not _is_inside(path, missing):
            missing.append(path)
    extra = sorted(path for path in ours if path not in theirs)
    return Comparison(name, matched, missing, mistyped, extra, list(dict.fromkeys(used)))


def _is_inside(path: str, missing: Iterable[str]) -> bool:
    return any(path.startswith((f"{outer}.", f"{outer}[")) for outer in missing)


def examples(folder: Path) -> Mapping[tuple[str, str], list[Any]]:
    """The official documentation's JSON examples by page and kind."""
    found: dict[tuple[str, str], list[Any]] = {}
    with gzip.open(folder / "docs/v5_json_examples.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            page = row["page"].removeprefix("docs/v5/").removesuffix(".mdx")
            found.setdefault((page, row["kind"]), []).append(row["json"])
    return found


def recorded(folder: Path) -> Iterator[Any]:
    """Every recorded message that is JSON: private pushes, public capture, REST bodies."""
    for name in ("frames_mixed", "frames_repo", "rest_bodies"):
        for line in (folder / f"private/{name}.jsonl").read_text().splitlines():
            raw = json.loads(line)["raw"]
            try:
                yield json.loads(raw) if isinstance(raw, str) else raw
            except json.JSONDecodeError:
                continue
    with gzip.open(folder / "capture/linear_btc_eth_2026-08-09.jsonl.gz", "rt") as lines:
        for line in lines:
            record = json.loads(line)
            if record["t"] == "recv":
                yield json.loads(record["data"])
    with gzip.open(folder / "capture/kline_frames_btc_2024-07-04.jsonl.gz", "rt") as lines:
        for line in lines:
            record = json.loads(line)
            yield json.loads(record["raw"]) if "raw" in record else record
