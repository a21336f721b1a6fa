"""The file that tells the next executor how far commands may have been sent."""

from pathlib import Path
from typing import Any, cast

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bus.lease import LeaseLost
from hedgegrid.bus.reader import START, id_key
from hedgegrid.executor import sent_mark
from hedgegrid.executor.sent_mark import SentMark
from hedgegrid.runtime.errors import ConfigError

IDS = st.tuples(st.integers(0, 10**13), st.integers(0, 99)).map(lambda parts: f"{parts[0]}-{parts[1]}")


class Stream:
    """As much of a stream as the mark asks for."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids

    def xrange(self, name: str, first: str, last: str) -> list[Any]:
        return [one for one in self._ids if first == one == last]


def as_redis(stream: Stream) -> redis.Redis:
    return cast(redis.Redis, stream)


@given(moves=st.lists(IDS, max_size=5), newest=IDS)
def test_the_next_term_on_this_machine_knows_exactly_what_may_have_gone(
    tmp_path_factory: pytest.TempPathFactory, moves: list[str], newest: str
) -> None:
    path = tmp_path_factory.mktemp("state") / "a.mark"
    killed = SentMark(path)
    killed.begin(7)
    for command_id in moves:
        killed.move(command_id)
    successor = SentMark(path)  # the first one was never closed: its process was killed
    successor.begin(8)
    assert successor.sent_up_to(newest) == (moves[-1] if moves else START)
    third = SentMark(path)
    third.begin(9)
    assert third.sent_up_to(newest) == (moves[-1] if moves else START)


@pytest.mark.parametrize("epoch", [7, 9, 1])
def test_a_term_served_elsewhere_in_between_makes_all_doubtful(tmp_path: Path, epoch: int) -> None:
    first = SentMark(tmp_path / "a.mark")
    first.begin(7)
    first.move("5-0")
    second = SentMark(tmp_path / "a.mark")
    second.begin(epoch)
    assert second.sent_up_to("9-1") == "9-1"


@pytest.mark.parametrize("boot", ["another", ""])
def test_a_machine_that_went_down_makes_all_doubtful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    names = tmp_path / "boot_id"
    names.write_text("first\n" if boot else "")
    monkeypatch.setattr(sent_mark, "_BOOT_ID", names)
    first = SentMark(tmp_path / "a.mark")
    first.begin(7)
    first.move("5-0")
    first.close()
    names.write_text(boot)
    second = SentMark(tmp_path / "a.mark")
    second.begin(8)
    assert second.sent_up_to("9-1") == "9-1"


def test_the_first_term_of_all_finds_all_doubtful(tmp_path: Path) -> None:
    mark = SentMark(tmp_path / "new" / "a.mark")
    mark.begin(1)
    assert mark.sent_up_to("3-0") == "3-0"
    assert not mark.is_ahead_of(as_redis(Stream()), "s", START)


def test_who_was_succeeded_on_this_machine_cannot_move_it(tmp_path: Path) -> None:
    first, second = SentMark(tmp_path / "a.mark"), SentMark(tmp_path / "a.mark")
    first.begin(7)
    second.begin(8)
    with pytest.raises(LeaseLost):
        first.move("5-0")
    second.move("6-0")
    third = SentMark(tmp_path / "a.mark")
    third.begin(9)
    assert third.sent_up_to("9-9") == "6-0"


def test_an_unreadable_mark_makes_all_doubtful(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.mark").write_text("{half a mar")
    mark = SentMark(tmp_path / "a.mark")
    mark.begin(2)
    assert mark.sent_up_to("3-0") == "3-0"
    assert "proves nothing" in caplog.text


def test_a_command_that_redis_has_forgotten_tells_that_it_went_back(tmp_path: Path) -> None:
    first = SentMark(tmp_path / "a.mark")
    first.begin(7)
    first.move("5-0")
    second = SentMark(tmp_path / "a.mark")
    second.begin(8)
    assert second.is_ahead_of(as_redis(Stream("4-0")), "s", "4-0")
    assert second.is_ahead_of(as_redis(Stream()), "s", START)
    assert not second.is_ahead_of(as_redis(Stream("4-0", "5-0")), "s", "4-0")
    assert not second.is_ahead_of(as_redis(Stream()), "s", "5-0"), "taken and trimmed"


def test_the_mark_stays_one_small_write(tmp_path: Path) -> None:
    mark = SentMark(tmp_path / "a.mark")
    mark.begin(10**9)
    mark.move(f"{10**13}-{10**6}")
    mark.sync()
    assert (tmp_path / "a.mark").stat().st_size == sent_mark.SIZE
    assert (tmp_path / "a.mark").stat().st_mode & 0o777 == 0o600
    assert id_key("0-0") < id_key(f"{10**13}-{10**6}")


def test_a_folder_that_cannot_be_written_is_named_with_its_setting() -> None:
    with pytest.raises(ConfigError, match=r"HEDGEGRID_STATE_DIR.*cannot be written"):
        SentMark(Path("/proc/none/a.mark"))
