"""`python -m hedgegrid.strategy.transition`: what a new config changes, and putting it in place when that is safe."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import redis

from hedgegrid.bus.connection import connect
from hedgegrid.runtime.config import load_config
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import load_settings
from hedgegrid.strategy.stored_state import StateUnreadable
from hedgegrid.strategy.transition.changes import Change, Effect, Running, changes, restarts
from hedgegrid.strategy.transition.putting_in_place import put_in_place
from hedgegrid.strategy.transition.stored import running

EXIT_OK, EXIT_REFUSED, EXIT_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the change is safe (and made), 1 when it is refused, 2 on bad input."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        current: Path = options.current or settings.config
        new = load_config(options.new)
        old = load_config(current) if current.exists() else None
        found = changes(old, new, _running(settings.redis_url))
        if options.json:
            sys.stdout.write(json.dumps(_as_json(found)) + "\n")
        else:
            sys.stdout.write(as_text(found))
        if any(one.effect is Effect.REFUSED for one in found):
            return EXIT_REFUSED
        if options.action == "apply" and found:
            backup = put_in_place(options.new, current)
            kept = f"; the old one is {backup}" if backup else ""
            sys.stdout.write(f"{current} is in place{kept}\n{_advice(found)}")
    except (ConfigError, StateUnreadable) as error:
        sys.stderr.write(f"hedgegrid config: {' '.join(str(error).split())}\n")
        return EXIT_INPUT
    return EXIT_OK


def as_text(found: list[Change]) -> str:
    """One line a change."""
    if not found:
        return "nothing changes\n"
    lines = [f"{one.effect.value} {one.subject}: {one.text}" for one in found]
    refused = sum(one.effect is Effect.REFUSED for one in found)
    if refused:
        lines.append(f"refused: {refused} of {len(found)} changes are unsafe (X); nothing is applied")
    return "\n".join(lines) + "\n"


def _advice(found: list[Change]) -> str:
    services = restarts(found)
    names = " ".join(services)
    return (
        f"no service reads it before it starts again; restart, one after the other and in this order: {names}\n"
        f"  for service in {names}; do docker compose restart $service; done && hedgegrid doctor\n"
        "bots go on from their stored states; hedgegrid tail ACCOUNT:ledger tells ConfigChanged for each\n"
    )


def _as_json(found: list[Change]) -> dict[str, object]:
    rows = [
        {"effect": one.effect.name.lower(), "subject": one.subject, "text": one.text, "services": one.services}
        for one in found
    ]
    return {"changes": rows, "restart": restarts(found)}


def _running(url: str) -> Running:
    client = connect(url, "hedgegrid-cli")
    try:
        return running(client)
    except redis.RedisError as error:
        sys.stderr.write(f"note: Redis does not answer ({type(error).__name__}): what the bots hold is not known\n")
        return Running({}, known=False)
    finally:
        client.close()


def _parser() -> argparse.ArgumentParser:
    epilog = "examples: hedgegrid config diff new.toml; hedgegrid config apply new.toml"
    text = "What a new config changes for each account and bot, which changes are unsafe, and putting it in place."
    parser = argparse.ArgumentParser(prog="hedgegrid config", description=text, epilog=epilog)
    actions = parser.add_subparsers(dest="action", required=True, metavar="diff|apply")
    for name, text in (
        ("diff", "show what would change, and exit with 1 if a change is unsafe"),
        ("apply", "the same, and put the file in place if every change is safe"),
    ):
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument("new", type=Path, metavar="NEW.toml", help="the whole new config")
        one.add_argument("--current", type=Path, help="the file to replace; default HEDGEGRID_CONFIG")
        one.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
