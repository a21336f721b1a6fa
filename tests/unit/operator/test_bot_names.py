"""Bots by the names that people type, and what the shell offers."""

import pytest

from hedgegrid.operator.bot_names import full_name
from hedgegrid.operator.completion import states
from hedgegrid.runtime.errors import ConfigError

KNOWN = [("main", "BTCUSDT"), ("main", "ETHUSDT"), ("second", "BTCUSDT")]


@pytest.mark.parametrize(
    ("named", "account", "full"),
    [
        ("main:BTCUSDT", None, "main:BTCUSDT"),
        ("main", None, "main"),
        ("ethusdt", None, "main:ETHUSDT"),
        ("btcusdt", "second", "second:BTCUSDT"),
        ("main:BTCUSDT", "main", "main:BTCUSDT"),
        ("nobody", None, "nobody"),
    ],
)
def test_a_name_is_made_whole(named: str, account: str | None, full: str) -> None:
    assert full_name(named, account, KNOWN) == full


@pytest.mark.parametrize(
    ("named", "account", "says"),
    [("BTCUSDT", None, "main, second"), ("main:BTCUSDT", "second", "two accounts")],
)
def test_an_ambiguous_one_is_refused(named: str, account: str | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        full_name(named, account, KNOWN)


def test_states_are_offered_as_people_write_them() -> None:
    assert states("") == ["active", "no-new-cycles", "tp-only", "halted", "flatten"]
    assert states("TP") == ["tp-only"]
