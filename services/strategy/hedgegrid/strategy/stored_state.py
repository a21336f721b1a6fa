"""A bot's state in the fields of its hash, and read from there, of this schema or an older one."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from hedgegrid.bus.struct_fields import PREFIX, names_of, to_fields, to_json
from hedgegrid.strategy.core.state import SCHEMA, BotState

WHOLE = "state"
"""Where schemas before the third kept all of it."""

S = TypeVar("S", bound=BotState)


class StateUnreadable(Exception):
    """The stored state is of a schema this code does not know; it must not guess."""


def write_state(state: BotState) -> dict[str, bytes]:
    """All fields of a hash that hold the state."""
    return {"schema": str(SCHEMA).encode(), **to_fields(state)}


def is_stored(fields: Mapping[str, bytes]) -> bool:
    return "schema" in fields


def left_over(fields: Mapping[str, bytes], type_: type[BotState]) -> list[str]:
    """Fields of an older schema's state or another strategy's: they would come back if nobody removed them."""
    own = names_of(type_)
    return [name for name in fields if name == WHOLE or (name.startswith(PREFIX) and name not in own)]


def read_state(fields: Mapping[str, bytes], type_: type[S]) -> S:
    """Decode the state that a hash holds as `type_`.

    Raises:
        StateUnreadable: written by a newer version, or not such a state at all.
    """
    schema = int(fields["schema"])
    if not 1 <= schema <= SCHEMA:
        raise StateUnreadable(
            f"the state has schema {schema}, this worker knows 1…{SCHEMA}: run the version that wrote it, or upgrade"
        )
    try:
        if schema == SCHEMA:
            return msgspec.json.decode(to_json(fields), type=type_)
        old = msgspec.json.decode(fields[WHOLE])
        return msgspec.convert((_from_schema_1(old) if schema == 1 else old) | {"schema": SCHEMA}, type_, strict=False)
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
    return old
