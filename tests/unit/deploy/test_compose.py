"""The compose file keeps its promises: nothing runs as root, nothing is writable, nothing gets out that need not."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hedgegrid.runtime.credentials import KEYS_FOLDER
from hedgegrid.runtime.settings import ServiceSettings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {"ws-gateway", "strategy", "executor", "metrics", "exchange-sim", "operator", "credentials"}
ONE_SHOT = {"operator", "credentials", "alert-routes"}
TRADERS = {"ws-gateway", "executor"}
ENV_FILE = (ROOT / ".env.example").read_text()

everyone = pytest.mark.parametrize("name", sorted(SERVICES))


def volumes(name: str) -> dict[str, str]:
    """Mounted source by target."""
    found = {}
    for volume in SERVICES[name].get("volumes", ()):
        if isinstance(volume, str):
            source, target = re.sub(r"\$\{[^}]+\}", lambda match: match[0].replace(":", ";"), volume).split(":")[:2]
        else:
            source, target = volume["source"], volume["target"]
        found[target] = source
    return found


def test_every_part_is_there() -> None:
    others = {"redis", "redis-market", "prometheus", "alert-routes", "alertmanager", "grafana"}
    assert set(SERVICES) == OURS | others
    assert {name for name, one in SERVICES.items() if one.get("profiles")} == {"exchange-sim", "operator"}
    assert SERVICES["exchange-sim"]["profiles"] == ["paper"]
    assert re.search(r"^COMPOSE_PROFILES=paper$", ENV_FILE, re.MULTILINE)


@everyone
def test_it_is_hardened(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["init"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "cap_add" not in one
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in one
    assert any(mount.startswith("/tmp:") for mount in one["tmpfs"])
    assert one["logging"]["options"].keys() == {"max-size", "max-file"}
    assert one["stop_grace_period"]
    assert one["ulimits"] == {"core": 0}
    assert one["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")


@everyone
def test_it_does_not_run_as_root(name: str) -> None:
    """Our image names its user itself."""
    if name in OURS:
        assert "user" not in SERVICES[name]
        assert re.search(r"^USER 10001:10001$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    else:
        assert int(SERVICES[name]["user"].split(":")[0]) > 0


@everyone
def test_it_is_limited(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}


@everyone
def test_its_health_means_something(name: str) -> None:
    if name in ONE_SHOT:
        return
    check = SERVICES[name]["healthcheck"]
    assert check["start_period"]
    words = " ".join(check["test"])
    if name in OURS - {"exchange-sim"}:
        assert words == "CMD healthy http://127.0.0.1:9100/readyz"
    assert words.startswith("CMD")


@everyone
def test_ports_are_for_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")
    if SERVICES[name].get("ports"):
        outward = set(SERVICES[name]["networks"]) - {"core"}
        assert outward <= {"page", "notify"}


def test_only_gateway_and_executor_reach_the_venue() -> None:
    networks = COMPOSE["networks"]
    assert networks["core"] == {"internal": True}
    assert networks["page"]["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    on_venue = {name for name, one in SERVICES.items() if "venue" in one.get("networks", ())}
    assert on_venue == TRADERS | {"exchange-sim"}
    assert {name for name, one in SERVICES.items() if "notify" in one.get("networks", ())} == {"alertmanager"}
    assert {name for name, one in SERVICES.items() if one.get("network_mode") == "none"} == ONE_SHOT - {"operator"}
    assert all("network_mode" not in one for name, one in SERVICES.items() if name not in ONE_SHOT)


def test_only_gateway_and_executor_hold_venue_keys() -> None:
    for name, one in SERVICES.items():
        environment = one.get("environment", {})
        has_keys = any("VENUE_KEYS" in key or "BYBIT" in key for key in environment)
        mounts_keys = any("VENUE_KEYS" in source or "paper-keys" in source for source in volumes(name).values())
        assert has_keys is (name in TRADERS)
        assert mounts_keys is (name in TRADERS | {"credentials"})


@pytest.mark.parametrize("name", sorted(OURS - {"exchange-sim", "credentials"}))
def test_a_service_has_its_own_redis_user_and_sees_no_other_password(name: str) -> None:
    environment = SERVICES[name]["environment"]
    for variable, host in (("HEDGEGRID_REDIS_URL", "redis"), ("HEDGEGRID_MARKET_REDIS_URL", "redis-market")):
        assert environment[variable] == f"redis://{name}@{host}:6379/0"
    assert environment["HEDGEGRID_REDIS_PASSWORD_FILE"] == "/run/redis/password"
    auth = {target: source for target, source in volumes(name).items() if source.startswith("auth-")}
    assert auth == {"/run/redis": f"auth-{name}"}
    assert f"user {name} on resetpass" in (ROOT / "deploy/redis/users.acl").read_text()


@everyone
def test_every_setting_it_is_given_exists(name: str) -> None:
    known = {f"HEDGEGRID_{field.upper()}" for field in ServiceSettings.model_fields}
    given = {key for key in SERVICES[name].get("environment", {}) if key.startswith("HEDGEGRID_")}
    assert given - known - {KEYS_FOLDER} == set()


@everyone
def test_what_it_mounts_exists(name: str) -> None:
    for source in volumes(name).values():
        default = re.sub(r"\$\{\w+;-([^}]+)\}", r"\1", source)
        if default.startswith("./"):
            assert (ROOT / default).exists(), default
        else:
            assert default in COMPOSE["volumes"]


def test_the_money_server_keeps_its_file_and_both_load_the_users() -> None:
    assert volumes("redis")["/data"] == "redis-data"
    for name, conf in (("redis", "money.conf"), ("redis-market", "market.conf")):
        assert volumes(name)["/usr/local/etc/redis.conf"] == f"./deploy/redis/{conf}"
        command = SERVICES[name]["command"]
        assert command[:2] == ["redis-server", "/usr/local/etc/redis.conf"]
        assert command[command.index("--aclfile") + 1] == "/auth/users.acl"
        assert "--maxmemory" in command
    assert "appendfsync always" in (ROOT / "deploy/redis/money.conf").read_text()


def test_what_must_outlive_a_container_is_in_a_volume() -> None:
    assert volumes("executor")[SERVICES["executor"]["environment"]["HEDGEGRID_STATE_DIR"]] == "executor-state"
    [kept] = (Path(word[8:]) for word in SERVICES["exchange-sim"]["command"] if word.startswith("--state="))
    assert volumes("exchange-sim")[str(kept.parent)] == "exchange-state"
    assert volumes("metrics")[str(Path(SERVICES["metrics"]["environment"]["HEDGEGRID_LEDGER_PATH"]).parent)] == "ledger"


def test_strategy_workers_scale() -> None:
    assert SERVICES["strategy"]["deploy"]["replicas"] == "${STRATEGY_REPLICAS:-2}"
    assert "container_name" not in SERVICES["strategy"]
    assert "ports" not in SERVICES["strategy"]


def test_every_variable_is_explained_in_the_example() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^#? ?(\w+)=", ENV_FILE, re.MULTILINE))
    assert used <= offered
    assert offered - used <= {"COMPOSE_PROFILES"}


def test_images_are_pinned_and_the_dockerfile_needs_no_frontend() -> None:
    for name, one in SERVICES.items():
        if name not in OURS | ONE_SHOT:
            assert re.fullmatch(r"[a-z/]+:v?\d[\w.-]+", one["image"]), name
    text = (ROOT / "Dockerfile").read_text()
    assert "# syntax=" not in text
    assert "<<" not in text
    assert "ARG SERVICE" in text
    assert "--require-hashes" in text


def test_nothing_private_reaches_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert "*" in lines
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert not any(word in path for path in allowed for word in (".env", "config", "secret", ".run", ".git"))
