"""Puts a password from a file into a Redis URL, so that no environment and no process list shows it."""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from hedgegrid.runtime.errors import ConfigError


def with_password(url: str, file: Path) -> str:
    """Return the URL with the file's first line as its password.

    Raises:
        ConfigError: the file is unreadable or empty, or the URL has a password already or names no user.
    """
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"HEDGEGRID_REDIS_PASSWORD_FILE={str(file)!r} cannot be read: {reason}") from None
    if not password:
        raise ConfigError(f"HEDGEGRID_REDIS_PASSWORD_FILE={str(file)!r} is empty")
    parts = urlsplit(url)
    if parts.password is not None or not parts.username:
        raise ConfigError(
            "HEDGEGRID_REDIS_PASSWORD_FILE: the Redis URLs must name a user and no password, as in redis://user@host/0"
        )
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}"))
