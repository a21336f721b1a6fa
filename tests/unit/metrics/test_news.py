"""Streams in a few words; what is no news is not told."""

import pytest

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import events as ev
from hedgegrid.messages import ledger as lg
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedLost
from hedgegrid.metrics.news import news_of
from tests.unit.metrics import sample
from tests.unit.metrics.sample import BTC, NOW_MS, d


@pytest.mark.parametrize(
    ("message", "kind", "tone", "text"),
    [
        (sample.accepted(), "order", "plain", "entry works: Buy 0.01 at 50000"),
        (sample.canceled(), "order", "plain", "entry cancelled, as asked"),
        (sample.canceled(reason="EC_PostOnlyWillTakeLiquidity"), "order", "plain", "entry cancelled: EC_PostOnly"),
        (sample.denied(), "order", "plain", "entry submit not sent: dry run"),
        (sample.denied(reason=ev.DenyReason.RISK_LIMIT, text="cap"), "alert", "warn", "denied, RISK_LIMIT: cap"),
        (sample.rejected(), "alert", "warn", "rejected by the venue, 110007: no balance"),
        (sample.rejected("someone"), "alert", "warn", "foreign order rejected"),
        (sample.fill(), "fill", "plain", "entry: 0.01 at 50000 (maker)"),
        (sample.fill(purpose=Purpose.AVERAGING, level=1, is_maker=False), "fill", "plain", "averaging L2: 0.01 at"),
        (sample.fill(purpose=Purpose.TAKE_PROFIT, gross=d("1E+2")), "fill", "good", "(maker), +100 USDT"),
        (sample.fill(purpose=None, gross=d("-0.25")), "fill", "bad", "unasked fill: 0.01 at 50000 (maker), −0.25 USDT"),
        (sample.funding(amount=d("-0.05")), "fill", "good", "funding +0.05 USDT"),
        (sample.cycle_closed(ts_event=NOW_MS + 90_000), "cycle", "good", "1 closed: +4.8 USDT net, 1 level, 90 s"),
        (sample.cycle_closed(ts_event=NOW_MS + 9_000_000, net=d(-1)), "cycle", "bad", "2.5 h"),
        (
            lg.StateChanged(symbol=BTC, ts_event=1, state=TradingState.HALTED, reason="why", actor="ana"),
            "alert", "bad", "HALTED: why (ana)",
        ),
        (ev.RiskStageChanged(stage=RiskStage.WARN, cause="c", ts_event=1), "alert", "warn", "account guard WARN: c"),
        (FeedLost(feed="private", session=1, reason="no pong", ts_event=1), "alert", "warn", "private feed lost"),
    ],
)  # fmt: skip
def test_it_is_told_in_words(message: Message, kind: str, tone: str, text: str) -> None:
    told = news_of(message)
    assert told is not None
    assert (told.kind, told.tone) == (kind, tone)
    assert text in told.text
    assert "E+" not in told.text


@pytest.mark.parametrize(
    "message", [sample.acked(), sample.filled(), sample.completed(), sample.position(), sample.wallet(), sample.tick()]
)
def test_the_rest_is_no_news(message: Message) -> None:
    assert news_of(message) is None


def test_news_belong_to_a_bot_and_a_leg() -> None:
    told = news_of(sample.fill(leg=Leg.SHORT))
    assert told is not None
    assert (told.symbol, told.leg, told.price) == (BTC, "short", "50000")
