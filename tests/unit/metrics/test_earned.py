"""Net by UTC day: complete from the first row, honest where it is not, and bounded."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.metrics.earned import DAYS_KEPT, WEEK, DailyNet, day_start_ms
from hedgegrid.metrics.ledger_projection import LedgerMemory, LedgerProjection
from tests.unit.metrics import sample
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS, d

DAY_MS = 24 * 3600 * 1000


def test_today_begins_at_midnight_utc() -> None:
    midnight = day_start_ms(NOW_MS, 1)
    assert midnight % DAY_MS == 0
    net = DailyNet()
    net.add(BTC, midnight - 1, D(5))
    net.add(BTC, midnight, D(2))
    assert net.of(NOW_MS, 1) == 2
    assert net.of(NOW_MS, WEEK) == 7
    assert net.of(NOW_MS, 1, "ETHUSDT") == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.decimals(-100, 100, places=8)), max_size=40))
def test_a_week_is_the_sum_of_its_days_and_old_days_go(rows: list[tuple[int, D]]) -> None:
    net = DailyNet()
    rows.sort()
    for day, amount in rows:
        net.add(BTC, NOW_MS + day * DAY_MS, amount)
    now = NOW_MS + 20 * DAY_MS
    assert net.of(now, WEEK) == sum((amount for day, amount in rows if day > 20 - WEEK), D(0))
    assert len(net.by_day) <= DAYS_KEPT


def test_fills_and_funding_count_net_of_costs_and_survive_a_restart() -> None:
    projection = LedgerProjection(ACCOUNT)
    projection.apply("1-0", sample.fill(gross=d(3), fee=d("0.25")))
    projection.apply("2-0", sample.funding(amount=d("0.5")))
    again = LedgerProjection(ACCOUNT)
    again.load(projection.dump())
    assert again.memory.daily.of(NOW_MS, 1) == d("2.25")
    assert again.memory.daily.since_ms == 0, "complete"


def test_totals_of_an_older_version_say_since_when_days_are_counted() -> None:
    older = LedgerProjection(ACCOUNT)
    older.apply("1-0", sample.fill(gross=d(3)))
    older.memory = LedgerMemory()  # it knew no days
    newer = LedgerProjection(ACCOUNT)
    newer.load(older.dump())
    newer.apply("2-0", sample.fill(ts_event=NOW_MS + 5, gross=d(1), fee=d(0)))
    assert newer.memory.daily.since_ms == NOW_MS + 5
    assert newer.memory.daily.of(NOW_MS, 1) == 1
