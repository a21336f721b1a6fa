from datetime import UTC, datetime
from pathlib import Path

import pytest

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.strategy.transition.putting_in_place import put_in_place

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def test_the_new_one_is_there_and_the_old_one_kept(tmp_path: Path) -> None:
    target, new = tmp_path / "a.toml", tmp_path / "new.toml"
    target.write_text("old")
    target.chmod(0o640)
    new.write_text("new")
    backup = put_in_place(new, target, NOW)
    assert backup == tmp_path / "a.toml.2026-01-31T120000Z.bak"
    assert (target.read_text(), backup.read_text()) == ("new", "old")
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.toml", backup.name, "new.toml"]


def test_where_none_was_none_is_kept(tmp_path: Path) -> None:
    new = tmp_path / "new.toml"
    new.write_text("new")
    assert put_in_place(new, tmp_path / "a.toml", NOW) is None
    assert (tmp_path / "a.toml").read_text() == "new"


def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "a.toml"
    target.write_text("old")
    with pytest.raises(ConfigError, match="could not be replaced"):
        put_in_place(tmp_path / "nowhere.toml", target, NOW)
    assert target.read_text() == "old"
    assert not list(tmp_path.glob(".*"))
