"""A new config: what it means for each bot, and what is refused."""

import msgspec
import pytest

from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.order import Leg
from hedgegrid.runtime.config import SystemConfig, parse_config
from hedgegrid.strategy.core.config_change import as_text
from hedgegrid.strategy.core.state import BotState, LegState
from hedgegrid.strategy.plans import plans_of
from hedgegrid.strategy.transition.changes import ALL, Change, Effect, Running, changes, restarts
from tests.unit.metrics.sample import d
from tests.unit.strategy.situations import settled

BTC, ETH = ("main", "BTCUSDT"), ("main", "ETHUSDT")


def config(*bots: str, head: str = "", account: str = "", symbols: tuple[str, ...] = ("BTCUSDT",)) -> SystemConfig:
    text = f'{head}\n[[accounts]]\nid = "main"\n{account}\n'
    for number, symbol in enumerate(symbols):
        extra = bots[number] if number < len(bots) else ""
        params = "" if "strategy" in extra else "initial_margin_usdt = 10\n"
        leverage = "" if "leverage" in extra else "leverage = 5\n"
        text += f'[[accounts.bots]]\nsymbol = "{symbol}"\n{leverage}{params}{extra}\n'
    return parse_config(text)


def flat(symbol: str = "BTCUSDT") -> BotState:
    [plan] = plans_of(config(symbols=(symbol,)).accounts[0])
    return BotState(symbol=symbol, life=1, reconciled=True, config=as_text(plan.config))


def holding(symbol: str = "BTCUSDT") -> BotState:
    long = LegState(book=LegBook(leg=Leg.LONG, qty=d("0.01"), entry_value=d(600)))
    return msgspec.structs.replace(flat(symbol), long=long)


def found(new: SystemConfig, *, old: SystemConfig | None = None, **states: BotState) -> list[Change]:
    running = Running({("main", symbol): state for symbol, state in states.items()})
    return changes(old or config(), new, running)


def only(new: SystemConfig, **states: BotState) -> Change:
    [change] = changes(config(), new, Running({("main", symbol): state for symbol, state in states.items()}))
    return change


def test_the_same_config_changes_nothing() -> None:
    assert found(config(), BTCUSDT=holding()) == []


def test_a_new_bot_needs_every_service_the_executor_first() -> None:
    change = only(config(symbols=("BTCUSDT", "ETHUSDT")), BTCUSDT=holding())
    assert change.text == "new: begins ACTIVE with leverage 5"
    assert restarts([change]) == list(ALL)


def test_a_bot_may_go_when_it_is_flat_and_only_then() -> None:
    both = config(symbols=("BTCUSDT", "ETHUSDT"))
    [gone] = found(config(), old=both, BTCUSDT=flat(), ETHUSDT=flat("ETHUSDT"))
    assert gone.effect is Effect.NOTE
    [gone] = found(config(), old=both, BTCUSDT=flat(), ETHUSDT=holding("ETHUSDT"))
    assert gone.effect is Effect.REFUSED
    assert "long 0.01" in gone.text
    assert "hedgegrid state main:ETHUSDT flatten" in gone.text


def test_working_orders_alone_keep_a_bot() -> None:
    state = settled(averaging_style="resting").state
    orders = msgspec.structs.replace(state.long, book=LegBook(leg=Leg.LONG), levels=())
    state = msgspec.structs.replace(flat(), long=orders)
    both = config(symbols=("BTCUSDT", "ETHUSDT"))
    [gone] = found(config(symbols=("ETHUSDT",)), old=both, BTCUSDT=state)
    assert gone.effect is Effect.REFUSED


def test_a_state_that_the_config_in_place_does_not_name_counts_too() -> None:
    [gone] = found(config(), BTCUSDT=flat(), SOLUSDT=holding("SOLUSDT"))
    assert (gone.effect, gone.subject) == (Effect.REFUSED, "main:SOLUSDT")


def test_without_redis_nothing_is_removed_and_no_mode_changed() -> None:
    both = config(symbols=("BTCUSDT", "ETHUSDT"))
    [gone] = changes(both, config(), Running({}, known=False))
    assert gone.effect is Effect.REFUSED
    [mode] = changes(config(), config(head='mode = "demo"'), Running({}, known=False))
    assert mode.effect is Effect.REFUSED
    assert changes(both, both, Running({}, known=False)) == []


def test_another_mode_needs_another_redis() -> None:
    demo = config(head='mode = "demo"')
    assert only(demo).effect is Effect.CARE
    assert [one.effect for one in found(demo, BTCUSDT=flat())] == [Effect.REFUSED]


def test_the_strategy_changes_only_when_flat() -> None:
    ranged = config(
        'strategy = "range_grid"\nlower_price = 50000\nupper_price = 60000\ncells = 5\ncell_margin_usdt = 50\n'
    )
    assert only(ranged, BTCUSDT=holding()).effect is Effect.REFUSED
    assert only(ranged, BTCUSDT=flat()).effect is Effect.CARE


@pytest.mark.parametrize(
    ("setting", "when_open", "when_flat", "effect"),
    [
        ("grid_step_pct = 2", "keeps the old value until it is flat", "from the next cycle on", Effect.NOTE),
        ("take_profit_pct = 2", "for open cycles too", "holds at once", Effect.NOTE),
        ("stop_loss_pct = 9", "a price already beyond it closes", "holds at once", Effect.CARE),
        ("max_leg_notional_usdt = 9", "is kept, and does not grow", "holds at once", Effect.CARE),
        ("leverage = 9", "whose initial margin changes", "from the next cycle on", Effect.CARE),
        ('trading_state = "TP_ONLY"', "moves there", "moves there", Effect.CARE),
    ],
)
def test_a_setting_is_told_with_its_transition(setting: str, when_open: str, when_flat: str, effect: Effect) -> None:
    new = config(setting)
    change = only(new, BTCUSDT=holding())
    assert when_open in change.text
    assert change.effect is effect
    assert when_flat in only(new, BTCUSDT=flat()).text
    assert "strategy" in change.services
    assert ("executor" in change.services) is setting.startswith("leverage")


def test_the_bot_is_compared_with_what_it_runs_by_not_with_the_file() -> None:
    """The file may have been changed before without a restart."""
    state = msgspec.structs.replace(flat(), config=flat().config | {"take_profit_pct": "7"})
    assert only(config(), BTCUSDT=state).text.startswith("take_profit_pct 7 → 1")


def test_settings_of_the_account() -> None:
    guard = "[accounts.guard]\nblind_stage = 'flatten'"
    new = config(account=f"dry_run = true\nmax_order_notional_usdt = 500\n{guard}")
    texts = [(one.effect, one.text.partition(":")[0]) for one in found(new, BTCUSDT=flat())]
    assert (Effect.CARE, "dry_run false → true") in texts
    assert (Effect.NOTE, "max_order_notional_usdt none → 500") in texts
    assert any("guard.blind_stage" in text for _, text in texts)
