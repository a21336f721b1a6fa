"""The loop: ask, count, and when it fires cancel until the venue is proven empty."""

import logging
import signal
import sys
import threading
import time
from types import FrameType

from prometheus_client import CollectorRegistry

from hedgegrid.bybit.emptying import emptied
from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.rest import RestClient, RestSettings
from hedgegrid.deadman.alarm import Alarm
from hedgegrid.deadman.asking import Asker
from hedgegrid.deadman.settings import DeadmanSettings
from hedgegrid.deadman.watch import State, Watch
from hedgegrid.runtime.control_key import read_key
from hedgegrid.runtime.credentials import credentials
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.health import Health, serve_http
from hedgegrid.runtime.logging import configure_logging
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.runtime.redaction import redact
from hedgegrid.runtime.settings import load_settings

EXIT_OK, EXIT_CONFIG = 0, 2
KEY_VARIABLE = "HEDGEGRID_HEARTBEAT_KEY_FILE"
EMPTY_LOOKS = 2
"""In a row, the venue's lists being written a little late."""
BETWEEN_ROUNDS_S = 0.5
AFTER_EMPTY_S = 10.0
"""Until everything is looked at again, for as long as the silence lasts."""

_log = logging.getLogger(__name__)


class Deadman:
    """`run` until `stopping`; `rearm` may be called from a signal handler."""

    def __init__(
        self, settings: DeadmanSettings, asker: Asker, rest: RestClient, metrics: Metrics, health: Health
    ) -> None:
        self._settings = settings
        self._account = settings.deadman_account
        self._asker = asker
        self._rest = rest
        self._metrics = metrics
        self._health = health
        self._alarm = Alarm(self._account, settings.deadman_webhook_url)
        self.watch = Watch(settings.deadman_arm_after, settings.misses_allowed)
        self._shown: State | None = None
        self._wants_rearming = False
        self._empty_looks = 0
        self._looked_s = 0.0
        self._told_failure = False
        self._told_back = False

    def rearm(self) -> None:
        self._wants_rearming = True

    def run(self, stopping: threading.Event) -> None:
        self._show()
        while not stopping.is_set():
            if self._wants_rearming:
                self._wants_rearming = False
                self.watch.rearm()
            problem = self._asker.ask()
            before = self.watch.state
            if problem is None:
                self.watch.answered()
            else:
                self.watch.missed()
                if self.watch.misses == 1 and before is not State.WAITING:
                    _log.warning("no sign of life: %s", problem)
            self._tell(before, problem)
            stopping.wait(self._act())

    def _act(self) -> float:
        """Cancel while fired and nobody is heard; returns the seconds until the next question."""
        ask_again_s = self._settings.deadman_ask_every_ms / 1000
        if self.watch.state is not State.FIRED or self.watch.hears:
            self._empty_looks = 0
            return ask_again_s
        if self._empty_looks >= EMPTY_LOOKS and time.monotonic() - self._looked_s < AFTER_EMPTY_S:
            return ask_again_s
        self._look()
        return ask_again_s if self._empty_looks >= EMPTY_LOOKS else min(ask_again_s, BETWEEN_ROUNDS_S)

    def _look(self) -> None:
        self._looked_s = time.monotonic()
        try:
            self._empty_looks = self._empty_looks + 1 if emptied(self._rest) else 0
        except (VenueError, NotSent) as error:
            self._empty_looks = 0
            if not self._told_failure:
                self._alarm.sound(f"orders could not be cancelled, trying on: {error}")
            self._told_failure = True
            return
        self._told_failure = False
        if self._empty_looks == EMPTY_LOOKS:
            self._alarm.sound("every order is cancelled; nothing rests at the venue. Positions are left as they are")

    def _tell(self, before: State, problem: str | None) -> None:
        state = self.watch.state
        if state is State.FIRED and before is not State.FIRED:
            silence_s = self._settings.deadman_silence_s
            self._alarm.sound(f"FIRED, cancelling all orders: no sign of life for {silence_s} s ({problem})")
        elif state is State.FIRED and problem is None and self.watch.hears and not self._told_back:
            self._told_back = True
            self._alarm.sound("signs of life are back; it stays fired and guards nothing until it is armed again")
        if problem is not None:
            self._told_back = False
        self._show()

    def _show(self) -> None:
        state = self.watch.state
        for one in State:
            self._metrics.deadman_state.labels(self._account, one.value).set(int(one is state))
        if state is not self._shown:
            self._shown = state
            _log.warning("dead man's switch of account %s: %s", self._account, state.value)
            armed = state is State.ARMED
            self._health.set("armed", armed, "" if armed else f"it is {state.value}")


def main() -> int:
    """Run until SIGTERM or SIGINT; SIGHUP arms it again."""
    try:
        deadman, stopping = _build()
    except ConfigError as error:
        sys.stderr.write(redact(f"deadman: configuration error: {error}") + "\n")
        return EXIT_CONFIG
    deadman.run(stopping)
    return EXIT_OK


def _build() -> tuple[Deadman, threading.Event]:
    settings = load_settings(DeadmanSettings)
    configure_logging("deadman", settings.log_level)
    if settings.heartbeat_key_file is None:
        raise ConfigError(f"{KEY_VARIABLE} is not set: name the file that the executor's heartbeat is signed with")
    key = read_key(settings.heartbeat_key_file, KEY_VARIABLE)
    rest = _client(settings)
    asker = Asker(settings.urls, settings.deadman_account, key, settings.deadman_ask_every_ms / 1000)
    health, metrics, stopping = Health(), Metrics(CollectorRegistry()), threading.Event()
    deadman = Deadman(settings, asker, rest, metrics, health)

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    def rearm(number: int, frame: FrameType | None) -> None:
        deadman.rearm()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, rearm)
    serve_http(health, metrics.registry, settings.http_host, settings.http_port, settings.host_names)
    return deadman, stopping


def _client(settings: DeadmanSettings) -> RestClient:
    """A client whose key was shown to work: a switch that cannot cancel is worse than none."""
    if settings.deadman_mode == "paper" and settings.bybit_rest_url is None:
        raise ConfigError(
            "HEDGEGRID_DEADMAN_MODE=paper needs HEDGEGRID_BYBIT_REST_URL, where the simulated exchange is"
        )
    keys = credentials(settings.deadman_account)
    rest = RestClient(
        RestSettings(
            base_url=settings.bybit_rest_url,
            demo=settings.deadman_mode == "demo",
            testnet=settings.deadman_mode == "testnet",
            recv_window_ms=settings.recv_window_ms,
        ),
        keys.api_key.get_secret_value(),
        keys.api_secret.get_secret_value(),
        lambda call: None,
    )
    try:
        rest.sync_clock()
        rest.all_open_orders()
    except (VenueError, NotSent) as error:
        raise ConfigError(
            f"the venue does not take the key of account {settings.deadman_account!r}: {error}"
        ) from error
    return rest
