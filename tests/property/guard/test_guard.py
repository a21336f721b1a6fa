"""What holds for every account and every course of events."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.account_book import AccountBook
from hedgegrid.guard.causes import blind, demands
from hedgegrid.guard.config import GuardConfig
from hedgegrid.guard.decide import GuardState, decide
from hedgegrid.guard.figures import RATE_CAP, Figures, measure
from hedgegrid.guard.view import Mark
from hedgegrid.messages.events import WalletChanged
from hedgegrid.strategy.backtest.translation import event_of
from tests.property.venue.flow import SYMBOLS, Act, acts, run
from tests.unit.guard.accounts import FEE, LONG, NOW_MS, SHORT, SYMBOL, TIERS, D, held, instrument, view

CONFIG = GuardConfig(max_open_notional_usdt=D(50_000))
fractions = st.decimals("0", "1.2", places=4)
money = st.decimals("-5000", "5000", places=2)


@st.composite
def courses(draw: st.DrawFn) -> list[Figures]:
    """Figures of one account at rising times, all of them at random."""
    now_ms, found = NOW_MS, []
    for _ in range(draw(st.integers(1, 12))):
        now_ms += draw(st.integers(1, 200_000))
        known: dict[str, Any] = {}
        if draw(st.booleans()):
            known = {
                "equity": draw(money), "mm_rate": draw(fractions), "im_rate": draw(fractions), "free": draw(money),
                "liquidation_distance": draw(st.none() | fractions), "worst_notional": abs(draw(money)) * 15,
                "venue_mm_rate": draw(st.none() | fractions), "venue_age_ms": draw(st.integers(0, 20_000)),
            }  # fmt: skip
        blind_ms = draw(st.integers(0, 20_000))
        wallet_ms = draw(st.sampled_from([0, 899_999, 900_001]))
        seen: dict[str, Any] = {"blind_ms": blind_ms, "blind_why": "x", "wallet_ms": wallet_ms}
        found.append(Figures(now_ms=now_ms, totals={LONG: draw(money)}, **seen, **known))
    return found


@given(courses())
def test_the_stage_is_never_milder_than_any_cause_demands(course: list[Figures]) -> None:
    state = GuardState()
    for figures in course:
        before = state
        state, event = decide(CONFIG, state, figures)
        for demand in demands(CONFIG, figures, state.losses):
            assert state.stage >= demand.stage, demand
        assert state.round >= before.round
        assert (event is not None) == ((state.stage, state.round) != (before.stage, before.round))
        if before.stage is RiskStage.FLATTEN:
            assert state.stage is RiskStage.FLATTEN
        if event is not None:
            assert event.stage is state.stage
            assert event.cause == state.cause != ""


@given(courses())
def test_a_stage_is_left_only_after_calm(course: list[Figures]) -> None:
    """From the last moment on at which the eased figures still asked for it, the time of calm has passed."""
    state, wanted_ms = GuardState(), dict.fromkeys(RiskStage, -CONFIG.calm_ms)
    for figures in course:
        before = state
        state, _ = decide(CONFIG, state, figures)
        if state.stage < before.stage:
            assert not blind(CONFIG, figures) or before.stage is RiskStage.NORMAL
        for left in RiskStage:
            if state.stage < left <= before.stage:
                assert figures.now_ms - wanted_ms[left] >= CONFIG.calm_ms
        asked = [d.stage for d in demands(CONFIG, figures, state.losses, CONFIG.ease) if not d.blind]
        wanted_ms |= dict.fromkeys((s for s in RiskStage if s <= max(asked, default=RiskStage.NORMAL)), figures.now_ms)


@given(courses())
def test_blindness_holds_a_stage_no_longer_than_it_lasts(course: list[Figures]) -> None:
    """Figures that never asked for anything: whoever sees again goes on at once."""
    state = GuardState()
    for figures in course:
        good: dict[str, Any] = {"equity": None, "worst_notional": D(0)}
        state, _ = decide(CONFIG, state, replace(figures, **good))
        assert state.stage is (CONFIG.blind_stage if blind(CONFIG, figures) else RiskStage.NORMAL)


legs = st.fixed_dictionaries({
    LONG: st.builds(held, st.decimals("0", "2000", places=2), st.decimals("50", "150", places=2)),
    SHORT: st.builds(held, st.decimals("0", "2000", places=2), st.decimals("50", "150", places=2)),
})  # fmt: skip


@given(legs, st.decimals("1", "50000", places=2), st.decimals("0", "3000", places=2))
def test_losing_balance_never_softens_the_stage(at: Any, balance: Decimal, loss: Decimal) -> None:
    """The same positions with less money: every figure is worse or equal, and so is the stage."""
    stages = []
    for money_left in (balance, balance - loss):
        marks = {SYMBOL: Mark(D(100), NOW_MS)}
        figures = measure(view(at, balance=money_left), marks, FEE, NOW_MS)
        stages.append(decide(CONFIG, GuardState(), figures).state.stage)
    assert stages[1] >= stages[0]


@given(st.decimals("1", "2000", places=2), st.decimals("1", "20000", places=2), st.data())
def test_a_falling_market_never_softens_the_stage_of_a_long_account(
    qty: Decimal, balance: Decimal, data: st.DataObject
) -> None:
    high = data.draw(st.decimals("10", "150", places=2))
    low = data.draw(st.decimals("10", high, places=2))
    rates = []
    for px in (high, low):
        figures = measure(view({LONG: held(qty)}, balance=balance), {SYMBOL: Mark(px, NOW_MS)}, FEE, NOW_MS)
        assert figures.equity is not None
        rates.append((figures.liquidation_distance, figures.equity))
    assert rates[1][1] <= rates[0][1]
    if rates[0][0] is not None and rates[0][0] < 1:
        assert rates[1][0] is not None
        assert rates[1][0] <= rates[0][0]


@given(legs, st.decimals("1", "100000", places=2))
def test_at_the_liquidation_distance_the_equity_is_the_maintenance_margin(at: Any, balance: Decimal) -> None:
    now = measure(view(at, balance=balance), {SYMBOL: Mark(D(100), NOW_MS)}, FEE, NOW_MS)
    distance = now.liquidation_distance
    assume(distance is not None and 0 < distance < 50)
    assert distance is not None
    reached = []
    for way in (-1, 1):
        px = 100 * (1 + way * distance)
        then = measure(view(at, balance=balance), {SYMBOL: Mark(px, NOW_MS)}, FEE, NOW_MS)
        assert then.equity is not None
        assert then.mm_rate is not None
        reached.append(abs(then.mm_rate - 1) <= D("0.0002") or (then.equity <= D("0.01") and then.mm_rate == RATE_CAP))
        just_before = measure(
            view(at, balance=balance), {SYMBOL: Mark(100 * (1 + way * distance * D("0.99")), NOW_MS)}, FEE, NOW_MS
        )
        assert just_before.mm_rate is not None
        assert just_before.mm_rate <= D("1.0002")  # the rate is rounded up
    assert any(reached)
    assert instrument().tiers == TIERS


@given(acts())
def test_our_figures_are_the_venues_own(flow: list[Act]) -> None:
    """Built from pushed events alone, after every act: equity and maintenance rate as the venue says."""
    played = run([])
    book = AccountBook(dict.fromkeys(SYMBOLS, D(10)), 0)
    book.instruments.update({symbol: played.venue.instrument(symbol) for symbol in SYMBOLS})
    played = run(flow)
    for number, (_, reports) in enumerate(played.batches):
        for report in reports:
            if report.account == "hedged":
                event = event_of(report)
                if isinstance(event, WalletChanged):  # the flow's prints and quotes have no time of their own
                    event = msgspec.structs.replace(event, ts_init=number)
                book.apply(event, number)
    venue = played.venue
    wallet = venue.wallet("hedged")
    marks = {}
    for symbol in SYMBOLS:
        mark = venue.ticker(symbol).mark_price
        if mark is not None:
            marks[symbol] = Mark(mark, 0)
    assume(any(leg.qty for leg in book.view().legs.values()))
    own = measure(book.view(), marks, FEE, 0)
    assert own.equity is not None
    assert own.mm_rate is not None
    assert own.im_rate is not None
    assert abs(own.equity - wallet.equity) < D("0.0001")
    assert abs(own.mm_rate - wallet.account_mm_rate) <= D("0.0001")
    assert own.im_rate >= wallet.account_im_rate - D("0.0001")  # what is conditional may fill, too
