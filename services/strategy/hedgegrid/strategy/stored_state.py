"""Reading a bot's stored state, of this schema or an older one."""

from typing import Any, TypeVar

import msgspec

from hedgegrid.strategy.core.state import SCHEMA, BotState

S = TypeVar("S", bound=BotState)


class StateUnreadable(Exception):
    """The stored state is of a schema this code does not know; it must not guess."""


def read_state(raw: bytes, schema: int, type_: type[S]) -> S:
    """Decode a state as `type_`.

    Raises:
        StateUnreadable: written by a newer version, or not such a state at all.
    """
    if not 1 <= schema <= SCHEMA:
        raise StateUnreadable(
            f"the state has schema {schema}, this worker knows 1…{SCHEMA}: run the version that wrote it, or upgrade"
        )
    try:
        if schema == SCHEMA:
            return msgspec.json.decode(raw, type=type_)
        return msgspec.convert(_from_schema_1(msgspec.json.decode(raw)), type_, strict=False)
    except msgspec.MsgspecError as error:
        raise StateUnreadable(f"the state cannot be read as {type_.__name__}: {error}") from error


def _from_schema_1(old: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 counted levels by place, kept ids without their time, and one back-off for opening and closing."""
    newest_ms = old.get("newest_execution_ms", 0)
    for word in ("long", "short"):
        leg = old.get(word)
        if leg is None:
            continue
        leg["levels"] = [{**level, "number": number} for number, level in enumerate(leg.get("levels", ()))]
        # Their times are not known. The newest is: until it passes out of the list, none counts as known by time alone.
        leg["seen"] = [[newest_ms, trade_id] for trade_id in leg.pop("seen_ids", ())]
        backoff = {"failures": leg.pop("failures", 0), "until_ms": leg.pop("retry_after_ms", 0)}
        leg["opening"] = leg["closing"] = backoff
    return {**old, "schema": SCHEMA}
