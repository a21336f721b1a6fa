"""Who may be obeyed: the key, the time of the entry, and only once."""

import pytest

from hedgegrid.bus import codec, keys
from hedgegrid.bus.reader import Entry
from hedgegrid.bus.signed_control import WINDOW_MS, ControlReader, ControlRefused
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import SetTradingState
from tests.control_key import KEY, OTHER_KEY, signed

NOW_MS = 1_795_000_000_000
WISH = SetTradingState(symbol=None, state=TradingState.HALTED, actor="ann", reason="r", ts_event=NOW_MS)
FREE = SetTradingState(symbol=None, state=TradingState.ACTIVE, actor="ann", reason="r", ts_event=NOW_MS)


def entry(fields: dict[bytes, bytes], at_ms: int = NOW_MS, account: str = "main", number: int = 0) -> Entry:
    return Entry(keys.control(account), f"{at_ms}-{number}", fields)


def why(reader: ControlReader, one: Entry) -> str:
    with pytest.raises(ControlRefused) as caught:
        reader.open(one)
    return caught.value.why


def test_a_signed_message_is_opened_as_often_as_its_entry_is_read() -> None:
    reader, one = ControlReader(KEY), entry(signed("main", WISH, NOW_MS))
    assert [reader.open(one) for _ in range(3)] == [WISH] * 3


def test_what_is_not_signed_or_not_by_the_key_is_refused() -> None:
    reader = ControlReader(KEY)
    assert why(reader, entry(codec.fields(WISH))) == "unsigned"
    assert why(reader, entry(signed("main", WISH, NOW_MS, OTHER_KEY))) == "forged"
    assert why(reader, entry({})) == "unsigned"


def test_nothing_that_is_signed_can_be_changed_or_moved() -> None:
    reader = ControlReader(KEY)
    fields = signed("main", WISH, NOW_MS)
    assert why(reader, entry(fields | {codec.FIELD: codec.encode(FREE)})) == "forged"
    assert why(reader, entry(fields | {b"issued_ms": str(NOW_MS + 1).encode()})) == "forged"
    assert why(reader, entry(fields | {b"issued_ms": b"x"})) == "forged"
    assert why(reader, entry(fields | {b"nonce": b"another"})) == "forged"
    assert why(reader, entry(fields, account="other")) == "forged"


def test_a_message_is_judged_by_the_time_of_its_entry() -> None:
    for apart_ms in (-WINDOW_MS, 0, WINDOW_MS):
        assert ControlReader(KEY).open(entry(signed("main", WISH, NOW_MS), NOW_MS + apart_ms)) == WISH
    for apart_ms in (-WINDOW_MS - 1, WINDOW_MS + 1):
        assert why(ControlReader(KEY), entry(signed("main", WISH, NOW_MS), NOW_MS + apart_ms)) == "stale"


def test_a_replay_is_refused_whenever_it_comes() -> None:
    reader, fields = ControlReader(KEY), signed("main", WISH, NOW_MS)
    reader.open(entry(fields))
    assert why(reader, entry(fields, number=1)) == "replayed"
    assert why(reader, entry(fields, NOW_MS + WINDOW_MS)) == "replayed"
    for later in range(1, 200):  # others in between, so that the memory is pruned
        at_ms = NOW_MS + WINDOW_MS + later * 1000
        reader.open(entry(signed("main", FREE, at_ms), at_ms))
        assert why(reader, entry(fields, at_ms, number=1)) in ("replayed", "stale")


def test_its_memory_does_not_grow() -> None:
    reader = ControlReader(KEY)
    for second in range(1000):
        at_ms = NOW_MS + second * 1000
        reader.open(entry(signed("main", FREE, at_ms), at_ms))
    assert len(reader._seen) <= 2 * WINDOW_MS // 1000 + 1


def test_a_signed_message_that_cannot_be_read_is_refused() -> None:
    fields = signed("main", WISH, NOW_MS)
    assert why(ControlReader(None), entry({codec.FIELD: b"no json"})) == "unreadable"
    assert ControlReader(None).open(entry(codec.fields(WISH))) == WISH
    assert ControlReader(None).open(entry(fields, NOW_MS + 10**9)) == WISH
