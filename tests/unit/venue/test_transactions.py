"""The transaction log: every change of the wallet, and what it left."""

from decimal import Decimal as D
from itertools import pairwise

from hedgegrid.venue.reports import TransactionType
from tests.unit.venue.desk import BUY, SELL, Desk


def test_rows_say_what_the_wallet_saw() -> None:
    desk = Desk()
    desk.market(BUY, 1, "2")
    desk.market(SELL, 2, "3")
    desk.funding("0.0001")
    desk.market(SELL, 1, "1", reduce=True)
    rows = desk.venue.transactions("a")[::-1]
    assert [(r.type, r.side, r.qty, r.size) for r in rows] == [
        (TransactionType.TRADE, BUY, D(2), D(2)),
        (TransactionType.TRADE, SELL, D(3), D(-3)),
        (TransactionType.SETTLEMENT, BUY, D(2), D(2)),
        (TransactionType.SETTLEMENT, SELL, D(3), D(-3)),
        (TransactionType.TRADE, SELL, D(1), D(1)),
    ]
    funding, closing = rows[2], rows[4]
    assert (funding.funding, funding.fee, funding.cash_flow, funding.fee_rate) == (D("-0.02"), D(0), D(0), D("0.0001"))
    assert rows[3].fee_rate == D("-0.0001")
    assert (closing.cash_flow, closing.fee, closing.funding) == (D("-0.2"), D("99.9") * D("0.00055"), D(0))


def test_each_row_s_change_leads_to_its_balance() -> None:
    desk = Desk(balance="200")
    desk.market(BUY, 1, "2")
    desk.funding("0.0001")
    desk.venue.force_adl("a", "ABCUSDT", 1, D("0.5"), desk.tick())
    desk.venue.force_liquidation("a", "ABCUSDT", 1, desk.tick())
    desk.market(BUY, 1, "1")
    desk.venue.settle("ABCUSDT", desk.tick())
    rows = desk.venue.transactions("a")[::-1]
    assert [r.type.value for r in rows] == ["TRADE", "SETTLEMENT", "ADL", "LIQUIDATION", "TRADE", "DELIVERY"]
    assert all(r.change == r.cash_flow + r.funding - r.fee for r in rows)
    assert all(b.cash_balance == a.cash_balance + b.change for a, b in pairwise(rows))
    assert rows[-1].cash_balance == desk.wallet().wallet_balance == 200 + sum(r.change for r in rows)
    assert len({r.id for r in rows}) == len(rows)
