"""What each process is started with; above all, who gets the keys."""

from decimal import Decimal
from pathlib import Path

import pytest

from hedgegrid.operator.children import ChildSpec
from hedgegrid.operator.demo_options import DemoOptions
from hedgegrid.operator.exchange_admin import parse_announcement
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.operator.run_config import config_for_demo
from hedgegrid.operator.services import Exchange, RunPlan, exchange_spec, heartbeat_service, service_specs

URLS = RedisUrls("redis://127.0.0.1:1/0", "redis://127.0.0.1:2/0")
SECRET = "s3cr3t-of-main"


def plan(**options: object) -> RunPlan:
    return RunPlan(
        options=DemoOptions(**options),  # type: ignore[arg-type]
        config=config_for_demo(None, (), ())[1],
        config_path=Path("/run/config.toml"),
        folder=Path("/run"),
    )


def exchange() -> Exchange:
    line = (
        '{"rest":"http://h:1","ws_public":"ws://h:1/p","ws_private":"ws://h:1/q","admin":"http://h:2/",'
        f'"accounts":[{{"id":"main","api_key":"k3y-of-main","api_secret":"{SECRET}"}}]}}\n'
    )
    announced = parse_announcement(line)
    assert announced is not None
    assert parse_announcement(line[:-1]) is None
    return announced


def specs(**options: object) -> dict[str, ChildSpec]:
    return {spec.name: spec for spec in service_specs(plan(**options), exchange(), URLS)}


def test_only_gateway_and_executor_get_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEGRID_LIVE_API_SECRET", "the user's own")
    monkeypatch.setenv("HEDGEGRID_LIVE_API_KEY_FILE", "/the/users/own")
    started = specs()
    holders = {name for name, spec in started.items() if SECRET in spec.environment.values()}
    assert holders == {"executor", "ws-gateway"}
    assert started["executor"].environment["HEDGEGRID_MAIN_API_KEY"] == "k3y-of-main"
    everyone = [*started.values(), exchange_spec(plan(), URLS)]
    assert not any("the user" in value or "/the/users" in value for s in everyone for value in s.environment.values())
    assert SECRET not in repr(started)


def test_everything_is_told_where_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEGRID_ALLOW_LIVE", "yes")
    monkeypatch.setenv("HEDGEGRID_MARKET_REDIS_URL", "redis://elsewhere")
    for name, spec in specs(port=8123).items():
        said = spec.environment
        assert (said["HEDGEGRID_REDIS_URL"], said["HEDGEGRID_CONFIG"]) == (URLS.money, "/run/config.toml")
        assert said["HEDGEGRID_MARKET_REDIS_URL"] == URLS.market
        assert said["HEDGEGRID_BYBIT_REST_URL"] == "http://h:1"
        assert said["HEDGEGRID_INSTANCE_ID"] == f"demo-{name}"
        assert said["HEDGEGRID_HTTP_PORT"] == ("8123" if name == "metrics" else "0")
        assert not {"HEDGEGRID_ALLOW_LIVE", "HEDGEGRID_PROGRESS"} & said.keys()


def test_the_order_of_start_and_the_number_of_workers() -> None:
    started = specs(workers=3)
    assert list(started) == ["executor", "ws-gateway", "strategy-1", "strategy-2", "strategy-3", "metrics"]
    assert started["strategy-3"].command[1:] == ("-m", "hedgegrid.strategy")
    assert [heartbeat_service(name) for name in ("strategy-12", "ws-gateway")] == ["strategy", "ws-gateway"]


def test_at_full_speed_the_exchange_waits_for_the_bots() -> None:
    command = " ".join(exchange_spec(plan(speed="max"), URLS).command)
    pace = f"--pace-redis {URLS.money} --pace-market-redis {URLS.market} --pace-bots main:BTCUSDT,main:ETHUSDT"
    assert pace in command
    assert "--order-rate 1000 --ip-rate 100000" in command
    told = specs(speed="max")["strategy-1"].environment
    assert (told["HEDGEGRID_PROGRESS"], told["HEDGEGRID_ORDER_RATE_PER_S"]) == ("1", "1000")


def test_the_synthetic_market_is_seeded() -> None:
    command = " ".join(exchange_spec(plan(seed=7, ticks_per_s=Decimal("50.0"), balance=Decimal("2E+4")), URLS).command)
    assert "--synthetic chop --seed 7 --symbols BTCUSDT,ETHUSDT --speed 1 --account main:20000" in command
    assert command.endswith("--ticks-per-s 50.0 --order-rate 10")


def test_tapes_replace_the_synthetic_market(tmp_path: Path) -> None:
    tapes = (tmp_path / "a", tmp_path / "b")
    for tape in tapes:
        tape.write_text("x")
    command = " ".join(exchange_spec(plan(tapes=tapes, speed="60"), URLS).command)
    assert f"--tape {tapes[0]} --tape {tapes[1]} --symbols" in command
    assert "--synthetic" not in command
    assert "--pace" not in command


def test_the_exchange_is_never_restarted_and_keeps_its_keys_out_of_the_log() -> None:
    spec = exchange_spec(plan(), URLS)
    assert not spec.restart
    assert spec.captures_stdout
