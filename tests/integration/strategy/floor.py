"""A trading floor around real strategy processes: real Redis, the simulated venue, and a stand-in for gateway and
executor that is nothing but the backtest's desk behind the streams."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.publisher import publish, publish_market
from hedgegrid.bus.reader import CheckpointReader
from hedgegrid.domain.order import Leg, Side
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.ledger import CycleClosed, FillBooked, FundingBooked, LedgerMessage
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.backtest.desk import Desk
from hedgegrid.strategy.backtest.translation import event_of
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import MarketQuote, MarketTrade, MarkPrice
from tests.property.strategy.world import INSTRUMENT

D = Decimal
CONFIG = """
[[accounts]]
id = "main"
{bots}
"""
BOT = """
[[accounts.bots]]
symbol = "{symbol}"
leverage = 10
initial_margin_usdt = 100
grid_step_pct = 0.1
size_multiplier = 1.5
max_levels = 4
take_profit_pct = 0.1
"""


def eventually(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Wait until the condition holds; returns the seconds it took."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > within_s:
            raise AssertionError(f"not within {within_s} s: {what}")
        threading.Event().wait(0.002)
    return time.monotonic() - started


RESTS_AFTER_S = 2.0
"""A worker commits what has no commands within a second."""


class Floor:
    def __init__(self, redis_url: str, folder: Path, symbols: tuple[str, ...]) -> None:
        self.url, self.folder, self.symbols = redis_url, folder, symbols
        self.client = connect(redis_url, "floor")
        self.venue = Venue([replace(INSTRUMENT, symbol=symbol) for symbol in symbols], seed=1)
        self.venue.open_account("main", D(100000), hedge_mode=True)
        self.desk = Desk(self.venue, "main")
        self.prices = dict.fromkeys(symbols, D(60000))
        self.tick_ms: dict[str, int] = {}
        self.submitted: list[str] = []
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.folder.joinpath("config.toml").write_text(
            CONFIG.format(bots="".join(BOT.format(symbol=symbol) for symbol in symbols))
        )
        self._reader = CheckpointReader(self.client)
        self._reader.follow(keys.commands("main"))
        for symbol in symbols:
            self.move(symbol, D(0))

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "HEDGEGRID_REDIS_URL": self.url,
            "HEDGEGRID_CONFIG": str(self.folder / "config.toml"),
            "HEDGEGRID_INSTANCE_ID": name,
            "HEDGEGRID_LEASE_TTL_MS": "1500",
            "HEDGEGRID_PROGRESS": "1",
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "hedgegrid.strategy"], env=environment, stdout=log, stderr=log
            )
        self.workers[name] = worker
        return worker

    def stop_all(self) -> None:
        for worker in self.workers.values():
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()
        self.client.close()

    # ---- gateway and executor

    def move(self, symbol: str, by_pct: Decimal) -> None:
        """A trade, a quote, the fills they cause, and a tick."""
        price = self.prices[symbol] = INSTRUMENT.price_down(self.prices[symbol] * (1 + by_pct / 100))
        now_ms = self.tick_ms[symbol] = time.time_ns() // 1_000_000
        side = Side.BUY if by_pct > 0 else Side.SELL
        tick = D("0.1")
        self.venue.on_mark(MarkPrice(symbol=symbol, mark_px=price, ts_ms=now_ms))
        self.venue.on_trade(MarketTrade(symbol=symbol, price=price, qty=D(5), taker_side=side, ts_ms=now_ms))
        self.venue.on_quote(
            MarketQuote(
                symbol=symbol, bid_px=price - tick, bid_qty=D(9), ask_px=price + tick, ask_qty=D(9), ts_ms=now_ms
            )
        )
        self._publish_reports()
        publish_market(
            self.client,
            [
                (
                    keys.market(symbol),
                    QuoteTick(
                        symbol=symbol,
                        last_px=price,
                        mark_px=price,
                        bid_px=price - tick,
                        ask_px=price + tick,
                        ts_event=now_ms,
                        ts_init=now_ms,
                        cause_ns=time.time_ns(),
                    ),
                )
            ],
        )

    def serve(self) -> int:
        """Carry out the commands that wait; returns how many."""
        entries = self._reader.read(block_ms=1)
        for entry in entries:
            command = codec.decode_command(entry.fields)
            if isinstance(command, SubmitOrder):
                self.submitted.append(command.client_order_id)
            answers: list[Message] = list(self.desk.carry_out(command, time.time_ns() // 1_000_000))
            publish(self.client, [(keys.events("main"), answer) for answer in answers])
            self._publish_reports()
        return len(entries)

    def _publish_reports(self) -> None:
        reports = [(keys.events("main"), event_of(report)) for report in self.venue.drain()]
        if reports:
            publish(self.client, reports)

    # ---- what can be seen

    def ledger(self) -> list[LedgerMessage]:
        rows: Any = self.client.xrange(keys.ledger("main"))
        return [codec.decode_ledger(fields) for _, fields in rows]

    def cycles(self) -> int:
        return sum(isinstance(row, CycleClosed) for row in self.ledger())

    def holders(self) -> dict[str, str]:
        """Symbol → instance that holds its lease."""
        found = {}
        for symbol in self.symbols:
            owner = self.client.hget(keys.lease("main", symbol), "owner")
            found[symbol] = owner.decode() if isinstance(owner, bytes) else ""
        return found

    def trade(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let prices swing and commands be served."""
        swing = [D("-0.12")] * 3 + [D("0.12")] * 4 + [D("-0.12")]
        deadline, turn = time.monotonic() + seconds, 0
        while time.monotonic() < deadline and not until():
            for symbol in self.symbols:
                self.move(symbol, swing[turn % len(swing)])
            turn += 1
            for _ in range(5):
                self.serve()

    def check_books(self) -> None:
        """After a quiet moment: every fill booked once, every leg's ledger equal to the venue's, no id used twice."""
        self.come_to_rest()
        booked = [row.trade_id for row in self.ledger() if isinstance(row, FillBooked | FundingBooked)]
        assert len(booked) == len(set(booked)), "a trade was booked twice"
        assert set(booked) == {report.exec_id for report in self.venue.executions("main")}, "a fill was lost"
        assert len(self.submitted) == len(set(self.submitted)), "an order id was commanded twice"
        for symbol in self.symbols:
            for leg in Leg:
                assert self.realised(symbol, leg) == self.venue.position("main", symbol, leg.value).cum_realised_pnl

    def come_to_rest(self) -> None:
        quiet_since = time.monotonic()

        def resting() -> bool:
            nonlocal quiet_since
            if self.serve():
                quiet_since = time.monotonic()
            return time.monotonic() - quiet_since > RESTS_AFTER_S

        eventually(resting, 15, "no more commands")

    def realised(self, symbol: str, leg: Leg) -> Decimal:
        total = D(0)
        for row in self.ledger():
            if row.symbol == symbol and isinstance(row, FillBooked) and row.leg is leg:
                total += row.gross - row.fee
        return total
