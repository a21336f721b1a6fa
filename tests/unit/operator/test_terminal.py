"""What a person sees: table, plain lines, shortened log lines."""

import io

from rich.console import Console

from hedgegrid.operator.bot_view import parse_state
from hedgegrid.operator.log_lines import readable
from hedgegrid.operator.table import LiveTable, PlainLines, draw, open_display

LEG = {
    "qty": "0.016",
    "level": 2,
    "working_orders": 1,
    "cycles": 3,
    "realised": {"gross": "5", "fees": "-0.2", "funding": "0.1", "net": "4.9"},
    "unrealised": None,
}
STATE = {
    "bots": [
        {
            "account": "main",
            "symbol": "BTCUSDT",
            "last_px": "65000.1",
            "state": None,
            "legs": {"long": LEG, "short": LEG | {"qty": None}},
        }
    ]
}


def test_the_table_shows_each_leg() -> None:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    console.print(draw(parse_state(STATE), "hedgegrid demo"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for word in ("main BTCUSDT", "65000.1", "long", "short", "0.016", "4.9", "-0.2", "0.1"):
        assert word in text


def test_plain_lines_come_one_per_bot_and_not_too_often() -> None:
    out = io.StringIO()
    with open_display(Console(file=out, force_terminal=False)) as display:
        assert isinstance(display, PlainLines)
        display.show([], "nobody yet")
        for _ in range(3):
            display.show(parse_state(STATE), "headline")
        display.say("[a path] stays as it is")
    legs = ("long 0.016 levels 2 cycles 3", "short - levels 2 cycles 3")
    line = " | ".join(["main BTCUSDT 65000.1 -", *(f"{leg} realised 4.9 unrealised -" for leg in legs)])
    assert out.getvalue().splitlines() == [line, "[a path] stays as it is"]


def test_a_terminal_gets_one_table_in_place() -> None:
    out = io.StringIO()
    with open_display(Console(file=out, force_terminal=True, width=160)) as display:
        assert isinstance(display, LiveTable)
        display.show(parse_state(STATE), "headline")
        display.say("a line above the table")
    assert "headline" in out.getvalue()
    assert "a line above the table" in out.getvalue()


def test_log_lines_are_cut_down() -> None:
    crash = '{"level":"CRITICAL","msg":"executor crashed","exc":"Traceback\\n  File x\\nKeyError: \'a\'"}'
    assert readable(crash) == "CRITICAL executor crashed: KeyError: 'a'"
    assert readable('{"level":"INFO","msg":"started"}') == "INFO started"
    assert readable("exchange-sim: --tape x: the file is empty") == "exchange-sim: --tape x: the file is empty"
    assert len(readable("x" * 5000)) == 300
    assert readable("[1]") == "[1]"
