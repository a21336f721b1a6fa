"""Before a bot opens its first cycle: can the account carry every bot's full ladder?

The same judgement as `hedgegrid check`, with what the venue says of rules, risk tiers, prices and equity. A bot that
holds something is never held back: its levels and take-profits are needed.
"""

import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import redis

from hedgegrid.bus import codec, keys
from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import SnapshotReason, SnapshotTaken
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.config import AccountConfig
from hedgegrid.strategy.check.account import check_account
from hedgegrid.strategy.check.ladders import BotRisk, bot_risk
from hedgegrid.strategy.plans import BotPlan, plans_of

ACTOR = "preflight"

_log = logging.getLogger(__name__)


_instrument = msgspec.json.Decoder(Instrument)


class Preflight:
    """Other bots of the account count as far as the executor has published their rules and the gateway their price."""

    def __init__(self, accounts: Iterable[AccountConfig], money: redis.Redis, market: redis.Redis) -> None:
        self._accounts = {account.id: account for account in accounts}
        self._money = money
        self._market = market

    def refusal(self, account_id: str, shot: SnapshotTaken, now_ms: int) -> SetTradingState | None:
        """What to tell a bot that is shown its start snapshot and is untouched by then; None when it may trade.

        Raises:
            redis.RedisError: rules or prices could not be read.
        """
        if shot.reason is not SnapshotReason.START:
            return None
        account = self._accounts[account_id]
        found = (self._risk(account.id, plan, shot) for plan in plans_of(account))
        check = check_account((risk for risk in found if risk is not None), account.guard, shot.wallet.equity)
        if not check.violations:
            return None
        text = "; ".join(check.violations)
        _log.warning("account %s: no new cycles of %s unless it has begun: %s", account.id, shot.symbol, text)
        return SetTradingState(
            symbol=shot.symbol,
            state=TradingState.NO_NEW_CYCLES,
            actor=ACTOR,
            reason=f"refused at start: {text}; change config or deposit, then set the bot ACTIVE",
            ts_event=now_ms,
        )

    def _risk(self, account: str, plan: BotPlan, shot: SnapshotTaken) -> BotRisk | None:
        own = plan.symbol == shot.symbol
        rules = shot.instrument if own else self._rules(account, plan.symbol)
        price = self._price(plan.symbol)
        if price is None and own:
            price = next((position.mark_px for position in shot.positions if position.mark_px > 0), None)
        if rules is None or price is None:
            _log.info("account %s: %s is left out of the check, its rules or price are not known", account, plan.symbol)
            return None
        return bot_risk(plan, rules, rules.price_down(price), shot.wallet.equity)

    def _rules(self, account: str, symbol: str) -> Instrument | None:
        raw: Any = self._money.get(keys.instrument(account, symbol))
        return None if raw is None else _instrument.decode(raw)

    def _price(self, symbol: str) -> Decimal | None:
        rows: Any = self._market.xrevrange(keys.market(symbol), count=1)
        try:
            tick = codec.decode_market(rows[0][1]) if rows else None
        except codec.UnreadableMessage:
            return None
        return tick.last_px if isinstance(tick, QuoteTick) else None
