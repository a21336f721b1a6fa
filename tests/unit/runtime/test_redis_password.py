"""A Redis password comes from a file and is shown nowhere."""

from pathlib import Path

import pytest

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.redis_password import with_password
from hedgegrid.runtime.settings import load_settings

PASSWORD = "p@ss/word:1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


def test_both_urls_get_the_password(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEGRID_REDIS_URL", "redis://strategy@redis:6379/0")
    monkeypatch.setenv("HEDGEGRID_MARKET_REDIS_URL", "redis://strategy@redis-market:6379/0")
    monkeypatch.setenv("HEDGEGRID_REDIS_PASSWORD_FILE", str(file))
    settings = load_settings()
    assert settings.redis_url == "redis://strategy:p%40ss%2Fword%3A1@redis:6379/0"
    assert settings.market_url == "redis://strategy:p%40ss%2Fword%3A1@redis-market:6379/0"
    assert "p%40ss" not in repr(settings)


@pytest.mark.parametrize("url", ["redis://redis:6379/0", "redis://strategy:other@redis:6379/0"])
def test_a_url_without_user_or_with_a_password_is_refused(url: str, file: Path) -> None:
    with pytest.raises(ConfigError, match="must name a user and no password") as caught:
        with_password(url, file)
    assert PASSWORD not in str(caught.value)


def test_a_missing_or_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        with_password("redis://strategy@redis/0", tmp_path / "nowhere")
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match="is empty"):
        with_password("redis://strategy@redis/0", tmp_path / "empty")
