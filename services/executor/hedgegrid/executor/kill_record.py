"""The kill switch's dealings with Redis, in a thread of its own since Redis may hang: signed messages come in, the
latch and its news go out."""

import logging
import threading

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.publisher import publish
from hedgegrid.bus.reader import START, CheckpointReader, Entry, last_id
from hedgegrid.bus.signed_control import ControlReader, ControlRefused
from hedgegrid.domain.kill import KillLevel
from hedgegrid.executor.kill_switch import KillSwitch
from hedgegrid.messages.control import ClearKillSwitch, ThrowKillSwitch
from hedgegrid.messages.events import KillSwitchChanged
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.kill_latch import decode_latch, encode_latch

BLOCK_MS = 250
RETRY_S = 0.25
AWAY_AFTER_NS = 1_000_000_000
AGREE_EVERY_NS = 1_000_000_000

_log = logging.getLogger(__name__)


class KillRecord:
    """Whoever deletes the key or the file alone clears nothing: each is restored from the other."""

    def __init__(
        self, account: str, redis_url: str, clock: Clock, switch: KillSwitch, control_key: bytes | None
    ) -> None:
        self._account = account
        self._clock = clock
        self._switch = switch
        self._controls = ControlReader(control_key)
        self._client = connect(redis_url, f"kill-{account}")
        self._reader = CheckpointReader(self._client)
        self._heard_ns = clock.monotonic_ns() - AWAY_AFTER_NS
        self._announced: KillLevel | None = None
        self._agreed_ns = 0
        self.known = threading.Event()
        """Set once Redis has said whether the account is stopped; nothing may be sent before."""

    @property
    def redis_is_away(self) -> bool:
        return self._clock.monotonic_ns() - self._heard_ns > AWAY_AFTER_NS

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                if not self.known.is_set():
                    self._begin()
                self._turn()
            except redis.RedisError as error:
                _log.debug("the kill switch of %s waits for redis: %s", self._account, error)
                stopping.wait(RETRY_S)
        self._client.close()

    def _begin(self) -> None:
        """Read everything that was ever said: what counts is what comes after the last clear."""
        stream = keys.control(self._account)
        end = last_id(self._client, stream)
        self._reader.positions = {stream: START}
        thrown: list[tuple[Entry, ThrowKillSwitch]] = []
        cleared_at: str | None = None
        while entries := self._reader.read(block_ms=1):
            for entry in entries:
                wish = self._open(entry)
                if isinstance(wish, ThrowKillSwitch):
                    thrown.append((entry, wish))
                elif isinstance(wish, ClearKillSwitch):
                    cleared_at = entry.id
                    thrown.clear()
        if cleared_at is not None:
            self._switch.clear(cleared_at)
        for entry, wish in thrown:
            self._switch.throw(wish.level, "control", f"{wish.actor}: {wish.reason}", entry.id)
        self._switch.read_up_to(self._reader.positions.get(stream, end))
        self._agree()
        self.known.set()

    def _turn(self) -> None:
        entries = self._reader.read(block_ms=BLOCK_MS)
        self._heard_ns = self._clock.monotonic_ns()
        for entry in entries:
            wish = self._open(entry)
            if isinstance(wish, ThrowKillSwitch):
                self._switch.throw(wish.level, "control", f"{wish.actor}: {wish.reason}", entry.id)
            elif isinstance(wish, ClearKillSwitch):
                self._switch.clear(entry.id)
            self._switch.read_up_to(entry.id)
        if self._switch.level is not self._announced or self._heard_ns - self._agreed_ns >= AGREE_EVERY_NS:
            self._agree()
            self._agreed_ns = self._heard_ns

    def _open(self, entry: Entry) -> object | None:
        try:
            return self._controls.open(entry)
        except ControlRefused:
            return None  # the desk sets it aside and tells

    def _agree(self) -> None:
        """Make Redis and this process say the same; the stricter one is right."""
        key = keys.kill(self._account)
        raw: bytes | None = self._client.get(key)  # type: ignore[assignment]
        stored = decode_latch(raw) if raw is not None else None
        if stored is not None and not self._switch.adopt(stored):
            self._client.delete(key)
            stored = None
        latch = self._switch.latch
        if latch is not None and (stored is None or stored.level < latch.level):
            self._client.set(key, encode_latch(latch))
        level = None if latch is None else latch.level
        if level is not self._announced:
            source, reason = ("control", "cleared") if latch is None else (latch.source, latch.reason)
            event = KillSwitchChanged(level=level, source=source, reason=reason, ts_event=self._clock.now_ms())
            publish(self._client, [(keys.events(self._account), event)])
            self._announced = level
