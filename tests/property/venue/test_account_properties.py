"""Margins from first principles, the transaction log, and what must hold of every account after every input."""

from collections import defaultdict
from decimal import ROUND_DOWN
from decimal import Decimal as D
from itertools import pairwise

from hypothesis import HealthCheck, given, settings

from hedgegrid.domain.order import ExecType, Side
from hedgegrid.venue.conditions import StopOrderType, TriggerBy
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.market import Phase
from hedgegrid.venue.reports import OrderReport
from hedgegrid.venue.requests import FundingDue, MarketTrade, MarkPrice
from tests.property.venue.flow import DEPOSIT, LEVERAGE, SYMBOLS, Act, Run, acts, run

flows = given(flow=acts())
checks = settings(max_examples=200, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
TAKER_FEE = D("0.00055")
DIGIT = D("0.00000001")


class Books:
    """Positions of an account built from its executions alone: signed quantity and entry value per symbol and index."""

    def __init__(self, played: Run, account: str) -> None:
        self.held: dict[tuple[str, int], tuple[D, D]] = defaultdict(lambda: (D(0), D(0)))
        for row in played.executions(account):
            if row.exec_type is ExecType.FUNDING:
                continue
            key = (row.symbol, row.position_idx)
            qty, entry = self.held[key]
            sign = 1 if row.side is Side.BUY else -1
            closed = row.closed_size
            # What closed leaves at its entry value: the value of the exit less what it earned.
            entry -= closed * row.exec_price + sign * row.exec_pnl if closed else 0
            entry += (row.exec_qty - closed) * row.exec_price
            self.held[key] = (qty + sign * row.exec_qty, entry)


def marks(played: Run) -> dict[str, D]:
    seen = dict.fromkeys(SYMBOLS, D(100))
    for act, _ in played.batches:
        if isinstance(act.step, MarkPrice):
            seen[act.step.symbol] = act.step.mark_px
    return seen


def close_fee(entry: D, long: bool, leverage: D) -> D:
    """Taker fee at the bankruptcy price, where the margin of the entry is used up."""
    return (entry - entry / leverage if long else entry + entry / leverage) * TAKER_FEE


@checks
@flows
def test_margins_recompute_from_first_principles(flow: list[Act]) -> None:
    played = run(flow)
    for account in DEPOSIT:
        leverage, at, wallet = LEVERAGE[account], marks(played), played.venue.wallet(account)
        initial = maintenance = unrealised = D(0)
        for (symbol, _), (qty, entry) in Books(played, account).held.items():
            if not qty:
                continue
            value, fee = abs(qty) * at[symbol], close_fee(entry, qty > 0, leverage)
            rows = played.venue.risk_limits(symbol)
            tier = next(row.tier for row in rows if value <= row.tier.limit_value)
            initial += value / leverage + fee
            maintenance += value * tier.mm_rate - tier.mm_deduction + fee
            unrealised += value - entry if qty > 0 else entry - value
        assert abs(wallet.position_im - initial) <= DIGIT
        assert abs(wallet.maintenance_margin - maintenance) <= DIGIT
        assert wallet.unrealised_pnl == unrealised
        assert wallet.margin_balance == wallet.equity == wallet.wallet_balance + unrealised
        assert abs(wallet.initial_margin - initial - wallet.order_im) <= DIGIT
        if wallet.margin_balance > maintenance > 0:
            rate = (maintenance / wallet.margin_balance).quantize(D("0.0001"), rounding=ROUND_DOWN)
            assert wallet.account_mm_rate == rate
            total = (initial + wallet.order_im) / wallet.margin_balance
            assert abs(wallet.account_im_rate - total) <= D("0.0001")
            available = max(wallet.margin_balance - initial - wallet.order_im, D(0))
            assert abs(wallet.available_balance - available) <= 2 * DIGIT


@checks
@flows
def test_margin_is_held_for_exactly_the_active_entries(flow: list[Act]) -> None:
    """In hedge mode every order on a leg's opening side enlarges it; conditional orders hold nothing."""
    venue, leverage = run(flow).venue, LEVERAGE["hedged"]
    held = D(0)
    for order in venue.orders_open("hedged"):
        if order.status.is_active and order.position_idx == (1 if order.side is Side.BUY else 2):
            value = order.leaves_qty * order.price
            held += value / leverage + value * TAKER_FEE + close_fee(value, order.side is Side.BUY, leverage)
    assert abs(venue.wallet("hedged").order_im - held) <= DIGIT


@checks
@flows
def test_the_transaction_log_explains_every_digit_of_the_balance(flow: list[Act]) -> None:
    venue = run(flow).venue
    for account, deposit in DEPOSIT.items():
        rows = venue.transactions(account)[::-1]
        balance = venue.wallet(account).wallet_balance
        assert sum((row.change for row in rows), D(0)) == balance - deposit
        assert all(row.change == row.cash_flow + row.funding - row.fee for row in rows)
        assert all(later.cash_balance == row.cash_balance + later.change for row, later in pairwise(rows))
        assert not rows or rows[-1].cash_balance == balance
        for symbol in SYMBOLS:
            for position in venue.positions(account, symbol):
                sizes = [
                    r.size_after for r in venue.executions(account, symbol) if r.position_idx == position.position_idx
                ]
                assert abs(sizes[0] if sizes else D(0)) == position.size


@checks
@flows
def test_position_results_are_the_sum_over_executions(flow: list[Act]) -> None:
    played = run(flow)
    sums: dict[tuple[str, str, int], D] = defaultdict(D)
    for row in played.executions():
        sums[row.account, row.symbol, row.position_idx] += row.exec_pnl - row.exec_fee
    for account in DEPOSIT:
        for symbol in SYMBOLS:
            for position in played.venue.positions(account, symbol):
                assert position.cum_realised_pnl == sums[account, symbol, position.position_idx]


def check_orders(venue: Venue, account: str, symbol: str) -> None:
    rules = venue.instrument(symbol)
    orders = venue.orders_open(account, symbol)
    for order in orders:
        if order.status.is_active:
            assert order.leaves_qty > 0
            assert rules.is_on_step(order.qty)
            assert rules.min_price <= order.price <= rules.max_price
            assert order.price % D("0.1") == 0
        if order.stop_order_type.protects and not order.status.is_active:
            check_stop(venue, order)
    assert sum(order.status.is_active for order in orders) <= 500
    waiting = [order for order in orders if not order.status.is_active]
    assert sum(order.stop_order_type is StopOrderType.STOP for order in waiting) <= 10
    full = [(o.position_idx, o.stop_order_type) for o in waiting if o.stop_order_type.follows_size]
    assert len(full) == len(set(full))
    if venue.phase(symbol) is Phase.CLOSED:
        assert not orders
        assert all(not position.size for position in venue.positions(account, symbol))


def check_stop(venue: Venue, order: OrderReport) -> None:
    """A waiting take-profit or stop-loss closes a position that is there, and no more of it than there is."""
    position = venue.position(order.account, order.symbol, order.position_idx)
    assert position.side is order.side.opposite
    assert order.qty <= position.size
    assert not order.stop_order_type.follows_size or order.qty == position.size


def check_triggers(venue: Venue, account: str, act: Act) -> None:
    """Nothing waits for a price that has been seen."""
    prices: dict[TriggerBy, D] = {}
    if isinstance(act.step, MarketTrade):
        prices = {TriggerBy.LAST: act.step.price}
    elif isinstance(act.step, MarkPrice):
        prices = {TriggerBy.MARK: act.step.mark_px, TriggerBy.INDEX: act.step.index_px or act.step.mark_px}
    for order in venue.orders_open(account, act.step.symbol):
        trigger = order.trigger
        if trigger is None or order.status.is_active or order.stop_order_type is StopOrderType.TRAILING_STOP:
            continue
        if trigger.by in prices:
            assert not trigger.direction.is_reached(trigger.price, prices[trigger.by])


@checks
@flows
def test_no_order_stands_outside_the_rules_and_no_account_below_its_margin(flow: list[Act]) -> None:
    def watch(venue: Venue, act: Act) -> None:
        for account in DEPOSIT:
            for symbol in SYMBOLS:
                check_orders(venue, account, symbol)
            check_triggers(venue, account, act)
            if isinstance(act.step, MarkPrice | FundingDue):
                wallet = venue.wallet(account)
                held = venue.positions(account, act.step.symbol)
                if any(position.size for position in held):
                    assert wallet.margin_balance > wallet.maintenance_margin

    run(flow, watch=watch)
