"""Private pushes: the venue's reports as topic messages, grouped per account and topic."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import ExecType
from hedgegrid.exchange_sim import rows
from hedgegrid.exchange_sim.ws.hub import Hub
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.reports import ExecutionReport, OrderReport, PositionReport, Report, WalletReport

Message = dict[str, Any]
Push = tuple[str, str, Message]
"""Account, topic, message."""
TOPICS = ("order", "execution", "position", "wallet")
_TOPIC_OF = {OrderReport: "order", ExecutionReport: "execution", PositionReport: "position", WalletReport: "wallet"}
AS_HAPPENED = "as-happened"
SHUFFLED = "shuffled"


class Pusher:
    """Sends what the venue reports. Between topics no order is promised (bybit-v5.md 2.4), so it can be chosen."""

    def __init__(
        self,
        venue: Venue,
        hub: Hub,
        uids: Mapping[str, int],
        now_ms: Callable[[], int],
        *,
        delay_s: float = 0.0,
        topic_order: str = AS_HAPPENED,
        seed: int = 0,
    ) -> None:
        """`delay_s`: pushes follow their cause by at least this; `topic_order`: `as-happened`, `shuffled` (by seed)
        or a comma list of topics.
        """
        self._venue = venue
        self._hub = hub
        self._uids = uids
        self._now_ms = now_ms
        self._delay_s = delay_s
        self._order = topic_order
        self._rng = random.Random(seed)  # noqa: S311 a reproducible order, no secret
        self._waiting = False
        self._sent_at = 0.0

    def flush(self) -> None:
        """Send everything the venue has reported so far, at once unless a delay is set."""
        pushes = self._arranged(self._messages(self._venue.drain()))
        if not pushes:
            return
        if self._delay_s:
            loop = asyncio.get_running_loop()
            self._sent_at = max(loop.time() + self._delay_s, self._sent_at + 1e-4)
            loop.call_at(self._sent_at, self._send, pushes)
        else:
            self._send(pushes)

    def flush_soon(self) -> None:
        """Flush once the current request has been answered."""
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_soon(self._flush_waiting)

    def _flush_waiting(self) -> None:
        self._waiting = False
        self.flush()

    def _send(self, pushes: Iterable[Push]) -> None:
        for account, topic, message in pushes:
            self._hub.push(account, topic, message)

    def _messages(self, reports: Iterable[Report]) -> list[Push]:
        now_ms = self._now_ms()
        pushes: list[Push] = []
        for (account, kind), group in groupby(reports, key=lambda report: (report.account, type(report))):
            batch = list(group)
            topic = _TOPIC_OF[kind]
            if kind is ExecutionReport:
                self._tell_liquidations(batch, now_ms)
            if self._hub.listens(account, topic):
                pushes.append((account, topic, self._message(account, topic, batch, now_ms)))
            if not self._hub.listens(account, "execution.fast"):
                continue
            fast = [
                rows.fast_execution_push(report)
                for report in batch
                if isinstance(report, ExecutionReport) and report.exec_type is ExecType.TRADE
            ]
            if fast:
                pushes.append((account, "execution.fast", {"topic": "", "creationTime": now_ms, "data": fast}))
        return pushes

    def _tell_liquidations(self, reports: Iterable[Report], now_ms: int) -> None:
        """Public `allLiquidation`: its side is that of the position taken over."""
        for report in reports:
            if isinstance(report, ExecutionReport) and report.exec_type is ExecType.BUST_TRADE:
                topic = f"allLiquidation.{report.symbol}"
                row = {
                    "T": report.exec_ms,
                    "s": report.symbol,
                    "S": report.side.opposite.value,
                    "v": plain(report.exec_qty),
                    "p": plain(report.exec_price),
                }
                self._hub.publish(topic, {"topic": topic, "type": "snapshot", "ts": now_ms, "data": [row]})

    def _message(self, account: str, topic: str, reports: list[Report], now_ms: int) -> Message:
        last = reports[-1]
        about = f"{last.symbol}_{last.seq}" if isinstance(last, OrderReport | ExecutionReport) else f"{topic}_{now_ms}"
        return {
            "topic": topic,
            "id": f"{self._uids[account]}_{about}",
            "creationTime": now_ms,
            "data": [_item(report) for report in reports],
        }

    def _arranged(self, pushes: list[Push]) -> list[Push]:
        """Within one flush; the messages of one topic always keep their order."""
        if self._order == AS_HAPPENED:
            return pushes
        topics = list(TOPICS) if self._order == SHUFFLED else self._order.split(",")
        if self._order == SHUFFLED:
            self._rng.shuffle(topics)
        rank = {topic: i for i, topic in enumerate(topics)}
        return sorted(pushes, key=lambda push: rank.get(push[1].partition(".")[0], len(rank)))


def _item(report: Report) -> Message:
    if isinstance(report, OrderReport):
        return rows.order_push(report)
    if isinstance(report, ExecutionReport):
        return rows.execution_push(report)
    if isinstance(report, PositionReport):
        return rows.position_push(report)
    return rows.wallet_row(report)
