"""Scenario files: faults and events in TOML or JSON, with one line for each entry that is wrong.

seed = 7
[[fault]]
kind = "answer_lost"
match = { path = "/v5/order/create", orderLinkId = "grid-*" }
probability = 0.1
[[event]]
kind = "socket_close"
at_s = 30
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.faults.events import AnyEvent, Event
from hedgegrid.exchange_sim.faults.kinds import AnyFault, Fault

TABLES: dict[str, Any] = {"fault": AnyFault, "event": AnyEvent}
MATCHABLE = frozenset(
    {
        "account", "channel", "method", "path", "symbol", "side", "orderLinkId", "orderId", "positionIdx", "topic",
        "orderStatus", "execType",
    }
)  # fmt: skip


class ScenarioError(StartError):
    """One line for each bad entry."""


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int = 0
    faults: Sequence[Fault] = ()
    events: Sequence[Event] = ()


def read_scenario(path: Path) -> Scenario:
    """The scenario of a file; `.json` is read as JSON, anything else as TOML.

    Raises:
        ScenarioError: unreadable, or any entry is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        body = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
        raise ScenarioError(f"--scenario {path}: {error}") from error
    return parse_scenario(body, str(path), text)


def parse_scenario(body: object, name: str, text: str = "") -> Scenario:
    """The scenario of a decoded body; `text` lets errors name the line in a TOML file.

    Raises:
        ScenarioError: with one line for each entry that is wrong.
    """
    if not isinstance(body, dict):
        raise ScenarioError(f"{name}: expected a table with seed, fault and event")
    errors = [f"{name}: {key}: unknown; expected seed, fault and event" for key in body.keys() - {"seed", *TABLES}]
    seed = body.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        errors.append(f"{name}: seed: expected an integer")
    found: dict[str, list[Any]] = {"fault": [], "event": []}
    for table, kind in TABLES.items():
        entries = body.get(table, [])
        if not isinstance(entries, list):
            errors.append(f"{name}: {table}: expected an array of tables, [[{table}]]")
            continue
        for number, entry in enumerate(entries):
            try:
                found[table].append(parse_entry(entry, kind))
            except ValueError as error:
                errors.append(f"{name}{_line(text, table, number, str(error))}: {table} {number + 1}: {error}")
    if errors:
        raise ScenarioError("\n".join(errors))
    return Scenario(seed, tuple(found["fault"]), tuple(found["event"]))


def parse_entry(entry: object, kind: Any) -> Any:
    """One fault or event of a decoded table.

    Raises:
        ValueError: what is wrong, beginning with the field's name.
    """
    try:
        made = msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise ValueError(f"{where.rstrip('`')}: {what}" if where else what) from None
    if isinstance(made, Fault):
        _check_match(made)
        if made.until_s is not None and made.until_s <= made.from_s:
            raise ValueError("until_s: must be after from_s")
    return made


def _check_match(fault: Fault) -> None:
    unknown = sorted(fault.match.keys() - MATCHABLE)
    if unknown:
        raise ValueError(f"match: {', '.join(unknown)} unknown; one of {', '.join(sorted(MATCHABLE))}")


def _line(text: str, table: str, number: int, error: str) -> str:
    """` line N` of the field at fault in TOML, or of its table's header; "" when it cannot be told."""
    lines = text.splitlines()
    headers = [i for i, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{table}\s*\]\]", line)]
    if number >= len(headers):
        return ""
    first = headers[number]
    after = range(first + 1, len(lines))
    last = next((i for i in after if lines[i].lstrip().startswith("[[")), len(lines))
    unknown = re.search(r"unknown field `(\w+)`", error)
    field = unknown[1] if unknown else re.escape(error.partition(":")[0].partition(".")[0])
    at = next((i for i in range(first, last) if re.match(rf"\s*{field}\s*=", lines[i])), first)
    return f" line {at + 1}"
