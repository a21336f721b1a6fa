"""The executor as a service: one independent executor per account of the config."""

import logging
import signal
import threading
from types import FrameType

from hedgegrid.bybit.rest import RestClient, RestSettings
from hedgegrid.executor import after_write
from hedgegrid.executor.account import AccountExecutor
from hedgegrid.executor.heartbeat_page import PATH, HeartbeatPage
from hedgegrid.executor.process_identity import own_name
from hedgegrid.executor.rest_calls import RestCalls
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.runtime.config import AccountConfig, Mode, require_venue_urls
from hedgegrid.runtime.control_key import read_key
from hedgegrid.runtime.credentials import credentials
from hedgegrid.runtime.service import Service, ServiceContext
from hedgegrid.runtime.settings import load_settings

_log = logging.getLogger(__name__)


class ExecutorService:
    """One thread per account; a fault of the program in one ends the process, which is then started anew."""

    def __init__(self, context: ServiceContext, settings: ExecutorSettings) -> None:
        self._context = context
        self._settings = settings
        # Unique per process: two processes under one instance id must not take each other for themselves.
        owner = f"{settings.instance_id}:{own_name()}"
        self._accounts = [self._account(config, owner) for config in context.config.accounts]
        self._fault: BaseException | None = None
        if settings.heartbeat_key_file is not None:
            key = read_key(settings.heartbeat_key_file, "HEDGEGRID_HEARTBEAT_KEY_FILE")
            page = HeartbeatPage(key, context.clock, {one.id: one.is_serving for one in self._accounts})
            context.health.routes["GET", PATH] = page.answer

    def run(self) -> None:
        """Serve all accounts until the process is told to stop; SIGUSR1 throws their kill switches."""
        signal.signal(signal.SIGUSR1, self._on_signal)
        threads = [
            threading.Thread(target=self._serve, args=(account,), name=f"account-{number}", daemon=True)
            for number, account in enumerate(self._accounts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(timeout=0.5)
        if self._fault is not None:
            raise self._fault

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        for account in self._accounts:
            account.kill.switch.signal()

    def _serve(self, account: AccountExecutor) -> None:
        try:
            account.run()
        except BaseException as error:
            self._fault = error
            self._context.stopping.set()

    def _account(self, config: AccountConfig, owner: str) -> AccountExecutor:
        keys = credentials(config.id)
        calls = RestCalls(config.id, self._context.metrics)
        rest = RestClient(
            rest_settings(self._settings, self._context.config.mode),
            keys.api_key.get_secret_value(),
            keys.api_secret.get_secret_value(),
            calls.count,
        )
        return AccountExecutor(self._context, self._settings, config, owner, rest, calls)


def rest_settings(settings: ExecutorSettings, mode: Mode) -> RestSettings:
    """Where and how to call the venue; `paper` has no host but the one in HEDGEGRID_BYBIT_REST_URL."""
    return RestSettings(
        base_url=settings.bybit_rest_url,
        demo=mode == "demo",
        testnet=mode == "testnet",
        recv_window_ms=settings.recv_window_ms,
        connect_timeout_s=settings.rest_connect_timeout_ms / 1000,
        read_timeout_s=settings.rest_read_timeout_ms / 1000,
    )


def build(context: ServiceContext) -> Service:
    """Make the service.

    Raises:
        ConfigError: credentials are missing, or mode paper has no exchange to talk to.
    """
    require_venue_urls(context.config, context.settings)
    after_write.place()
    return ExecutorService(context, load_settings(ExecutorSettings))
