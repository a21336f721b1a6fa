"""Tape readers: every format streams events in time order, and a bad line gives one error that names it."""

import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.market_events import FundingNotice, MarketEvent
from hedgegrid.exchange_sim.tape.formats import open_tape
from hedgegrid.exchange_sim.tape.source import open_tapes
from hedgegrid.tapes.file_name import symbol_in_name
from hedgegrid.tapes.lines import TapeError
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice

RULES = {symbol: listing.rules for symbol, listing in load_listings(None).items()}
D = Decimal


def events_of(*paths: Path, symbols: frozenset[str] | None = None) -> list[MarketEvent]:
    events = list(open_tapes(paths, symbols, RULES).events())
    assert [event.ts_ms for event in events] == sorted(event.ts_ms for event in events)
    return events


def trades_of(events: list[MarketEvent]) -> list[MarketTrade]:
    return [event for event in events if isinstance(event, MarketTrade)]


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_a_bar_is_played_open_nearer_extreme_other_extreme_close(tmp_path: Path) -> None:
    tape = write(
        tmp_path / "x_BTCUSDT_1m.csv",
        "start_ms,open,high,low,close,volume",
        "1700000000000,100.0,101.0,97.0,99.0,8",
        "1700000060000,99.0,103.0,98.0,102.0,4",
    )
    trades = trades_of(events_of(tape))
    assert [trade.price for trade in trades] == [D(p) for p in ("100", "101", "97", "99", "99", "98", "103", "102")]
    assert [trade.ts_ms - 1700000000000 for trade in trades[:5]] == [0, 15000, 30000, 45000, 60000]
    assert {trade.qty for trade in trades[:4]} == {D(2)}
    assert [trade.taker_side for trade in trades[:4]] == [Side.BUY, Side.BUY, Side.SELL, Side.BUY]


def test_a_tape_without_quotes_gets_a_one_tick_quote_after_each_trade(tmp_path: Path) -> None:
    tape = write(tmp_path / "BTCUSDT.csv", "1700000000000,100.04,101.0,97.0,99.0,8")
    quote = next(event for event in events_of(tape) if isinstance(event, MarketQuote))
    assert (quote.bid_px, quote.ask_px) == (D("99.9"), D("100.0"))
    assert trades_of(events_of(tape))[0].price == D("100.0")


def test_funding_is_announced_then_due_and_ends_with_the_prices(tmp_path: Path) -> None:
    hour = 3_600_000
    bars = [f"{1700000000000 + i * hour},100,101,99,100,4" for i in range(20)]
    klines = write(tmp_path / "BTCUSDT_60m.csv", "start_ms,open,high,low,close,volume", *bars)
    rates = [(-5, "0.5"), (3, "0.0001"), (11, "-0.0002"), (99, "0.9")]
    rows = [f"{1700000000000 + h * hour},{rate}" for h, rate in rates]
    funding = write(tmp_path / "BTCUSDT_funding.csv", "time_ms,funding_rate", *rows)
    events = events_of(klines, funding)
    due = [event for event in events if isinstance(event, FundingDue)]
    notices = [event for event in events if isinstance(event, FundingNotice)]
    assert [event.rate for event in due] == [D("0.0001"), D("-0.0002")]
    assert [notice.rate for notice in notices] == [D("0.0001"), D("-0.0002"), D("0.9")]
    assert notices[0].ts_ms == 1700000000000
    assert notices[0].next_ms == due[0].ts_ms


def test_bybit_archive_times_are_decimal_seconds(tmp_path: Path) -> None:
    header = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
    raw = f"{header}\n1723161256.3137,BTCUSDT,Sell,0.006,61800.30,ZeroMinusTick,a,1,2,3\n"
    tape = tmp_path / "archive.csv.gz"
    tape.write_bytes(gzip.compress(raw.encode()))
    (trade,) = trades_of(events_of(tape))
    assert (trade.ts_ms, trade.taker_side, trade.qty) == (1723161256313, Side.SELL, D("0.006"))


def test_agg_trades_in_a_zip_take_the_symbol_from_the_file_name(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inside.csv", "1,0.70971,19.0,1,1,1729209603958,false\n2,0.7096,25.0,2,3,1729209604056,true\n")
    tape = tmp_path / "um_APEUSDT-aggTrades.zip"
    tape.write_bytes(buffer.getvalue())
    trades = trades_of(events_of(tape))
    assert [(t.symbol, t.taker_side) for t in trades] == [("APEUSDT", Side.BUY), ("APEUSDT", Side.SELL)]


def test_binance_raw_keeps_receive_order_with_times_that_never_go_back(tmp_path: Path) -> None:
    def line(kind: str, at: int, **fields: object) -> str:
        data = {"e": kind, "s": "BTCUSDT", "T": at, **fields}
        return f"1721347200064916040 {json.dumps({'stream': 'x', 'data': data})}"

    tape = write(
        tmp_path / "feed.txt",
        line("depthUpdate", 5),
        line("bookTicker", 10, b="99.9", B="1", a="100.0", A="2"),
        line("trade", 8, p="100.0", q="0.5", m=False, X="MARKET"),
        line("trade", 9, p="1", q="0.5", m=False, X="INSURANCE_FUND"),
        '1721347200064916041 {"lastUpdateId":1}',
    )
    events = events_of(tape)
    assert [type(event) for event in events] == [MarketQuote, MarketTrade]
    assert [event.ts_ms for event in events] == [10, 10]


def test_capture_replays_tickers_trades_and_the_book_top(tmp_path: Path) -> None:
    def recv(frame: object) -> str:
        return json.dumps({"t": "recv", "conn": "c", "ts": 1.0, "data": json.dumps(frame)})

    ticker = {
        "symbol": "BTCUSDT",
        "markPrice": "100.05",
        "indexPrice": "100.1",
        "bid1Price": "99.9",
        "bid1Size": "1",
        "ask1Price": "100.0",
        "ask1Size": "1",
        "fundingRate": "0.0001",
        "nextFundingTime": "9000",
    }
    tape = write(
        tmp_path / "c.jsonl",
        json.dumps({"t": "connect", "conn": "c", "ts": 0.5, "addr": "wss://"}),
        recv({"success": True, "op": "subscribe"}),
        recv({"topic": "tickers.BTCUSDT", "type": "snapshot", "data": ticker, "ts": 1000}),
        recv({"topic": "tickers.BTCUSDT", "type": "delta", "data": {"symbol": "BTCUSDT", "bid1Size": "3"}, "ts": 1050}),
        recv(
            {
                "topic": "orderbook.50.BTCUSDT",
                "type": "snapshot",
                "ts": 1100,
                "data": {"s": "BTCUSDT", "b": [["99.8", "2"], ["99.7", "1"]], "a": [["100.0", "4"]]},
            }
        ),
        recv(
            {
                "topic": "orderbook.50.BTCUSDT",
                "type": "delta",
                "ts": 1200,
                "data": {"s": "BTCUSDT", "b": [["99.8", "0"]], "a": []},
            }
        ),
        recv(
            {
                "topic": "publicTrade.BTCUSDT",
                "ts": 1201,
                "data": [{"T": 1199, "s": "BTCUSDT", "S": "Sell", "v": "0.1", "p": "99.7"}],
            }
        ),
    )
    source = open_tapes([tape], None, RULES)
    assert source.marked == {"BTCUSDT"}
    events = events_of(tape)
    assert [type(e) for e in events] == [MarkPrice, FundingNotice, MarketQuote, MarketQuote, MarketQuote, MarketTrade]
    assert [(e.bid_px, e.bid_qty) for e in events if isinstance(e, MarketQuote)] == [
        (D("99.9"), D(1)),
        (D("99.8"), D(2)),
        (D("99.7"), D(1)),
    ]
    assert events[-1].ts_ms == 1200


def test_a_capture_of_trades_alone_gets_quotes(tmp_path: Path) -> None:
    trade = {"T": 1199, "s": "BTCUSDT", "S": "Sell", "v": "0.1", "p": "99.7"}
    frame = json.dumps({"topic": "publicTrade.BTCUSDT", "ts": 1201, "data": [trade]})
    tape = write(tmp_path / "c.jsonl", json.dumps({"t": "recv", "conn": "c", "ts": 1.0, "data": frame}))
    assert [type(event) for event in events_of(tape)] == [MarketTrade, MarketQuote]


BYBIT = "timestamp,symbol,side,size,price"
RAW = '1721347200064916040 {"data":{"e":"x"}}'
KLINE = "1700000000000,100,101,99,100,4"


@pytest.mark.parametrize(
    ("name", "lines", "expected"),
    [
        ("BTCUSDT.csv", [KLINE, "1700000060000,100,101,nope,100,4"], "line 2: not a number"),
        ("BTCUSDT.csv", [KLINE, "1700000060000,100,101"], "line 2: expected start_ms,open,high"),
        ("BTCUSDT.csv", [KLINE, "1700000060000,100,101,100.5,100,4"], "line 2: open and close must lie between"),
        ("BTCUSDT.csv", [KLINE, "1700000000000,100,101,99,100,4"], "line 2: time goes back"),
        ("BTCUSDT.csv", [KLINE, "1700000060000,100,101,NaN,100,4"], "line 2: 'NaN' is not above 0"),
        ("BTCUSDT_agg.csv", ["1,0.5,1,1,1,1700000000000,true", "2,0.5,1,1,1,17"], "line 2: expected 7 fields"),
        (
            "a.csv",
            [BYBIT, "1700000000.1,BTCUSDT,Hold,1,2"],
            "line 2: 'Hold' is not a valid",
        ),
        (
            "a.csv",
            [BYBIT, "2.0,BTCUSDT,Buy,1,2", "1.0,BTCUSDT,Buy,1,2"],
            "line 3: time goes",
        ),
        ("f.txt", ['1721347200064916040 {"data":{"e":"trade","s":"BTCUSDT"}}'], "line 1: field 'p' is missing"),
        (
            "f.txt",
            [RAW, "1721347200064916041 {broken"],
            "line 2: JSON is malformed",
        ),
        ("c.jsonl", ['{"t":"recv","data":"{}"}', '{"t":"recv"}'], "line 2: field 'data' is missing"),
        ("x.csv", ["hello"], "line 1: unknown tape format: 'hello'"),
        ("x.csv", [], "the file is empty"),
        ("klines.csv", [KLINE], "the file name must hold one symbol"),
    ],
)
def test_a_bad_file_gives_one_error_that_names_the_line(
    tmp_path: Path, name: str, lines: list[str], expected: str
) -> None:
    tape = write(tmp_path / name, *lines)
    with pytest.raises(TapeError) as failure:
        events_of(tape)
    assert str(failure.value).startswith(str(tape))
    assert expected in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_truncated_gzip_is_a_tape_error(tmp_path: Path) -> None:
    rows = "\n".join(f"{1700000000000 + i * 60000},100,101,99,100,{i}" for i in range(5000))
    whole = gzip.compress(rows.encode())
    tape = tmp_path / "BTCUSDT.csv.gz"
    tape.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TapeError, match=r"line \d+: compressed data is broken or cut off"):
        events_of(tape)


def test_a_missing_file_is_a_tape_error(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="No such file"):
        open_tape(tmp_path / "none.csv")


def test_symbols_are_selected_and_must_be_on_a_tape_and_listed(tmp_path: Path) -> None:
    btc = write(tmp_path / "BTCUSDT.csv", KLINE)
    eth = write(tmp_path / "ETHUSDT.csv", KLINE)
    other = write(tmp_path / "NOSUCHUSDT.csv", KLINE)
    assert {e.symbol for e in events_of(btc, eth, symbols=frozenset({"ETHUSDT"}))} == {"ETHUSDT"}
    with pytest.raises(StartError, match="SOLUSDT: not on any tape"):
        open_tapes([btc], frozenset({"SOLUSDT"}), RULES)
    with pytest.raises(StartError, match="NOSUCHUSDT: not among the instruments"):
        open_tapes([other], None, RULES)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("bybit_linear_BTCUSDT_5m_2025-09.csv.gz", "BTCUSDT"),
        ("1000PEPEUSDT.csv", "1000PEPEUSDT"),
        ("APEUSDT-aggTrades-2024.zip", "APEUSDT"),
    ],
)
def test_symbol_in_a_file_name(name: str, symbol: str) -> None:
    assert symbol_in_name(Path(name)) == symbol


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        (
            "capture/linear_btc_eth_2026-08-09.jsonl.gz",
            {"MarketTrade": 79, "MarketQuote": 353, "MarkPrice": 76, "FundingNotice": 3},
        ),
        ("tape/binance_usdm_BTCUSDT_raw_2024-07-19.gz", {"MarketTrade": 9727, "MarketQuote": 45147}),
        ("tape/binance_usdm_APEUSDT_aggTrades_2024-10-18.zip", {"MarketTrade": 45342, "MarketQuote": 45342}),
    ],
)
def test_recorded_tapes_stream_whole(shared_file: Callable[[str], Path], name: str, kinds: dict[str, int]) -> None:
    assert Counter(type(event).__name__ for event in events_of(shared_file(name))) == kinds


def test_recorded_klines_keep_the_bars_extremes(shared_file: Callable[[str], Path]) -> None:
    path = shared_file("klines/bybit_linear_SOLUSDT_5m_2025-09_2026-03.csv.gz")
    prices = [trade.price for trade in trades_of(events_of(path))]
    rows = [line.split(",") for line in gzip.decompress(path.read_bytes()).decode().splitlines()[1:]]
    assert (max(prices), min(prices)) == (max(D(r[2]) for r in rows), min(D(r[3]) for r in rows))
