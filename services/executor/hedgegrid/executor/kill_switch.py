"""The kill switch of one account: thrown by anybody, read by every lane, taken away by a signed message only."""

import logging
import threading

import msgspec

from hedgegrid.bus.reader import START, id_key
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import OrderType, Purpose
from hedgegrid.executor.in_flight import only_reduces
from hedgegrid.messages.commands import AmendOrder, Command, SubmitOrder
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.kill_latch import KillLatch, LatchFile, decode_latch, encode_latch, read_dropped

_MAY_CLOSE = (Purpose.CLOSE, Purpose.REDUCE)

_log = logging.getLogger(__name__)


class KillSwitch:
    """`latch` is set before anything is written or asked, so that nothing more is sent from that moment on."""

    def __init__(self, account: str, file: LatchFile, clock: Clock, default_level: KillLevel) -> None:
        self._account = account
        self._file = file
        self._clock = clock
        self._default_level = default_level
        self._lock = threading.RLock()
        self._written: bytes | None = None
        self._empty_seen = False
        self._signalled = False
        self._position: str | None = None
        self._cleared_at = START
        self.latch: KillLatch | None = None
        self.changed = threading.Event()
        """Set at every change; for whoever acts on it."""

    @property
    def level(self) -> KillLevel | None:
        latch = self.latch
        return None if latch is None else latch.level

    def denial(self, command: Command) -> str | None:
        """Why the switch forbids a command; None when it does not."""
        latch = self.latch
        if latch is None or not forbids(latch.level, command):
            return None
        return f"the kill switch is at {latch.level.name} ({latch.source}: {latch.reason})"

    def throw(self, level: KillLevel, source: str, reason: str, control_at: str | None = None) -> None:
        """Stop, or stop harder. A level that is not above the present one only has the venue looked at once more."""
        with self._lock:
            if self.latch is not None and level <= self.latch.level:
                self._repeat(self.latch, control_at)
                return
            self._adopt(
                KillLatch(
                    level=level,
                    source=source,
                    reason=reason or "no reason given",
                    thrown_ms=self._clock.now_ms(),
                    control_at=control_at or self._position,
                )
            )

    def adopt(self, latch: KillLatch) -> bool:
        """Take over a latch found elsewhere; False when it was cleared since."""
        with self._lock:
            if self._is_cleared(latch):
                return False
            self._adopt(msgspec.structs.replace(latch, done=False))
            return True

    def clear(self, at: str) -> bool:
        """The signed word of control entry `at`. False when nothing was latched before it, or the file stays."""
        with self._lock:
            self._cleared_at = max(self._cleared_at, at, key=id_key)
            if self.latch is None or not self._is_cleared(self.latch):
                return False
            try:
                self._file.remove()
            except OSError as error:
                _log.error("account %s stays stopped: its kill file cannot be removed: %s", self._account, error)
                return False
            self.latch, self._written = None, None
            self.changed.set()
            _log.warning("account %s: the kill switch is cleared", self._account)
            return True

    def read_up_to(self, position: str) -> None:
        """The control stream was read to here: what was thrown by now is cleared only by what comes later."""
        with self._lock:
            self._position = position
            if self.latch is not None and self.latch.control_at is None:
                self.latch = msgspec.structs.replace(self.latch, control_at=position)

    def done(self, latch: KillLatch) -> None:
        """The venue holds nothing that this latch forbids."""
        with self._lock:
            if self.latch is latch:
                self.latch = msgspec.structs.replace(latch, done=True)

    def signal(self) -> None:
        """From a signal handler, which may take no lock: the watcher throws the switch at its next look."""
        self._signalled = True

    def look(self) -> None:
        """Compare with signal and file, throw the switch for what is new there, and restore a file that is gone.

        Raises:
            OSError: the file cannot be read or written; the switch holds in this process all the same.
        """
        with self._lock:
            if self._signalled:
                self._signalled = False
                self.throw(self._default_level, "signal", "SIGUSR1")
            raw = self._file.read()
            if raw is not None and raw != self._written:
                self._take_file(raw)
            if self.latch is not None and (raw is None or encode_latch(self.latch) != self._written):
                self._save(self.latch)

    def _repeat(self, latch: KillLatch, control_at: str | None) -> None:
        """A control entry is read again at each start: only a newer one is somebody's new wish."""
        known = latch.control_at
        if control_at is not None and known is not None and id_key(control_at) <= id_key(known):
            return
        self.latch = msgspec.structs.replace(latch, done=False, control_at=control_at or known)
        self.changed.set()

    def _take_file(self, raw: bytes) -> None:
        latch = decode_latch(raw)
        if latch is not None:
            if self._is_cleared(latch):
                self._file.remove()
            elif self.latch is None or latch.level >= self.latch.level:
                self.latch, self._written = latch, raw  # another process's words for the same, `done` included
                self._tell(latch)
            return
        if not raw.strip() and not self._empty_seen:
            self._empty_seen = True  # somebody may be about to write into it
            return
        self._empty_seen = False
        dropped = read_dropped(raw)
        self.throw(dropped.level or self._default_level, "file", dropped.reason)
        self._written = None  # what stands there is no latch

    def _adopt(self, latch: KillLatch) -> None:
        if self.latch is not None and latch.level <= self.latch.level:
            return
        self.latch = latch
        self._tell(latch)
        try:
            self._save(latch)
        except OSError as error:
            _log.error("account %s is stopped in this process only, for now: %s", self._account, error)

    def _tell(self, latch: KillLatch) -> None:
        self.changed.set()
        _log.critical(
            "account %s: KILL SWITCH at %s (%s: %s)", self._account, latch.level.name, latch.source, latch.reason
        )

    def _save(self, latch: KillLatch) -> None:
        raw = encode_latch(latch)
        self._file.write(raw)
        self._written = raw

    def _is_cleared(self, latch: KillLatch) -> bool:
        return latch.control_at is not None and id_key(self._cleared_at) > id_key(latch.control_at)


def forbids(level: KillLevel, command: Command) -> bool:
    """PAUSE forbids what adds exposure. Above it every order but a closing at market is forbidden, and every amend."""
    if level is KillLevel.PAUSE:
        return not only_reduces(command)
    if isinstance(command, AmendOrder):
        return True
    if not isinstance(command, SubmitOrder):
        return False
    parts = parse_client_order_id(command.client_order_id)
    closes = parts is not None and parts.purpose in _MAY_CLOSE
    return not (closes and command.reduce_only and command.order_type is OrderType.MARKET)
