"""`hedgegrid doctor`: each finding follows from what was seen, and says what to do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.executor.venue_notes import key_notes
from hedgegrid.operator import doctor_machine as machine
from hedgegrid.operator.doctor_redis import RedisFacts, market_server, money_server
from hedgegrid.operator.doctor_services import NEEDED, key_findings, services, venue
from hedgegrid.operator.finding import Finding, Verdict
from hedgegrid.runtime.config import fingerprint, parse_config
from hedgegrid.runtime.settings import ServiceSettings

NOW_MS = 1_760_000_000_000
DAY_MS = 24 * 3600 * 1000
BOT = '[[accounts]]\nid = "main"\n[[accounts.bots]]\nsymbol = "BTCUSDT"\nleverage = 5\n'
CONFIG = parse_config(BOT)
SOUND = {
    "redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": 1, "aof_last_write_status": "ok",
    "used_memory": 10, "maxmemory": 100,
}  # fmt: skip
KEY = {
    "readOnly": 0, "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": []}, "ips": ["1.2.3.4"],
    "expiredAt": "1970-01-01T00:00:00Z", "uta": 1, "apiKey": "never-shown",
}  # fmt: skip


def bad(findings: Any) -> list[tuple[str, str]]:
    """Verdict and text of what is not ok; each must say what to do."""
    found: list[Finding] = [one for one in findings if one.verdict is not Verdict.OK]
    assert all(one.fix for one in found)
    return [(one.verdict.value, one.text) for one in found]


def test_a_sound_money_server() -> None:
    assert bad(money_server(RedisFacts(SOUND, "always", 3))) == []


@pytest.mark.parametrize(
    ("change", "fsync", "verdict", "words"),
    [
        ({"redis_version": "6.2.1"}, "always", "FAIL", "version 6.2.1"),
        ({"redis_version": ""}, "always", "FAIL", "version unknown"),
        ({"maxmemory_policy": "allkeys-lru"}, "always", "FAIL", "may drop orders"),
        ({"aof_enabled": 0}, "always", "FAIL", "appendonly is off"),
        ({"aof_last_write_status": "err"}, "always", "FAIL", "append-only file failed"),
        ({"used_memory": 90}, "always", "warn", "refuses every write"),
        ({}, "everysec", "warn", "appendfsync is everysec"),
        ({}, None, "?", "cannot be asked"),
    ],
)
def test_what_is_wrong_with_a_money_server(
    change: Mapping[str, Any], fsync: str | None, verdict: str, words: str
) -> None:
    [(found, text)] = bad(money_server(RedisFacts({**SOUND, **change}, fsync, 0)))
    assert found == verdict
    assert words in text


def test_a_server_whose_clock_is_off_and_a_market_server_of_its_own() -> None:
    [(verdict, text)] = bad(money_server(RedisFacts(SOUND, "always", -900)))
    assert (verdict, "-900 ms" in text) == ("warn", True)
    evicting = {**SOUND, "maxmemory_policy": "allkeys-lru", "aof_enabled": 0}
    assert bad(market_server(RedisFacts(evicting, None, 0), shared=False)) == [], "ticks may be lost"


def beat(service: str, **said: Any) -> tuple[str, str, Mapping[str, Any]]:
    sound = {"ready": True, "version": "0.1.0", "mode": "paper", "config": fingerprint(CONFIG), "conditions": {}}
    return service, f"{service}-1", {**sound, **said}


def test_services_that_are_all_there_and_alike() -> None:
    assert bad(services([beat(name) for name in NEEDED], CONFIG)) == []


@pytest.mark.parametrize(
    ("said", "verdict", "words"),
    [
        ({"ready": False, "conditions": {"door": {"ok": False, "reason": "shut"}}}, "FAIL", "door: shut"),
        ({"mode": "live"}, "FAIL", "runs in mode live, this config says paper"),
        ({"config": "0" * 12}, "warn", "runs by another config"),
        ({"version": "0.0.9"}, "warn", "several releases run: 0.0.9, 0.1.0"),
    ],
)
def test_a_service_that_is_not_as_it_should_be(said: dict[str, Any], verdict: str, words: str) -> None:
    beats = [beat(name) for name in NEEDED if name != "executor"]
    assert bad(services(beats, CONFIG)) == [("FAIL", "no process of it is running")]
    [(found, text)] = bad(services([*beats, beat("executor", **said)], CONFIG))
    assert (found, words in text) == (verdict, True)


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        ("code 10003, API key is invalid", "live, demo and testnet have keys of their own"),
        ("code 10010, Unmatched IP", "bound to other IP addresses"),
        ("hedge mode of BTCUSDT could not be set: code 110024", "positions and orders by hand"),
    ],
)
def test_a_refusal_of_the_venue_is_answered_with_what_to_do(reason: str, fix: str) -> None:
    said = beat("executor", ready=False, conditions={"bot:main:BTCUSDT": {"ok": False, "reason": reason}})
    findings = services([*(beat(name) for name in NEEDED if name != "executor"), said], CONFIG)
    [one] = [one for one in findings if one.verdict is Verdict.FAIL]
    assert fix in one.fix


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({}, None, ""),
        ({"readOnly": 1}, "FAIL", "read-only"),
        ({"permissions": {"ContractTrade": ["Order"]}}, "FAIL", "lacks Contract rights: Position"),
        ({"permissions": KEY["permissions"] | {"Wallet": ["Withdraw"]}}, "FAIL", "may withdraw"),  # type: ignore[operator]
        ({"permissions": KEY["permissions"] | {"Wallet": ["AccountTransfer"]}}, "warn", "may move money"),  # type: ignore[operator]
        ({"ips": ["*"]}, "warn", "from any IP"),
        ({"uta": 0}, "FAIL", "no unified"),
    ],
)
def test_rights_of_a_key(change: dict[str, Any], verdict: str | None, words: str) -> None:
    notes = key_notes({**KEY, **change})
    assert "never-shown" not in str(notes)
    assert "1.2.3.4" not in str(notes)
    found = bad(key_findings("account main", notes, NOW_MS))
    assert [one for one, _ in found] == ([verdict] if verdict else [])
    assert all(words in text for _, text in found)


@pytest.mark.parametrize(("days", "verdict"), [(100, None), (20, "warn"), (2, "FAIL"), (-1, "FAIL")])
def test_the_end_of_a_key(days: int, verdict: str | None) -> None:
    notes = key_notes({**KEY, "ips": ["*"]}) | {"expires_ms": NOW_MS + days * DAY_MS}
    found = [one for one, text in bad(key_findings("account main", notes, NOW_MS)) if "any IP" not in text]
    assert found == ([verdict] if verdict else [])


def test_an_odd_answer_about_a_key_is_no_crash() -> None:
    notes = key_notes({"permissions": None, "ips": "x", "expiredAt": "soon"})
    assert [one for one, _ in bad(key_findings("account main", notes, NOW_MS))] == ["FAIL", "FAIL", "warn"]


def test_what_the_executor_told_of_clock_and_key() -> None:
    assert [one for one, _ in bad(venue([], CONFIG, NOW_MS))] == ["?"]
    told = {"venue:main": {"clock_offset_ms": 700, "key_problem": "code 10003, API key is invalid"}}
    found = bad(venue([beat("executor", notes=told)], CONFIG, NOW_MS))
    assert [one for one, _ in found] == ["warn", "?"]


def test_secrets_that_others_may_read(tmp_path: Path) -> None:
    safe, open_ = tmp_path / "safe", tmp_path / "open"
    safe.write_text("x")
    safe.chmod(0o600)
    open_.write_text("x")
    open_.chmod(0o644)
    environ = {
        "HEDGEGRID_A_API_KEY_FILE": str(safe), "HEDGEGRID_A_API_SECRET_FILE": str(open_),
        "HEDGEGRID_REDIS_PASSWORD_FILE": str(tmp_path / "none"), "HEDGEGRID_B_API_SECRET": "s" * 20, "OTHER_FILE": "/x",
    }  # fmt: skip
    found = list(machine.secrets(environ))
    assert [one.verdict.value for one in found] == ["ok", "warn", "FAIL", "warn"]
    assert "sss" not in str(found)
    assert f"chmod 600 {open_}" in found[1].fix


@pytest.mark.parametrize(
    ("mode", "given", "verdict"),
    [
        ("live", {}, "FAIL"),
        ("live", {"allow_live": "yes"}, None),
        ("live", {"allow_live": "yes", "bybit_rest_url": "http://127.0.0.1:1"}, "FAIL"),
        ("demo", {"bybit_rest_url": "http://127.0.0.1:1"}, "FAIL"),
        ("demo", {}, None),
        ("paper", {}, "?"),
        ("paper", {"bybit_rest_url": "http://127.0.0.1:1"}, None),
    ],
)
def test_modes_that_are_mixed_up(mode: str, given: dict[str, str], verdict: str | None) -> None:
    found = bad(machine.settings(parse_config(f'mode = "{mode}"\n{BOT}'), ServiceSettings(**given)))  # type: ignore[arg-type]
    assert [one for one, _ in found] == ([verdict] if verdict else [])


def test_packages_that_differ_from_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "runtime.txt"
    lock.write_text("redis==0.0.1 \\\n    --hash=x\nnowhere==1.0\nwindows-only==1 ; sys_platform == 'win32'\n")
    [(verdict, text)] = bad(machine.python(lock))
    assert verdict == "warn"
    assert "instead of 0.0.1" in text
    assert "nowhere is missing" in text
    assert "windows-only" not in text
    assert bad(machine.python(tmp_path / "none")) == []


def test_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 2 * 2**30

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    folders = {"state": tmp_path / "not" / "yet"}
    assert [one for one, _ in bad(machine.disk(folders))] == ["warn"]
    Usage.free = 2**20
    assert [one for one, _ in bad(machine.disk(folders))] == ["FAIL"]
