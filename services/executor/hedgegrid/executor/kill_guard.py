"""The kill switch of one account at work: three threads, of which only one ever waits for Redis."""

import logging
import threading

from hedgegrid.bybit.rest import RestClient
from hedgegrid.domain.kill import KillLevel
from hedgegrid.executor.kill_enforcer import KillEnforcer
from hedgegrid.executor.kill_record import KillRecord
from hedgegrid.executor.kill_switch import KillSwitch
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.runtime.config import AccountConfig
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.kill_latch import FOLDER, LatchFile
from hedgegrid.runtime.service import ServiceContext

LOOK_EVERY_S = 0.05
KNOWN_POLL_S = 0.1

_log = logging.getLogger(__name__)


class KillGuard:
    """Works in every executor process, in office or not: with Redis away nobody knows who is."""

    def __init__(
        self,
        context: ServiceContext,
        settings: ExecutorSettings,
        config: AccountConfig,
        rest: RestClient,
        door: VenueDoor,
        control_key: bytes | None,
    ) -> None:
        """Raises ConfigError if the folder of the latch cannot be used."""
        self._account = config.id
        self._stopping = threading.Event()
        file = LatchFile(settings.state_dir / FOLDER, config.id)
        self.switch = KillSwitch(config.id, file, context.clock, KillLevel[settings.kill_signal_level])
        self._record = KillRecord(config.id, settings.redis_url, context.clock, self.switch, control_key)
        self._enforcer = KillEnforcer(
            config, settings, context.clock, rest, door, self.switch, self._record, context.metrics
        )
        try:
            file.make_folder()
            self.switch.look()
        except OSError as error:
            raise ConfigError(
                f"HEDGEGRID_STATE_DIR={str(settings.state_dir)!r} cannot be used: {error.strerror}; the kill switch"
                " of the executor must be able to write there"
            ) from error

    def start(self) -> None:
        for name, work in (("watch", self._watch), ("redis", self._record.run), ("act", self._enforcer.run)):
            threading.Thread(
                target=work, args=(self._stopping,), name=f"kill-{name}-{self._account}", daemon=True
            ).start()

    def close(self) -> None:
        self._stopping.set()
        self.switch.changed.set()

    def wait_until_known(self, stopping: threading.Event) -> bool:
        """Until Redis has said whether the account is stopped; False when we are to end before."""
        while not self._record.known.wait(KNOWN_POLL_S):
            if stopping.is_set():
                return False
        return True

    def _watch(self, stopping: threading.Event) -> None:
        failing = False
        while not stopping.wait(LOOK_EVERY_S):
            try:
                self.switch.look()
                failing = False
            except OSError as error:
                if not failing:
                    _log.error("the kill file of %s cannot be used: %s", self._account, error)
                failing = True
