"""`hedgegrid doctor`: what could go wrong here, each with what to do about it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import redis
import typer
from rich.console import Console
from rich.markup import escape

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.operator import doctor_machine as machine
from hedgegrid.operator import doctor_redis, doctor_services
from hedgegrid.operator.doctor_redis import RedisFacts
from hedgegrid.operator.doctor_services import Beats
from hedgegrid.operator.finding import Finding, Verdict, fail, ok
from hedgegrid.operator.project_files import ROOT, RUNS
from hedgegrid.operator.redis_client import NAME, redis_urls
from hedgegrid.runtime.config import SystemConfig, load_config
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import load_settings

EXIT_FAILS = 1
_STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red", Verdict.UNKNOWN: "cyan"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Examples:\n\n    hedgegrid doctor\n\n    hedgegrid doctor --json | jq '.[] | select(.fix)'")(
        doctor
    )


def doctor(
    config: Annotated[Path | None, typer.Option(help="Accounts and bots; default as the services take it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at clock, keys, hedge mode, Redis, services, disk and secrets; exit code 1 if something must be fixed."""
    findings = list(_findings(config))
    if as_json:
        print(json.dumps([one._asdict() for one in findings]))
    else:
        _print(findings)
    if any(one.verdict is Verdict.FAIL for one in findings):
        raise typer.Exit(EXIT_FAILS)


def _findings(path: Path | None) -> Iterator[Finding]:
    settings = load_settings()
    yield from machine.python(ROOT / "requirements" / "runtime.txt")
    folders = {"state": settings.state_dir, "runs": RUNS}
    if settings.ledger_path is not None:
        folders["the ledger"] = settings.ledger_path.parent
    yield from machine.disk(folders)
    yield from machine.secrets()
    chosen = path or settings.config
    config: SystemConfig | None = None
    try:
        config = load_config(chosen)
    except ConfigError as error:
        yield fail("config", str(error), "mend the file; hedgegrid check shows what a config means")
    if config is not None:
        yield ok("config", f"{chosen} is valid")
        yield from machine.settings(config, settings)
    money_url, market_url = redis_urls()
    try:
        yield from doctor_redis.money_server(facts_of(money_url))
        shared = market_url == money_url
        yield from doctor_redis.market_server(facts_of(market_url), shared)
        beats = beats_of(money_url)
    except redis.RedisError as error:
        fix = "start it, or set HEDGEGRID_REDIS_URL and HEDGEGRID_REDIS_PASSWORD_FILE"
        yield fail("redis", f"does not answer: {type(error).__name__}", fix)
        return
    if config is not None:
        yield from doctor_services.services(beats, config)
        yield from doctor_services.venue(beats, config, time.time_ns() // 1_000_000)


def facts_of(url: str) -> RedisFacts:
    """Ask a server about itself.

    Raises:
        redis.RedisError: it does not answer.
    """
    client = connect(url, NAME)
    try:
        info: Any = client.info()
        before_ms = time.time_ns() // 1_000_000
        seconds, micros = client.time()
        after_ms = time.time_ns() // 1_000_000
        try:
            told: Any = client.config_get("appendfsync")
        except redis.exceptions.NoPermissionError:
            told = {}
        offset_ms = int(seconds) * 1000 + int(micros) // 1000 - (before_ms + after_ms) // 2
        return RedisFacts(info, next((_text(value) for value in told.values()), None), offset_ms)
    finally:
        client.close()


def beats_of(url: str) -> Beats:
    """Every heartbeat that lives."""
    client = connect(url, NAME)
    try:
        found = []
        for raw_key in sorted(client.scan_iter(match=keys.heartbeat("*", "*"), count=1000)):
            raw: Any = client.get(raw_key)
            _, service, instance = raw_key.decode().split(":", 2)
            if raw:
                found.append((service, instance, json.loads(raw)))
        return found
    finally:
        client.close()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _print(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for one in findings:
        style = _STYLES[one.verdict]
        console.print(f"[{style}]{one.verdict:>4}[/]  {escape(one.subject)}: {escape(one.text)}")
        if one.fix:
            console.print(f"      [dim]fix: {escape(one.fix)}[/]")
    count = {verdict: sum(one.verdict is verdict for one in findings) for verdict in Verdict}
    console.print(
        f"{count[Verdict.OK]} ok, {count[Verdict.WARN]} warnings, {count[Verdict.FAIL]} failures, "
        f"{count[Verdict.UNKNOWN]} not known"
    )
