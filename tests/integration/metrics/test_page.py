"""The live page in a real browser: what it shows, that it moves, and that it trusts nobody's text."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hedgegrid.bus import keys
from hedgegrid.bus.struct_fields import to_fields
from hedgegrid.domain.order import Leg
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import ledger as lg
from hedgegrid.runtime.health import HttpServer, serve_http
from hedgegrid.strategy.core.state import BotState
from tests.integration.metrics.browser import Page, browse
from tests.integration.metrics.running import Running, World, eventually
from tests.unit.metrics import sample
from tests.unit.metrics.sample import BTC, d
from tests.unit.strategy.situations import settled

EVIL = '<img src=x onerror="document.title=1"><b>bold</b>'
PHONE = (390, 844)
DESKTOP = (1440, 900)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browse(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    world = World(redis_url)
    yield world
    world.client.close()


@pytest.fixture
def metrics(world: World) -> Iterator[Running]:
    with world.running() as running:
        eventually(running.counting)
        yield running


@pytest.fixture
def server(metrics: Running) -> Iterator[HttpServer]:
    context = metrics.context
    server = serve_http(context.health, context.metrics.registry, "127.0.0.1", 0)
    yield server
    server.close()


def now_ms(metrics: Running) -> int:
    return metrics.context.clock.now_ms()


def tick(world: World, metrics: Running, price: str) -> None:
    at = now_ms(metrics)
    world.write(keys.market(BTC), sample.tick(last_px=d(price), mark_px=d(price), ts_event=at, ts_init=at))


def store(world: World, state: BotState) -> None:
    world.client.hset(keys.bot(world.account, BTC), mapping=to_fields(state))  # type: ignore[arg-type]


def trading(world: World, metrics: Running) -> None:
    """A bot in the middle of its cycles, with everything that the page has a place for."""
    at = now_ms(metrics)
    bot = settled(averaging_style="resting", resting_levels=2)
    store(world, bot.state)
    world.write(
        world.events,
        sample.wallet(equity=d("1234567.891"), ts_event=at, ts_init=at),
        sample.position(qty=d("0.016"), entry_px=d(60000), liq_px=d(48000), ts_event=at, ts_init=at),
        sample.position(leg=Leg.SHORT, qty=d("0.016"), entry_px=d(60000), ts_event=at, ts_init=at),
        sample.rejected(ts_event=at, reason=EVIL),
    )
    world.write(
        world.ledger,
        sample.fill(ts_event=at, px=d(60000), gross=d("4.9")),
        sample.cycle_closed(ts_event=at),
        lg.StateChanged(symbol=BTC, ts_event=at, state=TradingState.TP_ONLY, reason=EVIL, actor="ana"),
    )
    tick(world, metrics, "60000")


def opened(page: Page, server: HttpServer, size: tuple[int, int] = DESKTOP, **look: Any) -> None:
    page.look(*size, **look)
    page.errors.clear()
    page.requests.clear()
    page.open(f"http://127.0.0.1:{server.port}/")
    page.until("document.querySelectorAll('.picture .price').length", lambda count: count == 1)


def text(page: Page) -> str:
    return str(page.value("document.body.innerText"))


def keep(page: Page, name: str) -> None:
    """Pictures for people, where somebody wants them."""
    folder = os.environ.get("HEDGEGRID_TEST_PICTURES")
    if folder:
        page.picture(Path(folder) / f"{name}.png")


@pytest.mark.parametrize(
    ("name", "size", "look"),
    [("light", DESKTOP, {}), ("dark", DESKTOP, {"dark": True}), ("phone", PHONE, {"dark": True, "mobile": True})],
)
def test_account_bots_and_news_are_there_in_every_look(
    page: Page, world: World, metrics: Running, server: HttpServer, name: str, size: tuple[int, int], look: Any
) -> None:
    trading(world, metrics)
    opened(page, server, size, **look)
    page.until("document.querySelectorAll('.picture .rests').length", lambda lines: lines >= 2)
    page.until("document.querySelectorAll('#news tr').length", lambda rows: rows >= 4)
    for part in ("1,234,567.89", "+4.80", BTC, "ETHUSDT", "PAPER", "long avg", "L2", "rejected by the venue"):
        page.until(f"document.body.innerText.toLowerCase().includes({part.lower()!r})")
    figures = "[...document.querySelectorAll('.tile, .legs, .picture, .last')].map((one) => one.textContent).join(' ')"
    assert not re.search(r"\d[eE][+-]?\d|NaN|undefined|null", page.value(figures))
    assert page.value("document.documentElement.scrollWidth <= window.innerWidth"), "nothing beyond the edge"
    ground = page.value("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(13, 18, 23)") is bool(look.get("dark"))
    keep(page, name)


def test_it_moves_by_itself_and_asks_nobody_else(
    page: Page, world: World, metrics: Running, server: HttpServer
) -> None:
    trading(world, metrics)
    opened(page, server)
    page.until("document.querySelector('.bot .last').textContent", lambda price: "60,000" in price)
    way = page.value("document.querySelector('.picture .price').getAttribute('d')")
    tick(world, metrics, "60123.4")
    page.until("document.querySelector('.bot .last').textContent", lambda price: "60,123.4" in price)
    page.until("document.querySelector('.picture .price').getAttribute('d')", lambda now: now != way)
    assert page.errors == []
    assert all(url.startswith(f"http://127.0.0.1:{server.port}/") for url in page.requests), page.requests


def test_text_from_a_stream_is_never_markup(page: Page, world: World, metrics: Running, server: HttpServer) -> None:
    trading(world, metrics)
    opened(page, server)
    page.until("document.body.innerText", lambda shown: EVIL in shown)
    assert page.value("document.querySelectorAll('main img, main b:not(.need b)').length") == 0
    assert page.value("document.title") != "1"
    assert page.errors == []


def test_its_policy_forbids_inline_script_and_other_hosts(
    page: Page, world: World, metrics: Running, server: HttpServer
) -> None:
    trading(world, metrics)
    opened(page, server)
    page.value(
        "{ const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); 0 }"
    )
    assert page.value("window.ran") is None
    assert page.value("fetch('http://localhost:1/').then(() => 'sent', (e) => e.name)") == "TypeError"
    assert any("Content Security Policy" in error for error in page.errors)


def test_why_a_bot_stands_still_is_said_on_its_card(
    page: Page, world: World, metrics: Running, server: HttpServer
) -> None:
    trading(world, metrics)
    store(world, replace(settled().state, trading_state=TradingState.HALTED, why="position not explained"))
    opened(page, server)
    page.until("document.querySelector('.bot .why').textContent", lambda why: "position not explained" in why)
    assert page.value("document.querySelector('.bot').className") == "bot is-bad"
    page.until("document.title", lambda title: title.startswith("(4) "))  # and three services do not run


def test_a_chosen_theme_is_kept(page: Page, world: World, metrics: Running, server: HttpServer) -> None:
    trading(world, metrics)
    opened(page, server)
    page.value("document.getElementById('theme').click()")
    page.until("getComputedStyle(document.body).backgroundColor", lambda ground: ground == "rgb(13, 18, 23)")
    opened(page, server)
    assert page.value("document.documentElement.dataset.theme") == "dark"
    page.value("localStorage.clear()")


def test_without_a_token_in_place_nothing_can_be_asked_for(
    page: Page, world: World, metrics: Running, server: HttpServer
) -> None:
    trading(world, metrics)
    opened(page, server)
    assert page.value("document.getElementById('unlock').hidden") is True
    assert page.value("document.querySelectorAll('.controls *').length") == 0
    assert page.value("fetch('/api/control', {method: 'POST', body: '{}'}).then((answer) => answer.status)") == 404
    assert world.client.xlen(keys.control(world.account)) == 0


def test_with_the_token_a_bot_is_stopped_at_the_second_press(page: Page, world: World, tmp_path: Path) -> None:
    world.control_token_file = tmp_path / "token"
    world.control_token_file.write_text("t" * 40)
    with world.running() as metrics:
        eventually(metrics.counting)
        trading(world, metrics)
        server = serve_http(metrics.context.health, metrics.context.metrics.registry, "127.0.0.1", 0)
        try:
            opened(page, server)
            page.until("document.getElementById('unlock').hidden", lambda hidden: hidden is False)
            unlock(page, "w" * 40)
            page.until("document.querySelector('#token span').textContent", lambda said: said == "wrong token")
            unlock(page, "t" * 40)
            page.until("document.querySelectorAll('.bot .controls button').length", lambda count: count == 2)
            page.value("document.querySelector('.bot .controls select').value = 'HALTED'")
            page.value("document.querySelector('.bot .controls button').click()")
            assert "to HALTED?" in page.value("document.querySelector('.bot .controls button').textContent")
            keep(page, "control")
            assert world.client.xlen(keys.control(world.account)) == 0
            page.value("document.querySelector('.bot .controls button').click()")
            page.until("document.querySelector('.bot .controls span').textContent", lambda said: "asked" in said)
            assert world.client.xlen(keys.control(world.account)) == 1
            assert "t" * 40 not in page.value("JSON.stringify({...localStorage, ...sessionStorage})")
        finally:
            server.close()


def unlock(page: Page, token: str) -> None:
    page.value(f"document.querySelector('#token input').value = '{token}'")
    page.value("document.querySelector('#token').requestSubmit()")


def test_a_page_whose_service_is_gone_says_so_and_comes_back(
    page: Page, world: World, metrics: Running, server: HttpServer
) -> None:
    trading(world, metrics)
    opened(page, server)
    port = server.port
    server.close()
    metrics.stop()
    page.until("document.getElementById('link').className", lambda name: name == "link off")
    assert "not up to date" in text(page)
    with world.running() as again:
        eventually(again.counting)
        successor = serve_http(again.context.health, again.context.metrics.registry, "127.0.0.1", port)
        try:
            tick(world, again, "61000")
            page.until("document.querySelector('.bot .last').textContent", lambda price: "61,000" in price)
            page.until("document.getElementById('link').className", lambda name: name == "link on")
        finally:
            successor.close()
