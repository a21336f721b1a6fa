"""`hedgegrid config` against states in Redis: refuses what is unsafe, else puts the file in place."""

import json
from pathlib import Path

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.strategy.stored_state import write_state
from hedgegrid.strategy.transition.__main__ import main
from tests.unit.strategy.situations import settled

TEXT = '[[accounts]]\nid = "main"\n'
BTC = '[[accounts.bots]]\nsymbol = "BTCUSDT"\nleverage = 10\ninitial_margin_usdt = 100\n'
ETH = BTC.replace("BTC", "ETH")


@pytest.fixture
def client(redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> redis.Redis:
    monkeypatch.setenv("HEDGEGRID_REDIS_URL", redis_url)
    monkeypatch.setenv("HEDGEGRID_CONFIG", str(tmp_path / "in-place.toml"))
    (tmp_path / "in-place.toml").write_text(TEXT + BTC)
    return connect(redis_url, "test")


def test_a_bot_with_a_position_cannot_be_dropped(
    client: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.hset(keys.bot("main", "BTCUSDT"), mapping=write_state(settled().state))  # type: ignore[arg-type]
    new = tmp_path / "new.toml"
    new.write_text(TEXT + ETH)
    before = (tmp_path / "in-place.toml").read_text()
    assert main(["apply", str(new)]) == 1
    out = capsys.readouterr().out
    assert "X main:BTCUSDT: removed while it has long" in out
    assert "nothing is applied" in out
    assert (tmp_path / "in-place.toml").read_text() == before
    assert main(["diff", "--json", str(new)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {row["effect"] for row in told["changes"]} == {"note", "refused"}
    client.close()


def test_a_safe_change_is_put_in_place_and_says_what_to_restart(
    client: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new.toml"
    new.write_text(TEXT + BTC + "take_profit_pct = 2\n")
    assert main(["apply", str(new)]) == 0
    out = capsys.readouterr().out
    assert "take_profit_pct 1 → 2" in out
    assert "in this order: strategy\n" in out
    assert (tmp_path / "in-place.toml").read_text() == new.read_text()
    assert main(["diff", str(new)]) == 0
    assert capsys.readouterr().out == "nothing changes\n"
    client.close()


def test_a_wrong_file_is_one_line(client: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new.toml"
    new.write_text(TEXT + BTC + "take_profit_pct = -1\n")
    assert main(["apply", str(new)]) == 2
    err = capsys.readouterr().err
    assert "take_profit_pct" in err
    assert err.count("\n") == 1
    client.close()
