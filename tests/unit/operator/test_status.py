"""`hedgegrid status` on the document as the metrics service makes it, and its figures."""

import io
from typing import Any

import pytest
from rich.console import Console

from hedgegrid.bus.struct_fields import to_fields
from hedgegrid.metrics.bot_books import decode
from hedgegrid.operator.figures import age, money, percent, price, result
from hedgegrid.operator.status_table import needs_someone, render
from tests.unit.metrics import sample
from tests.unit.metrics.page_world import Given
from tests.unit.metrics.sample import ACCOUNT, BTC, d
from tests.unit.strategy.situations import settled


def drawn(document: dict[str, Any]) -> str:
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(render(document))
    return out.getvalue()


def test_a_fresh_system_is_shown_without_any_figure() -> None:
    text = drawn(Given().shown())
    for part in ("main" if ACCOUNT == "main" else ACCOUNT, BTC, "not started", "no executor is running", "dry run"):
        assert part in text


def test_a_bot_in_the_middle_of_its_cycles() -> None:
    given = Given()
    given.everything_runs()
    given.bots.books[ACCOUNT, BTC] = decode(to_fields(settled().state))
    given.account.events.apply("1-0", sample.position(qty=d("0.016"), entry_px=d("50000.5"), liq_px=d("4.1E+4")))
    given.account.events.apply("2-0", sample.wallet(equity=d("1234567.891"), mm_rate=d("0.0234")))
    given.account.ledger.apply("1-0", sample.fill(gross=d("4.9")))
    given.market.apply(BTC, "1-0", sample.tick(mark_px=d(49000)))
    text = drawn(given.shown())
    for part in ("1,234,567.89", "2.34 %", "50,000.5", "41,000.0", "1/4", "-16.01", "+4.80", "ACTIVE"):
        assert part in text, part
    assert not needs_someone(given.shown()), "one bot that was not started is worth knowing, not wrong"
    given.bots.unreadable.add((ACCOUNT, BTC))
    assert needs_someone(given.shown())


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (money("1E+3"), "1,000.00"),
        (money(None), "-"),
        (result("0.00012"), "+0.0001"),
        (result("-1234.567"), "-1,234.57"),
        (result("0"), "0.00"),
        (result("-0.00000001"), "0.00"),
        (percent("0.01234"), "1.23 %"),
        (price("65000.123456", "0.10"), "65,000.1"),
        (price("0.00001234", "0.00000001"), "0.00001234"),
        (price("123456", "1"), "123,456"),
        (price("1E-7", None), "0.0000001"),
        (age(None), "-"),
        (age(119_000), "119 s"),
        (age(600_000), "10 min"),
        (age(3 * 3_600_000), "3.0 h"),
    ],
)
def test_figures_are_readable(shown: str, text: str) -> None:
    assert shown == text
