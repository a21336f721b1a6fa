"""The guard between bots and venue: denies as the executor does, and counts what was let through."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.guard.account_risk import AccountRisk
from hedgegrid.guard.view import Mark
from hedgegrid.messages.commands import AmendOrder, Command, SubmitOrder
from hedgegrid.messages.events import AccountEvent, CommandKind, DenyReason, OrderDenied, RiskStageChanged
from hedgegrid.strategy.backtest.desk import Desk

AUDIT_EVERY_MS = 300_000


class GuardedDesk:
    """One account's way to the venue. `denied` counts refusals by stage or cap."""

    def __init__(self, desk: Desk, risk: AccountRisk) -> None:
        self._desk = desk
        self.risk = risk
        self._audited_ms = 0
        self.denied: Counter[str] = Counter()
        self.stages: list[RiskStageChanged] = []

    def carry_out(self, command: Command, now_ms: int) -> list[AccountEvent]:
        """Give the command to the venue, or say why not."""
        if not isinstance(command, SubmitOrder | AmendOrder) or _only_reduces(command):
            return self._desk.carry_out(command, now_ms)
        text = self.risk.stage_denial(command.client_order_id)
        if text is None:
            text = self.risk.cap_denial(command, lambda symbol: None, now_ms)
        if text is None:
            self.risk.expect(command)
            return self._desk.carry_out(command, now_ms)
        self.denied[text.split(":", 1)[0].split(" would", 1)[0]] += 1
        kind = CommandKind.SUBMIT if isinstance(command, SubmitOrder) else CommandKind.AMEND
        return [
            OrderDenied(
                symbol=command.symbol,
                client_order_id=command.client_order_id,
                command=kind,
                reason=DenyReason.RISK_LIMIT,
                text=text,
                ts_event=now_ms,
            )
        ]

    def judge(self, marks: Mapping[str, Mark], now_ms: int) -> RiskStageChanged | None:
        """Let the guard look; what it says goes to every bot. As live, an audit renews its word on the wallet."""
        if now_ms - self._audited_ms >= AUDIT_EVERY_MS:
            self._audited_ms = now_ms
            # The venue may not have seen the newest prices: of its word only the balance is taken.
            wallet = msgspec.structs.replace(self._desk.wallet(now_ms), im_rate=None, mm_rate=None)
            self.risk.apply(wallet, now_ms)
        event = self.risk.judge(marks, now_ms)
        if event is not None:
            self.stages.append(event)
        return event


def _only_reduces(command: SubmitOrder | AmendOrder) -> bool:
    if isinstance(command, SubmitOrder):
        return command.reduce_only
    parts = parse_client_order_id(command.client_order_id)
    return parts is not None and parts.purpose.closes
