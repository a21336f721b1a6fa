"""A service's JSON log line, cut down to what a person at a terminal needs."""

import json

_LONGEST = 300


def readable(line: str) -> str:
    """`LEVEL message: last line of the traceback`; any other text as it is, not too long."""
    try:
        said = json.loads(line)
        text = f"{said['level']} {said['msg']}"
    except (ValueError, KeyError, TypeError):
        return line[:_LONGEST]
    exception = str(said.get("exc", "")).strip()
    if exception:
        text += f": {exception.splitlines()[-1]}"
    return text[:_LONGEST]
