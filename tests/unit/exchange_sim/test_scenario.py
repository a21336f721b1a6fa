"""Scenario files: what is read, and one line for each bad entry."""

from pathlib import Path

import pytest

from hedgegrid.exchange_sim.faults.events import HumanClose
from hedgegrid.exchange_sim.faults.kinds import AnswerCode
from hedgegrid.exchange_sim.faults.scenario import ScenarioError, read_scenario

GOOD = """
seed = 7
[[fault]]
kind = "answer_code"
code = 10006
match = { path = "/v5/order/create", orderLinkId = "grid-*" }
probability = 0.25
count = 3
[[event]]
kind = "human_close"
at_s = 30
account = "main"
symbol = "BTCUSDT"
position_idx = 1
"""
BAD = """seed = 1
[[fault]]
kind = "answer_lost"
match = { path = "x", colour = "red" }
[[fault]]
kind = "answer_late"
delay_ms = -1
[[event]]
kind = "socket_close"
[[fault]]
kind = "nope"
[[fault]]
kind = "message_drop"
chance = 1
[[fault]]
kind = "message_drop"
from_s = 5
until_s = 5
"""


def written(folder: Path, text: str, name: str = "s.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml = read_scenario(written(tmp_path, GOOD))
    body = """{"seed": 7, "fault": [{"kind": "answer_code", "code": 10006, "probability": 0.25, "count": 3,
      "match": {"path": "/v5/order/create", "orderLinkId": "grid-*"}}],
      "event": [{"kind": "human_close", "at_s": 30, "account": "main", "symbol": "BTCUSDT", "position_idx": 1}]}"""
    assert read_scenario(written(tmp_path, body, "s.json")) == toml
    (fault,), (event,) = toml.faults, toml.events
    assert isinstance(fault, AnswerCode)
    assert (fault.code, fault.executed, fault.reset_ms, fault.count) == (10006, False, 1000, 3)
    assert isinstance(event, HumanClose)
    assert (event.at_s, event.position_idx) == (30.0, 1)


def test_every_bad_entry_gets_a_line_that_names_its_place(tmp_path: Path) -> None:
    path = written(tmp_path, BAD)
    with pytest.raises(ScenarioError) as refused:
        read_scenario(path)
    lines = str(refused.value).replace(str(path), "s.toml").splitlines()
    assert [line.partition(": ")[0] for line in lines] == [f"s.toml line {number}" for number in (4, 7, 11, 14, 18)]
    assert "match: colour unknown" in lines[0]
    assert "delay_ms" in lines[1]
    assert "nope" in lines[2]
    assert "chance" in lines[3]
    assert "until_s: must be after from_s" in lines[4]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("seed = true", "seed"),
        ("faults = []", "faults"),
        ("fault = 3", "fault"),
        ("[[fault", "s.toml"),
        ("[[fault]]", "kind"),
    ],
)
def test_other_mistakes_are_named_too(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ScenarioError, match=word):
        read_scenario(written(tmp_path, text))


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ('kind = "filter_change"\nsymbol = "B"\ntick_size = "0"', "tick_size must be above 0"),
        ('kind = "filter_change"\nsymbol = "B"\nqty_step = "NaN"', "qty_step must be above 0"),
        ('kind = "settlement"\nsymbol = "B"\nprice = "-1"', "price must be above 0"),
        ('kind = "funding"\nsymbol = "B"\nrate = "7"', "rate must be a fraction"),
        ('kind = "partial_fills"\nparts = 0', "parts: Expected"),
        ('kind = "socket_close"\ncode = 99', "code: Expected"),
        ('kind = "socket_stall"\nfor_s = 0', "for_s: Expected"),
    ],
)
def test_amounts_out_of_range_are_refused(tmp_path: Path, entry: str, word: str) -> None:
    with pytest.raises(ScenarioError, match=word):
        read_scenario(written(tmp_path, f"[[event]]\n{entry}\n"))


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"gone\.toml"):
        read_scenario(tmp_path / "gone.toml")
