"""`hedgegrid trades` and `hedgegrid report` on a ledger as the metrics service writes it."""

import csv
import io
import json
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.metrics.ledger_store import LedgerStore
from hedgegrid.operator import ledger_commands
from hedgegrid.operator.cli import main
from hedgegrid.operator.parquet import TYPES, as_parquet
from tests.unit.metrics import sample
from tests.unit.metrics.streamed import STREAMS, entry

JAN_31_2330 = 1_769_902_200_000
FEB_01_0030 = JAN_31_2330 + 3_600_000


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two fills and a funding payment of a long, around the end of January, and a losing short of another bot."""
    path = tmp_path / "ledger.sqlite"
    rows = [
        sample.fill(trade_id="a", ts_event=JAN_31_2330, fee=Decimal("0.1")),
        sample.funding(trade_id="f", ts_event=JAN_31_2330 + 1, amount=Decimal("0.05")),
        sample.fill(
            trade_id="b", ts_event=FEB_01_0030, purpose=Purpose.TAKE_PROFIT, gross=Decimal("5.00000001"),
            fee=Decimal("-0.02"),
        ),
        sample.cycle_closed(ts_event=FEB_01_0030, net=Decimal("4.87000001")),
        sample.fill(
            trade_id="c", ts_event=FEB_01_0030 + 1, symbol="ETHUSDT", leg=Leg.SHORT, purpose=Purpose.STOP,
            gross=Decimal(-3), fee=Decimal(0),
        ),
        sample.cycle_closed(ts_event=FEB_01_0030 + 1, symbol="ETHUSDT", leg=Leg.SHORT, net=Decimal(-3)),
    ]  # fmt: skip
    with closing(LedgerStore(path)) as store:
        store.store("main", STREAMS["ledger"], [entry("ledger", n, row) for n, row in enumerate(rows, start=1)])
    monkeypatch.setenv("HEDGEGRID_LEDGER_PATH", str(path))
    return path


def table(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, str]]:
    """The CSV a command writes."""
    assert main([*arguments, "--csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.usefixtures("ledger")
def test_trades_lists_everything_that_moved_the_wallet(capsys: pytest.CaptureFixture[str]) -> None:
    rows = table(capsys, "trades")
    assert [(row["time"], row["bot"], row["kind"], row["side"], row["net"]) for row in rows] == [
        ("2026-01-31T23:30:00.000+00:00", "BTCUSDT", "trade", "Buy", "-0.1"),
        ("2026-01-31T23:30:00.001+00:00", "BTCUSDT", "funding", "", "-0.05"),
        ("2026-02-01T00:30:00.000+00:00", "BTCUSDT", "trade", "Sell", "5.02000001"),
        ("2026-02-01T00:30:00.001+00:00", "ETHUSDT", "trade", "Buy", "-3"),
    ]


@pytest.mark.usefixtures("ledger")
def test_trades_of_a_bot_since_a_day_in_a_time_zone(capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["trade_id"] for row in table(capsys, "trades", "--bot", "btcusdt", "--since", "2026-02-01")] == ["b"]
    berlin = table(capsys, "trades", "--bot", "BTCUSDT", "--since", "2026-02-01", "--timezone", "Europe/Berlin")
    assert [row["trade_id"] for row in berlin] == ["a", "f", "b"]
    assert berlin[0]["time"] == "2026-02-01T00:30:00.000+01:00"
    assert table(capsys, "trades", "--account", "other") == []
    assert [row["trade_id"] for row in table(capsys, "trades", "--until", "2026-02-01")] == ["a", "f"]


@pytest.mark.usefixtures("ledger")
def test_a_monthly_report_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    rows = table(capsys, "report", "--month")
    assert [(row["period"], row["bot"], row["leg"], row["net"], row["cycles"]) for row in rows] == [
        ("2026-01", "BTCUSDT", "long", "-0.15", "0"),
        ("2026-02", "BTCUSDT", "long", "5.02000001", "1"),
        ("2026-02", "ETHUSDT", "short", "-3", "1"),
        ("total", "", "", "1.87000001", "2"),
    ]
    whole = rows[-1]
    assert (whole["fees"], whole["funding"], whole["win_rate"]) == ("0.08", "0.05", "0.5")
    assert (whole["best_cycle"], whole["worst_cycle"]) == ("4.87000001", "-3")
    assert len(table(capsys, "report", "--day", "--timezone", "Europe/Berlin")) == 3


@pytest.mark.usefixtures("ledger")
def test_the_report_on_the_screen_tells_the_drawdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 0
    out = capsys.readouterr().out
    assert "drawdown of the realised result: 3.0000 USDT" in out
    assert main(["report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1]["net"] == "1.87000001"


@pytest.mark.usefixtures("ledger")
def test_the_plot_is_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.png"
    assert main(["report", "--plot", str(target)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")
    assert main(["report", "--plot", str(tmp_path / "out.xyz")]) == 2
    assert "--plot" in capsys.readouterr().err


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("selection", [[], ["--since", "2030-01-01"]])
def test_parquet_holds_what_csv_holds(
    selection: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["trades", "--csv", *selection]) == 0
    lines = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    assert main(["trades", "--parquet", *selection]) == 0
    file = tmp_path / "trades.parquet"
    file.write_bytes(capfdbinary.readouterr().out)
    with duckdb.connect() as database:
        found = database.read_parquet(str(file))
        columns, kinds = found.columns, dict(zip(found.columns, map(str, found.dtypes), strict=True))
        rows = found.project('* REPLACE (epoch_ms("time") AS "time")').fetchall()
    assert columns == list(TYPES)
    assert (kinds["time"], kinds["net"]) == ("TIMESTAMP WITH TIME ZONE", "DECIMAL(38,18)")
    assert bool(rows) is not bool(selection)
    for line, row in zip(lines, rows, strict=True):
        written = dict(zip(columns, row, strict=True))
        assert written.pop("time") == written["ts_ms"]
        for name, value in written.items():
            if isinstance(value, Decimal):
                assert value == Decimal(line[name])
            else:
                assert str("" if value is None else value) == line[name]


def test_a_quoted_name_behind_many_plain_ones_is_parquet_too(tmp_path: Path) -> None:
    """How fields are quoted was guessed from the first 20,000 rows."""
    plain = dict.fromkeys(TYPES, "") | {"time": "2026-01-31T00:00:00.000+00:00", "order_id": "plain", "net": "1.5"}
    file = tmp_path / "trades.parquet"
    file.write_bytes(as_parquet([*[plain] * 30_000, plain | {"order_id": 'by "hand", late'}]))
    with duckdb.connect() as database:
        ids = database.read_parquet(str(file)).project("order_id").distinct().fetchall()
    assert sorted(ids) == [('by "hand", late',), ("plain",)]


def test_no_other_command_pays_for_matplotlib_or_duckdb() -> None:
    asked = "import sys; import hedgegrid.operator.cli; sys.exit(not {'matplotlib', 'duckdb'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trades", "--since", "yesterday"], "--since yesterday: must be a date"),
        (["trades", "--timezone", "Mars/Base"], "--timezone Mars/Base: no such time zone"),
        (["trades", "--csv", "--json"], "choose one"),
        (["trades", "--csv", "--parquet"], "--csv and --parquet: choose one"),
        (["report", "--day", "--month"], "choose one"),
        (["report", "--ledger", "nowhere.sqlite"], "no ledger at nowhere.sqlite"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert err.count("\n") == 1
    assert not out


def test_without_any_ledger_the_command_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HEDGEGRID_LEDGER_PATH", raising=False)
    monkeypatch.setattr(ledger_commands, "newest_demo_ledger", lambda: None)
    assert main(["report"]) == 2
    assert "set HEDGEGRID_LEDGER_PATH" in capsys.readouterr().err
