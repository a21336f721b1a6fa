"""The service as a whole: no thread of it may die unnoticed."""

import threading
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from hedgegrid.runtime.clock import SystemClock
from hedgegrid.runtime.config import AccountConfig, BotConfig, SystemConfig
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.runtime.service import ServiceContext
from hedgegrid.runtime.settings import ServiceSettings
from hedgegrid.ws_gateway.app import Gateway

NOBODY = "127.0.0.1:1"


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setenv("HEDGEGRID_MAIN_API_KEY", "key-12345")
    monkeypatch.setenv("HEDGEGRID_MAIN_API_SECRET", "secret-12345")
    account = AccountConfig(id="main", bots=(BotConfig(symbol="BTCUSDT", leverage=Decimal(10)),))
    context = ServiceContext(
        name="ws-gateway",
        settings=ServiceSettings(
            redis_url=f"redis://{NOBODY}/0",
            bybit_rest_url=f"http://{NOBODY}",
            bybit_ws_public_url=f"ws://{NOBODY}/v5/public/linear",
            bybit_ws_private_url=f"ws://{NOBODY}/v5/private",
        ),
        config=SystemConfig(accounts=(account,)),
        clock=SystemClock(),
        health=Health(),
        metrics=Metrics(CollectorRegistry()),
        stopping=threading.Event(),
    )
    return Gateway(context)


@pytest.mark.parametrize("which", ["private", "public"])
def test_a_gateway_whose_thread_died_ends(gateway: Gateway, which: str) -> None:
    """A feed's thread gone is a feed gone: the process ends and is started again."""
    feed = getattr(gateway, which)[0]
    feed.stop()
    with pytest.raises(RuntimeError, match=f"thread session-{which}.* died"):
        gateway.run()
    assert not any(other.thread.is_alive() for other in (*gateway.private, *gateway.public))
