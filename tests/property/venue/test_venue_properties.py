"""What must hold for any order flow; a failure prints the blob that reproduces it."""

from collections import defaultdict
from decimal import Decimal as D

from hypothesis import HealthCheck, given, settings

from hedgegrid.domain.order import ExecType, OrderType, Side
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import ExecutionReport, OrderReport, OrderStatus, PositionReport, Report, WalletReport
from hedgegrid.venue.requests import Accepted, MarketQuote, MarketTrade
from tests.property.venue.flow import DEPOSIT, SYMBOLS, Act, acts, run

flows = given(flow=acts())
checks = settings(max_examples=300, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])


def active(venue: Venue, account: str) -> list[OrderReport]:
    return [order for order in venue.orders_open(account) if order.status.is_active]


def signed(side: Side, qty: D) -> D:
    return qty if side is Side.BUY else -qty


def trades(reports: list[Report]) -> list[ExecutionReport]:
    return [r for r in reports if isinstance(r, ExecutionReport) and r.exec_type is ExecType.TRADE]


def maker_qty(reports: list[Report]) -> D:
    return sum((r.exec_qty for r in trades(reports) if r.is_maker), D(0))


@checks
@flows
def test_money_is_conserved_to_the_last_digit(flow: list[Act]) -> None:
    played = run(flow)
    for account, deposit in DEPOSIT.items():
        rows = played.executions(account)
        gross = sum((r.exec_pnl for r in rows), D(0))
        paid = sum((r.exec_fee for r in rows), D(0))
        wallet = played.venue.wallet(account)
        assert wallet.wallet_balance == deposit + gross - paid
        positions = [p for s in SYMBOLS for p in played.venue.positions(account, s)]
        assert wallet.wallet_balance == deposit + sum((p.cum_realised_pnl for p in positions), D(0))
        # Cash paid and received for every fill, plus what is held valued at the mark, less fees and funding.
        cash = -sum((signed(r.side, r.exec_value) for r in rows if r.exec_type is not ExecType.FUNDING), D(0))
        held = sum((signed(p.side, p.size * p.mark_price) for p in positions if p.side), D(0))
        assert wallet.equity == deposit + cash + held - paid


@checks
@flows
def test_positions_are_the_sum_of_fills(flow: list[Act]) -> None:
    played = run(flow)
    sums: dict[tuple[str, str, int], D] = defaultdict(D)
    for row in played.executions():
        if row.exec_type is not ExecType.FUNDING:
            sums[row.account, row.symbol, row.position_idx] += signed(row.side, row.exec_qty)
    for account in DEPOSIT:
        for symbol in SYMBOLS:
            for position in played.venue.positions(account, symbol):
                expected = sums[account, symbol, position.position_idx]
                assert position.size == abs(expected)
                if position.side is not None:
                    assert signed(position.side, position.size) == expected
                if position.position_idx:
                    assert expected >= 0 if position.position_idx == 1 else expected <= 0


@checks
@flows
def test_an_input_never_fills_more_resting_quantity_than_it_brought(flow: list[Act]) -> None:
    for act, batch in run(flow).batches:
        if isinstance(act.step, MarketTrade):
            assert maker_qty(batch) <= act.step.qty
        elif isinstance(act.step, MarketQuote):
            assert maker_qty(batch) <= act.step.bid_qty + act.step.ask_qty


@checks
@flows
def test_a_quote_side_gives_its_best_level_once(flow: list[Act]) -> None:
    """All fills at the displayed best price while a quote stands unchanged stay within its displayed size."""
    shown: dict[tuple[str, Side], tuple[D, D]] = {}
    taken: dict[tuple[str, Side], D] = defaultdict(D)
    for act, batch in run(flow).batches:
        step = act.step
        if isinstance(step, MarketQuote):
            for side, quote in ((Side.SELL, (step.ask_px, step.ask_qty)), (Side.BUY, (step.bid_px, step.bid_qty))):
                if shown.get((step.symbol, side)) != quote:
                    shown[step.symbol, side] = quote
                    taken[step.symbol, side] = D(0)
        for row in trades(batch):
            if row.is_maker:
                continue
            key = (row.symbol, row.side.opposite)
            if key in shown and row.exec_price == shown[key][0]:
                taken[key] += row.exec_qty
                assert taken[key] <= shown[key][1]


@checks
@flows
def test_no_fill_is_worse_than_the_limit(flow: list[Act]) -> None:
    for row in trades(run(flow).reports()):
        worse = row.exec_price - row.order_price
        assert worse <= 0 if row.side is Side.BUY else worse >= 0
        if row.is_maker:
            assert worse == 0
            assert row.order_type is OrderType.LIMIT


@checks
@flows
def test_an_order_ends_once_and_adds_up(flow: list[Act]) -> None:
    played = run(flow)
    last: dict[str, OrderReport] = {}
    for report in played.reports():
        if not isinstance(report, OrderReport):
            continue
        before = last.get(report.order_id)
        if before is not None:
            assert before.status.is_open
            assert (report.status is OrderStatus.DEACTIVATED) <= (before.status is OrderStatus.UNTRIGGERED)
            assert report.cum_exec_qty >= before.cum_exec_qty
        assert report.cum_exec_qty <= report.qty
        assert (report.status is OrderStatus.FILLED) == (report.cum_exec_qty == report.qty)
        assert report.leaves_qty == (report.qty - report.cum_exec_qty if report.status.is_open else 0)
        last[report.order_id] = report
    for order in last.values():
        rows = [r for r in played.executions() if r.order_id == order.order_id]
        assert sum((r.exec_qty for r in rows), D(0)) == order.cum_exec_qty
        assert sum((r.exec_value for r in rows), D(0)) == order.cum_exec_value
        assert sum((r.exec_fee for r in rows), D(0)) == order.cum_exec_fee
        assert sum((r.closed_size for r in rows), D(0)) == order.closed_size
        assert order == played.venue.order_by_id(order.account, order.order_id)


@checks
@flows
def test_closing_orders_never_exceed_what_they_close(flow: list[Act]) -> None:
    played = run(flow)
    closing = {Side.SELL: 1, Side.BUY: 2}
    for order in active(played.venue, "hedged"):
        if closing[order.side] == order.position_idx:
            assert order.leaves_qty <= played.venue.position("hedged", order.symbol, order.position_idx).size
    for order in active(played.venue, "netted"):
        position = played.venue.position("netted", order.symbol, 0)
        if order.reduce_only:
            assert position.side is order.side.opposite
            assert order.leaves_qty <= position.size


@checks
@flows
def test_closed_order_results_and_open_fees_make_up_the_wallet(flow: list[Act]) -> None:
    """Σ closedPnl of orders and of settlements, less funding and opening fees of what is still held or was settled, is
    what the wallet gained."""
    played = run(flow)
    for account, deposit in DEPOSIT.items():
        orders = played.venue.orders_open(account) + played.venue.orders_closed(account)
        closed = sum((o.closed_pnl for o in orders), D(0))
        fees = sum((o.cum_exec_fee for o in orders), D(0))
        attributed = sum((o.closed_open_fee + o.closed_close_fee for o in orders), D(0))
        rows = played.executions(account)
        funding = sum((r.exec_fee for r in rows if r.exec_type is ExecType.FUNDING), D(0))
        settled = [r.exec_pnl for r in rows if r.exec_type is ExecType.DELIVERY]
        balance = deposit + closed - (fees - attributed) - funding + sum(settled, D(0))
        assert played.venue.wallet(account).wallet_balance == balance
        if not played.venue.positions(account) and not settled:
            assert fees == attributed


@checks
@flows
def test_the_last_pushed_rows_are_what_rest_answers(flow: list[Act]) -> None:
    """Pushed positions are current in all that fills change; wallets in what is realised."""
    played = run(flow)
    positions = {(r.account, r.symbol, r.position_idx): r for r in played.reports() if isinstance(r, PositionReport)}
    for (account, symbol, idx), row in positions.items():
        now = played.venue.position(account, symbol, idx)
        assert (row.size, row.entry_price, row.cum_realised_pnl, row.seq) == (
            now.size,
            now.entry_price,
            now.cum_realised_pnl,
            now.seq,
        )
    wallets = {r.account: r for r in played.reports() if isinstance(r, WalletReport)}
    for account, wallet in wallets.items():
        assert wallet.wallet_balance == played.venue.wallet(account).wallet_balance


@checks
@flows
def test_the_same_seed_and_input_give_the_same_reports(flow: list[Act]) -> None:
    first, again, other = run(flow), run(flow), run(flow, seed=1)
    assert first.reports() == again.reports()
    ids = {r.exec_id for r in first.executions()}
    assert len(ids) == len(first.executions())
    assert ids.isdisjoint(r.exec_id for r in other.executions())


@checks
@flows
def test_a_refused_command_changes_nothing(flow: list[Act]) -> None:
    played = run(flow)
    for answer, (_, reports) in zip(played.answers, played.batches, strict=True):
        if isinstance(answer, Refused):
            assert reports == []
        elif isinstance(answer, Accepted):
            assert any(isinstance(report, OrderReport) for report in reports)
