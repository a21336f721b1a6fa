"""Six lives of orders as byte transcripts; as a program with the name of one, it writes that transcript to stdout."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from hedgegrid.venue.reports import ExecutionReport, OrderReport, PositionReport, Report
from tests.unit.venue.desk import BUY, SELL, Desk


@dataclass(frozen=True)
class Life:
    """A story played at a desk, and the short form of the reports that must follow."""

    play: Callable[[Desk], None]
    expected: tuple[str, ...]
    balance: str = "100000"


def _market(desk: Desk) -> None:
    desk.market(BUY, 1, "12")
    desk.market(SELL, 1, "12", reduce=True)


def _maker_in_three_parts(desk: Desk) -> None:
    desk.limit(BUY, 1, "3", "99", link="maker")
    for price in ("98.9", "98.8", "98.7"):
        desk.print(price, "1", SELL)


def _amend(desk: Desk) -> None:
    answer = desk.limit(BUY, 1, "3", "99")
    desk.amend(answer, price="98")
    desk.amend(answer, qty="2")
    desk.print("97", "9", SELL)


def _cancel_race(desk: Desk) -> None:
    answer = desk.limit(BUY, 1, "3", "99")
    desk.venue.lose_next_cancel("a")
    desk.cancel(answer)


def _liquidation(desk: Desk) -> None:
    desk.market(BUY, 1, "5")
    desk.limit(BUY, 1, "1", "80")
    desk.protect(1, stop_loss="60")
    desk.mark("85")


def _funding(desk: Desk) -> None:
    desk.market(BUY, 1, "2")
    desk.market(SELL, 2, "1")
    desk.funding("0.0001")


LIVES = {
    "market": Life(
        _market,
        (
            "order Filled", "execution Trade", "execution Trade", "position 12", "wallet",
            "order Filled", "execution Trade", "execution Trade", "position 0", "wallet",
        ),
    ),
    "maker": Life(
        _maker_in_three_parts,
        (
            "order New", "position 0",
            "order PartiallyFilled", "execution Trade", "position 1", "wallet",
            "order PartiallyFilled", "execution Trade", "position 2", "wallet",
            "order Filled", "execution Trade", "position 3", "wallet",
        ),
    ),
    "amend": Life(
        _amend,
        (
            "order New", "position 0", "order New", "position 0", "order New", "position 0",
            "order Filled", "execution Trade", "position 2", "wallet",
        ),
    ),
    "cancel-race": Life(
        _cancel_race,
        ("order New", "position 0", "order Filled", "execution Trade", "position 3", "wallet", "order Filled"),
    ),
    "liquidation": Life(
        _liquidation,
        (
            "order Filled", "execution Trade", "position 5", "wallet",
            "order New", "position 5", "order Untriggered", "position 5",
            "order Cancelled", "position 5", "order Deactivated", "position 5",
            "position 5", "order Filled", "execution BustTrade", "position 0", "wallet",
        ),
        balance="70",
    ),
    "funding": Life(
        _funding,
        (
            "order Filled", "execution Trade", "position 2", "wallet",
            "order Filled", "execution Trade", "position 1", "wallet",
            "execution Funding", "position 2", "wallet", "execution Funding", "position 1", "wallet",
        ),
    ),
}  # fmt: skip


def reports_of(name: str) -> list[Report]:
    life = LIVES[name]
    desk = Desk(balance=life.balance)
    life.play(desk)
    return desk.venue.drain()


def transcript(reports: list[Report]) -> bytes:
    return b"\n".join(type(report).__name__.encode() + msgspec.json.encode(report) for report in reports)


def short(report: Report) -> str:
    if isinstance(report, OrderReport):
        return f"order {report.status}"
    if isinstance(report, ExecutionReport):
        return f"execution {report.exec_type}"
    return f"position {report.size.normalize():f}" if isinstance(report, PositionReport) else "wallet"


if __name__ == "__main__":
    sys.stdout.buffer.write(transcript(reports_of(sys.argv[1])))
