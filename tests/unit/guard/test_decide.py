"""The stages: each cause on its own, strictness at once, the way back, rounds, the day, blindness, the operator."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgegrid.domain.order import Leg
from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.causes import Losses
from hedgegrid.guard.config import GuardConfig, Thresholds
from hedgegrid.guard.decide import DAY_MS, GuardState, decide
from hedgegrid.guard.figures import Figures
from hedgegrid.messages.events import RiskStageChanged
from tests.unit.guard.accounts import LONG, NOW_MS, OFF, SHORT, D

STAGES = ["warn", "no_new_cycles", "no_averaging", "reduce", "flatten"]
BOUNDS = Thresholds(warn=D(10), no_new_cycles=D(20), no_averaging=D(30), reduce=D(40), flatten=D(50))
FALLING = Thresholds(warn=D(50), no_new_cycles=D(40), no_averaging=D(30), reduce=D(20), flatten=D(10))


def shown(now_ms: int = NOW_MS, total: str = "0", **changes: Any) -> Figures:
    fields: dict[str, Any] = {"equity": D(1000), "im_rate": D("0.1"), "mm_rate": D(0), "free": D(900)}
    return Figures(now_ms=now_ms, totals={LONG: D(total)}, **(fields | changes))


def config(**changes: Any) -> GuardConfig:
    return msgspec.structs.replace(OFF, **changes)


class Guard:
    """Decides again and again, as the executor does."""

    def __init__(self, **changes: Any) -> None:
        self.config = config(**changes)
        self.state = GuardState()
        self.said: list[RiskStageChanged] = []

    def sees(self, figures: Figures, acknowledged_ms: int = 0) -> RiskStage:
        self.state, event = decide(self.config, self.state, figures, acknowledged_ms)
        if event is not None:
            self.said.append(event)
        return self.state.stage


@pytest.mark.parametrize("number", range(5))
def test_each_stage_of_the_margin_rate(number: int) -> None:
    bound = D(10 * (number + 1)) / 100
    assert Guard(mm_rate_pct=BOUNDS).sees(shown(mm_rate=bound - D("0.0001"))) == number
    guard = Guard(mm_rate_pct=BOUNDS)
    assert guard.sees(shown(mm_rate=bound)) == number + 1
    (event,) = guard.said
    assert (event.stage, event.mm_rate, event.equity) == (RiskStage(number + 1), bound, D(1000))
    assert event.cause == f"maintenance margin rate (own figure) {bound * 100:.2f}".rstrip("0").rstrip(".") + (
        f"% ≥ {bound * 100:.0f}%"
    )


@pytest.mark.parametrize("number", range(5))
def test_each_stage_of_the_liquidation_distance(number: int) -> None:
    bound = D(50 - 10 * number) / 100
    guard = Guard(liquidation_distance_pct=FALLING)
    assert guard.sees(shown(liquidation_distance=bound + D("0.0001"))) == number
    assert guard.sees(shown(liquidation_distance=bound)) == number + 1
    assert "liquidation" in guard.said[-1].cause
    assert guard.sees(shown(liquidation_distance=None)) == number + 1  # not left without calm


@pytest.mark.parametrize(
    ("changes", "total", "equity"),
    [
        ({"daily_loss_usdt": BOUNDS}, "-30", 1000),
        ({"daily_loss_pct": BOUNDS}, "-300", 700),
        ({"drawdown_pct": BOUNDS}, "-300", 700),
    ],
)
def test_losses_by_the_day_and_from_the_peak(changes: dict[str, Any], total: str, equity: int) -> None:
    guard = Guard(**changes)
    assert guard.sees(shown()) is RiskStage.NORMAL
    almost = str(D(total) + D("0.01"))
    assert guard.sees(shown(total=almost, equity=D(equity) + D("0.01"))) is RiskStage.NO_NEW_CYCLES
    assert guard.sees(shown(total=total, equity=D(equity))) is RiskStage.NO_AVERAGING
    assert ("day" in guard.said[-1].cause) == ("daily" in next(iter(changes)))


def test_a_loss_of_yesterday_is_not_todays_but_still_a_drawdown() -> None:
    midnight = NOW_MS // DAY_MS * DAY_MS + DAY_MS
    day, peak = Guard(daily_loss_usdt=BOUNDS, calm_ms=0), Guard(drawdown_pct=BOUNDS, calm_ms=0)
    for guard in (day, peak):
        guard.sees(shown(midnight - 1000))
        assert guard.sees(shown(midnight - 500, total="-300", equity=D(700))) >= RiskStage.NO_AVERAGING
    assert day.sees(shown(midnight, total="-300", equity=D(700))) is RiskStage.FLATTEN  # only the operator leads back
    assert peak.sees(shown(midnight, total="-300", equity=D(700))) is RiskStage.NO_AVERAGING
    assert day.state.losses == Losses(D(0), D(300))


def test_a_withdrawal_is_no_loss() -> None:
    guard = Guard(daily_loss_pct=BOUNDS, drawdown_pct=BOUNDS)
    guard.sees(shown(equity=D(10_000)))
    assert guard.sees(shown(equity=D(10))) is RiskStage.NORMAL


def test_a_symbol_that_comes_or_goes_changes_no_result() -> None:
    guard = Guard(drawdown_pct=BOUNDS)
    guard.sees(shown(total="500"))
    both = shown()
    both = Figures(now_ms=NOW_MS, equity=D(1000), totals={LONG: D(500), SHORT: D(-700)})
    assert guard.sees(both) is RiskStage.NORMAL
    assert guard.state.result == 0
    guard.sees(Figures(now_ms=NOW_MS, equity=D(1000), totals={SHORT: D(-710)}))
    guard.sees(Figures(now_ms=NOW_MS, equity=D(1000), totals={LONG: D(520), SHORT: D(-710)}))
    assert guard.state.result == 10


def test_blind_is_danger() -> None:
    guard = Guard(blind_after_ms=5000)
    assert guard.sees(shown(blind_ms=5000, blind_why="the mark of ABCUSDT")) is RiskStage.NORMAL
    assert guard.sees(shown(blind_ms=5001, blind_why="the mark of ABCUSDT")) is RiskStage.NO_AVERAGING
    assert guard.said[-1].cause == "blind: the mark of ABCUSDT for 5001 ms, more than 5000 ms"
    strict = Guard(blind_after_ms=5000, blind_stage=RiskStage.FLATTEN)
    assert strict.sees(Figures(now_ms=NOW_MS, totals={}, blind_ms=5001)) is RiskStage.FLATTEN
    old = Guard(wallet_blind_after_ms=5000)
    assert old.sees(Figures(now_ms=NOW_MS, totals={}, wallet_ms=5001)) is RiskStage.NO_AVERAGING


def test_who_sees_again_needs_no_calm_but_for_what_the_figures_asked() -> None:
    guard = Guard(blind_after_ms=5000, mm_rate_pct=BOUNDS, calm_ms=60_000)
    unseen: dict[str, Any] = {"blind_ms": 5001, "blind_why": "the mark of ABCUSDT"}
    for later, rate, how, stage in (
        (0, "0", unseen, RiskStage.NO_AVERAGING),
        (1_000, "0", {}, RiskStage.NORMAL),
        (2_000, "0.15", {}, RiskStage.WARN),
        (3_000, "0", unseen, RiskStage.NO_AVERAGING),
        (90_000, "0", unseen, RiskStage.NO_AVERAGING),
        (91_000, "0", {}, RiskStage.WARN),  # calm is not proven by what was not seen
        (91_001, "0", {}, RiskStage.WARN),
        (152_000, "0", {}, RiskStage.NORMAL),
        (153_000, "0.45", unseen, RiskStage.REDUCE),
        (900_000, "0", unseen, RiskStage.REDUCE),
        (901_000, "0", {}, RiskStage.REDUCE),
        (961_000, "0", {}, RiskStage.NORMAL),
    ):
        assert guard.sees(shown(NOW_MS + later, mm_rate=D(rate), **how)) is stage, later
    assert guard.said[1].cause == "it sees again"


def test_the_venues_figure_counts_where_it_is_higher_and_fresh() -> None:
    worse: dict[str, Any] = {"mm_rate": D("0.15"), "venue_mm_rate": D("0.35")}
    guard = Guard(mm_rate_pct=BOUNDS)
    assert guard.sees(shown(**worse, venue_age_ms=10_001)) is RiskStage.WARN
    assert guard.sees(shown(**worse, venue_age_ms=10_000)) is RiskStage.NO_AVERAGING
    assert guard.said[-1].cause.startswith("maintenance margin rate (the venue's figure, 10000 ms old)")


def test_the_balance_buffer_and_the_cap_end_averaging() -> None:
    guard = Guard(balance_buffer_pct=D(10))
    assert guard.sees(shown(free=D(100))) is RiskStage.NORMAL
    assert guard.sees(shown(free=D("99.99"))) is RiskStage.NO_AVERAGING
    capped = Guard(max_open_notional_usdt=D(5000))
    assert capped.sees(shown(worst_notional=D(5000))) is RiskStage.NORMAL
    assert capped.sees(shown(worst_notional=D("5000.01"))) is RiskStage.NO_AVERAGING
    assert capped.said[-1].cause == "open notional 5000.01 USDT, all orders filled > 5000 USDT"


def test_the_way_back_waits_for_eased_bounds_and_for_calm() -> None:
    guard = Guard(mm_rate_pct=BOUNDS, hysteresis_pct=D(10), calm_ms=60_000)
    assert guard.sees(shown(mm_rate=D("0.35"))) is RiskStage.NO_AVERAGING
    for later, rate, stage in (
        (1_000, "0.28", RiskStage.NO_AVERAGING),  # below the bound, not below the eased one of 27 %
        (90_000, "0.28", RiskStage.NO_AVERAGING),
        (100_000, "0.26", RiskStage.NO_AVERAGING),
        (159_999, "0.26", RiskStage.NO_AVERAGING),
        (160_000, "0.26", RiskStage.NO_NEW_CYCLES),
        (170_000, "0.05", RiskStage.NO_NEW_CYCLES),
        (200_000, "0.185", RiskStage.NO_NEW_CYCLES),  # the calm is over
        (210_000, "0.05", RiskStage.NO_NEW_CYCLES),
        (269_999, "0.05", RiskStage.NO_NEW_CYCLES),
        (270_000, "0.05", RiskStage.NORMAL),
        (270_001, "0.45", RiskStage.REDUCE),
    ):
        assert guard.sees(shown(NOW_MS + later, mm_rate=D(rate))) is stage, later
    assert [event.stage for event in guard.said] == [3, 2, 0, 4]


def test_reducing_goes_on_in_rounds_while_the_danger_lasts() -> None:
    guard = Guard(mm_rate_pct=BOUNDS, reduce_every_ms=10_000, reduce_keep_pct=D(40), calm_ms=0)
    high, middle = D("0.45"), D("0.39")
    for later, rate, rounds in (
        (0, high, 1),
        (9_999, high, 1),
        (10_000, high, 2),
        (19_000, middle, 2),
        (25_000, middle, 2),
    ):
        guard.sees(shown(NOW_MS + later, mm_rate=rate))
        assert guard.state.round == rounds, later
    assert guard.sees(shown(NOW_MS + 26_000, mm_rate=high)) is RiskStage.REDUCE
    assert guard.state.round == 3
    assert {event.keep for event in guard.said} == {D("0.4")}
    guard.sees(shown(NOW_MS + 27_000, mm_rate=D("0.01")))
    guard.sees(shown(NOW_MS + 28_000, mm_rate=high))
    assert (guard.said[-1].stage, guard.said[-1].round) == (RiskStage.REDUCE, 4)  # a round is never told twice


def test_flatten_is_left_only_at_the_operators_word() -> None:
    guard = Guard(mm_rate_pct=BOUNDS, drawdown_pct=BOUNDS, calm_ms=0)
    guard.sees(shown())
    assert guard.sees(shown(mm_rate=D("0.6"), total="-600", equity=D(400))) is RiskStage.FLATTEN
    assert guard.said[-1].keep == 0
    later = NOW_MS + 1_000_000
    assert guard.sees(shown(later, total="-600", equity=D(400))) is RiskStage.FLATTEN
    assert guard.sees(shown(later, total="-600", equity=D(400)), NOW_MS) is RiskStage.FLATTEN  # an older word
    assert guard.sees(shown(later, total="-600", equity=D(400)), later) is RiskStage.NORMAL
    assert guard.state.losses == Losses(D(0), D(0))
    assert guard.sees(shown(later, total="-700", equity=D(300)), later) is RiskStage.NO_NEW_CYCLES  # told twice
    assert guard.state.losses == Losses(D(100), D(100))


def test_leave_to_go_on_does_not_silence_a_danger_that_lasts() -> None:
    guard = Guard(mm_rate_pct=BOUNDS)
    guard.sees(shown(mm_rate=D("0.6")))
    assert guard.sees(shown(mm_rate=D("0.6")), NOW_MS + 1) is RiskStage.FLATTEN


def test_a_quiet_account_says_nothing_and_keeps_its_state() -> None:
    guard = Guard(mm_rate_pct=BOUNDS)
    guard.sees(shown())
    before = guard.state
    guard.sees(shown(NOW_MS + 50))
    assert guard.state is before
    assert guard.said == []


def test_the_state_survives_its_encoding() -> None:
    guard = Guard(mm_rate_pct=BOUNDS)
    guard.sees(shown(total="-3.5", mm_rate=D("0.45")))
    again = msgspec.json.decode(msgspec.json.encode(guard.state), type=GuardState)
    assert again == guard.state


def test_thresholds_name_the_strictest_bound_reached() -> None:
    some = Thresholds(warn=D(1), reduce=D(2))
    assert some.at_least(Decimal(5)) == (RiskStage.REDUCE, D(2))
    assert some.at_least(D("0.9"), D("0.1")) == (RiskStage.WARN, D("0.9"))
    assert some.at_least(D("0.5")) == (RiskStage.NORMAL, D(0))
    assert Leg.LONG.word == "long"
