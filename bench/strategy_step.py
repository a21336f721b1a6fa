"""`python -m bench.strategy_step`: what one step of the dual grid costs with ten levels on each leg.

Beside each figure stands its ratio to a bare dict update of the same run: the absolute figures belong to the machine.
The two limits are those of the design: a tick that decides nothing 20 µs, one that commands an order 150 µs, medians.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgegrid.domain.order import ExecType, Leg, Purpose, Side
from hedgegrid.guard.config import GuardConfig
from hedgegrid.listing.rules import rules_of
from hedgegrid.listing.table import table_rows
from hedgegrid.messages.events import OrderFilled
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.backtest.bars import Point
from hedgegrid.strategy.backtest.runner import AccountRun
from hedgegrid.strategy.core.config import AveragingStyle, DualGridConfig
from hedgegrid.strategy.core.dual_grid import DualGrid
from hedgegrid.strategy.core.inputs import CoreInput
from hedgegrid.strategy.core.quiet_range import HIGHEST
from hedgegrid.strategy.core.state import BotState
from hedgegrid.strategy.plans import BotPlan
from hedgegrid.venue.engine import Venue

D = Decimal
ROUNDS = 5_000
LEVELS = 10
SYMBOL = "BTCUSDT"
START_MS = 1_700_000_000_000
NO_ACTION_LIMIT_US, ACTION_LIMIT_US = 20, 150
INSTRUMENT = rules_of(table_rows()[SYMBOL])
CONFIG = DualGridConfig(
    leverage=D(10),
    initial_margin_usdt=D(100),
    grid_step_pct=D("0.2"),
    size_multiplier=D("1.1"),
    max_levels=11,
    take_profit_pct=D(5),
    max_leg_notional_usdt=D(10**6),
    stop_loss_pct=D(50),
)
RESTING = msgspec.structs.replace(CONFIG, averaging_style=AveragingStyle.RESTING)


class Row(NamedTuple):
    what: str
    median_us: float
    p99_us: float
    limit_us: int | None


def main() -> int:
    """Measure, print; 1 if a limit is missed."""
    update_us = _dict_update_us()
    rows = [*_rows("at trigger", CONFIG), *_rows("resting", RESTING)]
    print(f"bare dict update {update_us:.3f} µs")
    print(f"{'step':44} {'median µs':>10} {'p99 µs':>8} {'limit':>6} {'ratio':>8}")
    for row in rows:
        limit = "" if row.limit_us is None else str(row.limit_us)
        print(f"{row.what:44} {row.median_us:10.2f} {row.p99_us:8.1f} {limit:>6} {row.median_us / update_us:8.0f}")
    missed = [row.what for row in rows if row.limit_us is not None and row.median_us > row.limit_us]
    if missed:
        print(f"too slow: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _rows(name: str, config: DualGridConfig) -> list[Row]:
    state = whole = ten_levels(config)
    price = _price_of(state)
    quiet = [_tick(price + D(n % 3) / 10, n) for n in range(ROUNDS)]
    awake = msgspec.structs.replace(state, quiet_above=HIGHEST, quiet_below=D(0), wake_ms=0)
    rows = [
        _timed(f"{name}: tick inside the quiet range", config, state, quiet, 0, NO_ACTION_LIMIT_US),
        _timed(f"{name}: the same, range not asked", config, awake, quiet, 0, None),
    ]
    if config.averaging_style is AveragingStyle.TRIGGER:
        due = [_tick(state.long.levels[-1].px * D("0.997"), n) for n in range(ROUNDS)]
        rows.append(_timed(f"{name}: tick that commands an order", config, state, due, 1, ACTION_LIMIT_US))
    else:
        state = msgspec.structs.replace(state, long=msgspec.structs.replace(state.long, orders=()))
        bare = msgspec.structs.replace(state, quiet_above=HIGHEST, quiet_below=D(0), wake_ms=0)
        rows.append(_timed(f"{name}: tick that commands two orders", config, bare, quiet, 2, ACTION_LIMIT_US))
    rows.append(_timed(f"{name}: fill that amends the take-profit", config, whole, _fills(whole), 1, ACTION_LIMIT_US))
    return rows


def ten_levels(config: DualGridConfig) -> BotState:
    """A bot whose legs have ten levels each, take-profits resting."""
    venue = Venue([INSTRUMENT], seed=1)
    venue.open_account("main", D(10**7), hedge_mode=True, leverage=D(10))
    price, now_ms = D(60000), START_MS
    run = AccountRun(venue, "main", [BotPlan(SYMBOL, DualGrid(), config)], GuardConfig(), now_ms)
    run.start({SYMBOL: Point(now_ms, price, D(1000))})
    bot = run.bots[SYMBOL]
    for leg in Leg:
        while len(bot.state.legs[leg.value - 1].levels) < LEVELS:
            now_ms += 100
            price = INSTRUMENT.price_down(price * (1 - leg.sign * D("0.0021")))
            run.moment({SYMBOL: Point(now_ms, price, D(1000))}, now_ms)
    return bot.state


def _price_of(state: BotState) -> Decimal:
    """Half way between the legs' next levels."""
    long, short = state.legs
    return INSTRUMENT.price_down((long.levels[-1].px + short.levels[-1].px) / 2)


def _tick(price: Decimal, number: int) -> QuoteTick:
    price = INSTRUMENT.price_down(price)
    now_ms = START_MS + 10**7 + number
    return QuoteTick(
        symbol=SYMBOL,
        last_px=price,
        mark_px=price,
        bid_px=price - D("0.1"),
        ask_px=price + D("0.1"),
        ts_event=now_ms,
        ts_init=now_ms,
        cause_ns=0,
    )


def _fills(state: BotState) -> list[OrderFilled]:
    """A part of the long take-profit, told to the same state again and again."""
    fill = OrderFilled(
        symbol=SYMBOL,
        client_order_id=f"h{state.life}-{SYMBOL}-LT00-zzz",
        venue_order_id="1",
        leg=Leg.LONG,
        trade_id="1",
        side=Side.SELL,
        exec_type=ExecType.TRADE,
        last_qty=D("0.001"),
        last_px=D(61000),
        closed_qty=D("0.001"),
        leaves_qty=D(0),
        fee=D("0.01"),
        gross=D("0.1"),
        is_maker=True,
        seq=10**9,
        ts_event=START_MS + 10**7,
        ts_init=START_MS + 10**7,
    )
    take_profit = state.long.order(Purpose.TAKE_PROFIT, 0)
    if take_profit is None:
        raise AssertionError("no take-profit rests")
    return [msgspec.structs.replace(fill, client_order_id=take_profit.client_order_id)] * ROUNDS


def _timed(
    what: str,
    config: DualGridConfig,
    state: object,
    events: Sequence[CoreInput],
    commands: int,
    limit_us: int | None,
) -> Row:
    """Step each event on the same state; every step must give that many commands."""
    grid = DualGrid()
    samples: list[int] = []
    for event in events:
        started = time.perf_counter_ns()
        decision = grid.step(config, state, event)  # type: ignore[arg-type]
        samples.append(time.perf_counter_ns() - started)
        if len(decision.commands) != commands:
            raise AssertionError(f"{what}: {len(decision.commands)} commands instead of {commands}")
    samples.sort()
    return Row(what, statistics.median(samples) / 1000, samples[int(len(samples) * 0.99)] / 1000, limit_us)


def _dict_update_us() -> float:
    prices: dict[str, Decimal] = {}
    price = D(60000)
    started = time.perf_counter_ns()
    for _ in range(ROUNDS * 20):
        prices[SYMBOL] = price
    return (time.perf_counter_ns() - started) / (ROUNDS * 20) / 1000


if __name__ == "__main__":
    sys.exit(main())
