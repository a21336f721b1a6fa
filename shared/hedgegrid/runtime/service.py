"""The shell around a service's loop: settings, logging, health, heartbeat, signals, exit code."""

import faulthandler
import logging
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from queue import SimpleQueue
from types import FrameType
from typing import Protocol

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from hedgegrid.bus import keys
from hedgegrid.runtime import failpoints
from hedgegrid.runtime.clock import Clock, SystemClock
from hedgegrid.runtime.config import SystemConfig, fingerprint, load_config, require_live_permission
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.health import Health, HttpServer, serve_http
from hedgegrid.runtime.heartbeat import Heartbeat
from hedgegrid.runtime.logging import configure_logging
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.runtime.redaction import redact, register_url
from hedgegrid.runtime.scheduling import ask_for_real_time, ask_for_short_slices
from hedgegrid.runtime.settings import ServiceSettings, load_settings, misspelt_variables

SWITCH_INTERVAL_S = 0.0005
"""Threads of a service hand work to one another; Python's default of 5 ms would be the latency of an order."""
EXIT_OK, EXIT_CRASH, EXIT_CONFIG = 0, 1, 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """What a service is given. Its loop returns soon after `stopping` is set."""

    name: str
    settings: ServiceSettings
    config: SystemConfig
    clock: Clock
    health: Health
    metrics: Metrics
    stopping: threading.Event


class Service(Protocol):
    """A loop which runs in the main thread."""

    def run(self) -> None:
        """Work until `stopping` is set, then finish and return; any exception is a crash."""
        ...


def run_service(name: str, build: Callable[[ServiceContext], Service], *, prompt: bool = False) -> int:
    """Run a service in the main thread and return its exit code: `sys.exit(run_service(...))`.

    `prompt` is for those an order passes through.

    0 stopped by SIGTERM/SIGINT or finished; 1 crashed (logged once, with traceback); 2 wrong
    configuration (one line on stderr). In a failure, threads which would keep the process alive do
    not: it ends at once.
    """
    try:
        context = _prepare(name)
        if prompt:
            _be_prompt(context.settings)
        code = _run(context, build)
    except ConfigError as error:
        sys.stderr.write(redact(f"{name}: configuration error: {error}") + "\n")
        code = EXIT_CONFIG
    if code != EXIT_OK:
        _end_if_threads_linger(code)
    return code


def _be_prompt(settings: ServiceSettings) -> None:
    """Before the service starts a thread: threads inherit it."""
    ask_for_short_slices()
    if settings.realtime and not ask_for_real_time():
        _log.warning("real-time scheduling is not granted; it takes root, CAP_SYS_NICE or ulimit -r 1")


def _prepare(name: str) -> ServiceContext:
    faulthandler.enable()  # a crash below Python would else leave not a word
    settings = load_settings()
    register_url(settings.redis_url)
    register_url(settings.market_redis_url)
    register_url(settings.control_redis_url)
    config = load_config(settings.config)
    require_live_permission(config, settings)
    failpoints.check(os.environ, config.mode)
    configure_logging(name, settings.log_level)
    for warning in misspelt_variables():
        _log.warning(warning)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    metrics = Metrics(registry)
    metrics.build_info.labels(name, settings.instance_id, _version(), config.mode).set(1)
    return ServiceContext(
        name=name,
        settings=settings,
        config=config,
        clock=SystemClock(),
        health=Health(),
        metrics=metrics,
        stopping=threading.Event(),
    )


def _run(context: ServiceContext, build: Callable[[ServiceContext], Service]) -> int:
    settings, health = context.settings, context.health
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    signals = _stop_on_signals(context.stopping)
    health.set("started", False, "starting")
    http = serve_http(health, context.metrics.registry, settings.http_host, settings.http_port, settings.host_names)
    beat = _heartbeat(context, http)
    try:
        beat.start()
        service = build(context)
        health.set("started", True)
        _log.info(
            "started",
            extra={
                "instance": settings.instance_id,
                "port": http.port,
                "mode": context.config.mode,
            },
        )
        service.run()
        _log.info("stopped", extra={"signal": signals[0] if signals else None})
        return EXIT_OK
    except ConfigError:
        raise
    except Exception:  # logged here, before anything else can go wrong
        _log.critical("%s crashed", context.name, exc_info=True)
        return EXIT_CRASH
    finally:
        context.stopping.set()
        health.set("started", False, "stopped")
        beat.close()
        http.close()


def _heartbeat(context: ServiceContext, http: HttpServer) -> Heartbeat:
    started_ms = context.clock.now_ms()

    def report() -> dict[str, object]:
        return {
            "pid": os.getpid(),
            "http_port": http.port,
            "started_ms": started_ms,
            "ready": context.health.ready and not context.stopping.is_set(),
            "conditions": context.health.as_dict(),
            "notes": context.health.notes.copy(),
            "version": _version(),
            "python": platform.python_version(),
            "mode": context.config.mode,
            "config": fingerprint(context.config),
        }

    key = keys.heartbeat(context.name, context.settings.instance_id)
    return Heartbeat(context.settings.redis_url, key, report)


def _stop_on_signals(stopping: threading.Event) -> list[str]:
    """Return a list which takes the name of the first signal."""
    names: list[str] = []

    # Event.set takes a lock which the interrupted main thread may hold (in stopping.wait); put of a
    # SimpleQueue is safe within a handler, and a thread does the rest.
    received: SimpleQueue[int] = SimpleQueue()

    def note(number: int, frame: FrameType | None) -> None:
        received.put(number)

    def stop() -> None:
        # Further signals change nothing: a terminal's Ctrl-C and its supervisor both send one.
        names.append(signal.Signals(received.get()).name)
        stopping.set()

    threading.Thread(target=stop, name="signals", daemon=True).start()
    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    return names


def _end_if_threads_linger(code: int) -> None:
    """Python waits at exit for every non-daemon thread; a crashed service must be replaced now."""
    main = threading.main_thread()
    lingering = [t.name for t in threading.enumerate() if t is not main and not t.daemon]
    if lingering:
        _log.critical("ending at once, threads still run: %s", ", ".join(lingering))
        sys.stderr.flush()
        os._exit(code)


def _version() -> str:
    try:
        return version("hedgegrid")
    except PackageNotFoundError:
        return "dev"
