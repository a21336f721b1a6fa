"""What `hedgegrid check` shows and refuses: by hand, by rule, as text, JSON and picture."""

import json
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hedgegrid.listing.table import table_rows
from hedgegrid.strategy.check.__main__ import main

D = Decimal
BOT = """
[[accounts]]
id = "main"
{account}
[[accounts.bots]]
symbol = "BTCUSDT"
leverage = {leverage}
initial_margin_usdt = {margin}
size_multiplier = 2
max_levels = 4
legs = "{legs}"
{more}
"""
CAPPED = "[accounts.guard]\nmax_open_notional_usdt = 9000"


def config(tmp_path: Path, **changes: object) -> str:
    values = {"account": "", "leverage": 10, "margin": 100, "legs": "long", "more": ""} | changes
    path = tmp_path / "config.toml"
    path.write_text(BOT.format(**values))
    return str(path)


def body(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json", "--price", "BTCUSDT=50000"])
    (account,) = json.loads(capsys.readouterr().out)
    return code, account


def test_a_ladder_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, account = body(capsys, "--config", config(tmp_path), "--balance", "5000")
    assert code == 0
    (bot,) = account["bots"]
    (leg,) = bot["legs"]
    prices = [D(level["price"]) for level in leg["levels"]]
    assert prices == [D(50000), D(49500), D(49005), D("48514.9")]
    assert [D(level["qty"]) for level in leg["levels"]] == [D("0.02"), D("0.04"), D("0.08"), D("0.16")]
    last = leg["levels"][-1]
    value = D("0.02") * 50000 + D("0.04") * 49500 + D("0.08") * 49005 + D("0.16") * D("48514.9")
    assert (D(last["cum_qty"]), D(last["cum_value"])) == (D("0.3"), value)
    mark_value = D("0.3") * prices[-1]
    assert D(leg["worst_loss_usdt"]) == value - mark_value + (value + mark_value) * D("0.00055")
    assert D(last["margin_usdt"]) == mark_value / 10 + value * D("0.9") * D("0.00055")
    price = D(last["liquidation_px"])
    equity = 5000 + D("0.3") * price - value
    owed = D("0.3") * price * D("0.005") + value * D("0.9") * D("0.00055")
    assert abs(equity - owed) < D("0.05")  # the price is on tick


@pytest.mark.parametrize(
    ("changes", "balance", "words"),
    [
        ({"leverage": 150}, "100000", "BTCUSDT: leverage 150 is outside the venue's 1…100"),
        ({"leverage": "10.005"}, "100000", "leverage 10.005 is not on step 0.01"),
        ({}, "1500", "full ladders need 1462.71 USDT of initial margin and lose 124.38; of equity 1383.62"),
        ({"margin": 2000}, "3000", "is liquidated before all ladders are full"),
        (
            {"account": CAPPED},
            "100000",
            "more than max_open_notional_usdt 9000",
        ),
    ],
)
def test_each_rule_that_is_broken_is_told_with_its_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], balance: str, words: str
) -> None:
    code, account = body(capsys, "--config", config(tmp_path, **changes), "--balance", balance)
    assert code == 1
    assert any(words in text for text in account["violations"]), account["violations"]


def test_price_bounds_set_the_worst_case_and_shorten_the_ladder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, below = body(capsys, "--config", config(tmp_path, more="lower_price = 40000"))
    assert below["bots"][0]["legs"][0]["bound_px"] == "40000"
    _, cut = body(capsys, "--config", config(tmp_path, more="lower_price = 49100"))
    assert len(cut["bots"][0]["legs"][0]["levels"]) == 2
    assert any("leave 2 of 4 levels" in note for note in cut["notes"])


def test_text_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "out.png"
    arguments = ["--config", config(tmp_path, legs="both"), "--plot", str(picture), "--price", "BTCUSDT=50000"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "BTCUSDT long from 50000, leverage 10" in shown
    assert "BTCUSDT short from 50000, leverage 10" in shown
    assert "all markets rise, all ladders against it full" in shown
    assert shown.endswith("no rule is violated\n")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_faulty_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "none.toml")]) == 2
    assert "cannot read the config" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("{}")
    assert main(["--config", config(tmp_path), "--instruments", str(tmp_path / "bad.json")]) == 2
    assert "no body of instruments-info" in capsys.readouterr().err
    faulty = config(tmp_path, more="grid_step_pct = 0")
    assert main(["--config", faulty]) == 2
    assert "accounts[main].bots[BTCUSDT].grid_step_pct" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["--config", faulty, "--price", "BTCUSDT"])
    assert caught.value.code == 2
    assert "is not SYMBOL=PRICE" in capsys.readouterr().err


def test_a_lost_account_is_called_liquidated_not_a_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", config(tmp_path), "--balance", "20", "--price", "BTCUSDT=50000"]) == 1
    text = capsys.readouterr().out
    assert "liquidated" in text
    assert "999999" not in text


class Venue(BaseHTTPRequestHandler):
    """Answers the public questions of a check for one symbol."""

    def do_GET(self) -> None:
        row = table_rows()["BTCUSDT"]
        tiers = [("1000", "0.01", "0.005", "100", ""), ("5000000", "0.2", "0.1", "5", "95")]
        names = ("riskLimitValue", "initialMargin", "maintenanceMargin", "maxLeverage", "mmDeduction")
        answers: dict[str, list[dict[str, Any]]] = {
            "instruments-info": [row],
            "tickers": [{"symbol": "BTCUSDT", "lastPrice": "50000"}],
            "risk-limit": [dict(zip(names, tier, strict=True)) for tier in tiers],
        }
        listed = answers[self.path.partition("?")[0].rpartition("/")[2]]
        body = json.dumps({"result": {"list": listed}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_venue_tells_its_risk_tiers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Venue)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        code = main(["--config", config(tmp_path), "--balance", "50000", "--instruments", url])
    finally:
        server.shutdown()
        server.server_close()
    text = capsys.readouterr().out
    assert code == 1
    assert "falls into a risk tier of at most 5x, leverage is 10" in text
    assert "its risk tiers are not known" not in text
    main(["--config", config(tmp_path), "--balance", "50000", "--price", "BTCUSDT=50000"])
    assert "its risk tiers are not known" in capsys.readouterr().out
