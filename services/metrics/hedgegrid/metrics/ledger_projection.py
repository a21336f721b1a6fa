"""`{acct}:ledger` → what was earned, per leg: fills, fees, funding, cycles, and whether the venue agrees."""

from decimal import Decimal
from typing import ClassVar

import msgspec

from hedgegrid.domain.order import Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import ledger as lg
from hedgegrid.metrics.earned import DailyNet
from hedgegrid.metrics.event_projection import STATES
from hedgegrid.metrics.projection import Projection
from hedgegrid.runtime.metric_names import Metrics

_ENTRIES = (Purpose.ENTRY, Purpose.AVERAGING)


class LedgerMemory(msgspec.Struct):
    closed_cycle: dict[str, int] = {}
    """By symbol and leg: the newest closed cycle."""
    daily: DailyNet = msgspec.field(default_factory=DailyNet)


class LedgerProjection(Projection[lg.LedgerMessage]):
    MEMORY: ClassVar[type[msgspec.Struct]] = LedgerMemory
    memory: LedgerMemory

    def project(self, message: lg.LedgerMessage) -> None:
        account, table = self.account, self.table
        match message:
            case lg.StateChanged():
                table.choose(Metrics.trading_state, account, message.symbol, among=STATES, chosen=str(message.state))
            case lg.FillBooked():
                self._fill(message)
            case lg.FundingBooked():
                labels = (account, message.symbol, message.leg.word)
                self._earn(message, -message.amount)
                table.add(Metrics.realised_pnl, *labels, "funding", by=-message.amount)
            case lg.CycleClosed():
                labels = (account, message.symbol, message.leg.word)
                table.add(Metrics.cycles, *labels)
                table.set(Metrics.grid_level, *labels, value=0)
                self.memory.closed_cycle[f"{message.symbol} {message.leg.word}"] = message.cycle
            case lg.BaselineTaken():
                labels = (account, message.symbol, message.leg.word)
                table.set(Metrics.ledger_mismatch, *labels, value=0)
                self._born(message.symbol)
            case lg.DifferenceFound():
                labels = (account, message.symbol, message.leg.word)
                table.set(Metrics.ledger_mismatch, *labels, value=-message.amount)

    def _born(self, symbol: str) -> None:
        """A bot is born ACTIVE and tells only changes of its state."""
        if all(self.table.get(Metrics.trading_state, self.account, symbol, state) is None for state in STATES):
            born = str(TradingState.ACTIVE)
            self.table.choose(Metrics.trading_state, self.account, symbol, among=STATES, chosen=born)

    def _fill(self, fill: lg.FillBooked) -> None:
        labels = (self.account, fill.symbol, fill.leg.word)
        table = self.table
        self._earn(fill, fill.gross - fill.fee)
        table.add(Metrics.fills, *labels, "maker" if fill.is_maker else "taker")
        table.add(Metrics.fill_notional, *labels, by=fill.qty * fill.px)
        table.add(Metrics.realised_pnl, *labels, "gross", by=fill.gross)
        table.add(Metrics.realised_pnl, *labels, "fees", by=-fill.fee)
        table.add(Metrics.realised_pnl, *labels, "funding", by=0)
        closed = self.memory.closed_cycle.get(f"{fill.symbol} {fill.leg.word}", -1)
        if fill.purpose in _ENTRIES and fill.cycle > closed:
            level = max(fill.level + 1, int(table.get(Metrics.grid_level, *labels) or 0))
            table.set(Metrics.grid_level, *labels, value=level)

    def _earn(self, row: lg.LedgerRow, amount: Decimal) -> None:
        """Totals of an older version came without days: theirs then begin with this row."""
        daily = self.memory.daily
        if not daily.by_day and not daily.since_ms and self._has_earned():
            daily.since_ms = row.ts_event
        daily.add(row.symbol, row.ts_event, amount)

    def _has_earned(self) -> bool:
        return any(name == Metrics.realised_pnl.name for name, _, _ in self.table.rows())
