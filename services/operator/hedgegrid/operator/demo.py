"""`hedgegrid demo`: the whole system on this machine against the simulated exchange, from start to report."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import redis
from rich.console import Console

from hedgegrid.bus.connection import OUTAGE
from hedgegrid.operator.collect import Collector
from hedgegrid.operator.control_key import make_control_key
from hedgegrid.operator.demo_options import DemoOptions
from hedgegrid.operator.exchange_admin import ExchangeAdmin
from hedgegrid.operator.log_lines import readable
from hedgegrid.operator.loopback_http import HttpFailed
from hedgegrid.operator.project_files import new_run_folder
from hedgegrid.operator.redis_server import RedisUnavailableError
from hedgegrid.operator.redis_urls import external_urls
from hedgegrid.operator.report import AccountBooks, build_report, differences
from hedgegrid.operator.run_config import config_for_demo
from hedgegrid.operator.run_redis import RunRedis
from hedgegrid.operator.services import RunPlan
from hedgegrid.operator.stack import Interrupted, NotReady, Stack
from hedgegrid.operator.stop_signals import StopSignals
from hedgegrid.operator.stream_books import StreamBooks
from hedgegrid.operator.supervisor import EXIT_CONFIG, GaveUp
from hedgegrid.operator.table import Display, open_display
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import load_settings

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
CALM_TIMEOUT_S = 10.0
TAPE_END_TIMEOUT_S = 30.0
POLL_S = 0.1
LOOK_EVERY_S = 1.0


def run_demo(options: DemoOptions, console: Console) -> int:
    """Run to the end asked for and return the exit code.

    Raises:
        ConfigError: an argument, file or server is not usable; nothing is left running.
    """
    settings = load_settings()
    text, config = config_for_demo(options.config, options.symbols, options.tapes)
    folder = new_run_folder()
    config_path = folder / "config.toml"
    config_path.write_text(text, encoding="utf-8")
    make_control_key(folder)
    with StopSignals() as signals, open_display(console) as display:
        display.say(f"run folder: {folder}")
        server = RunRedis(folder / "redis", external_urls(os.environ), display.say, settings.realtime)
        plan = RunPlan(options=options, config=config, config_path=config_path, folder=folder)
        stack = Stack(plan, server, signals, display)
        signals.at_once = stack.kill
        try:
            stack.start()
            return _follow_and_report(stack, display)
        except Interrupted:
            return EXIT_INTERRUPTED
        except KeyboardInterrupt:
            display.say("ended at once")
            return EXIT_INTERRUPTED
        except GaveUp as error:
            if error.exit_code == EXIT_CONFIG and error.last_lines:
                # A service refuses its configuration, or the exchange a tape: its own words say it best.
                raise ConfigError(readable(error.last_lines[-1])) from error
            for line in error.last_lines:
                display.say(f"  {readable(line)}")
            display.say(f"gave up: {error}; logs: {folder}")
        except NotReady as error:
            display.say(f"not ready in time: {error}; logs: {folder}")
        except (HttpFailed, RedisUnavailableError, redis.RedisError) as error:
            display.say(f"gave up: {error}; logs: {folder}")
        finally:
            stack.stop()
        return EXIT_FAILED


def _follow_and_report(stack: Stack, display: Display) -> int:
    admin = ExchangeAdmin(stack.exchange.admin)
    books = StreamBooks(stack.client, stack.market, stack.plan.bots)
    admin.start()
    began = time.monotonic()
    tape_ended = _follow(stack, admin, books, display)
    wall_s = time.monotonic() - began
    if not tape_ended:
        admin.pause()
    display.say("collecting the report")
    collector = Collector(config=stack.plan.config, admin=admin, books=books)
    accounts = collector.collect(TAPE_END_TIMEOUT_S if tape_ended else CALM_TIMEOUT_S, stack.check)
    return _report(accounts, wall_s, stack.plan, display)


def _follow(stack: Stack, admin: ExchangeAdmin, books: StreamBooks, display: Display) -> bool:
    """Watch over the run until its end has come; tell whether that was the tape's."""
    options = stack.plan.options
    began = time.monotonic()
    next_look_s = 0.0
    tape_ended = False
    while not stack.signals.requested:
        stack.check()
        now = time.monotonic()
        if options.for_s is not None and now - began >= options.for_s:
            break
        if now >= next_look_s:
            next_look_s = now + LOOK_EVERY_S
            _take_in(books)
            stack.look()
            if not tape_ended and admin.status().tape_ended:
                tape_ended = True
                if options.until_tape_ends:
                    break
                display.say("the tape has ended; Ctrl-C ends the demo")
        time.sleep(POLL_S)
    return tape_ended


def _take_in(books: StreamBooks) -> None:
    try:
        books.catch_up()
    except OUTAGE:
        return  # it may be restarting; nothing is lost, the next look reads on


def _report(accounts: Sequence[AccountBooks], wall_s: float, plan: RunPlan, display: Display) -> int:
    report = json.dumps(build_report(accounts, wall_s), indent=2) + "\n"
    paths: list[Path] = [plan.folder / "report.json"]
    if plan.options.report is not None:
        paths.append(plan.options.report)
    for path in paths:
        path.write_text(report, encoding="utf-8")
    display.say(f"report: {paths[-1]}")
    found = differences(accounts)
    if found:
        display.say("DIFFERS: " + "; ".join(found))
        return EXIT_FAILED
    fills = sum(books.own.fills.total() for books in accounts)
    cycles = sum(books.own.cycles_closed.total() for books in accounts)
    display.say(
        f"ok: {fills} fills, {cycles} cycles closed in {wall_s:.1f} s; no order placed twice, no fill lost,"
        " every realised PnL equals the exchange's"
    )
    return EXIT_OK
