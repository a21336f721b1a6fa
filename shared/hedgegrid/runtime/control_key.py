"""Keys that messages are signed with, from their files: control messages, heartbeats."""

import logging
from pathlib import Path

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.redaction import register_secrets
from hedgegrid.runtime.settings import ServiceSettings

MIN_KEY_CHARS = 32
VARIABLE = "HEDGEGRID_CONTROL_KEY_FILE"

_log = logging.getLogger(__name__)


def read_key(file: Path, variable: str = VARIABLE) -> bytes:
    """The key in a file, masked in all logs from here on; `variable` is what names the file.

    Raises:
        ConfigError: the file is unreadable, or what it holds is too short for a key.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{variable}={str(file)!r} cannot be read: {reason}") from None
    if len(text) < MIN_KEY_CHARS:
        raise ConfigError(f"{variable}={str(file)!r} holds less than {MIN_KEY_CHARS} characters; make a random one")
    register_secrets((text,))
    return text.encode()


def control_key(settings: ServiceSettings, mode: str) -> bytes | None:
    """The key of a service that obeys control messages; None where unsigned ones are taken, which only `paper` may.

    Raises:
        ConfigError: there is no key in a mode that trades at Bybit, or it cannot be read.
    """
    if settings.control_key_file is not None:
        return read_key(settings.control_key_file)
    if mode != "paper":
        raise ConfigError(
            f'{VARIABLE} is not set: in mode = "{mode}" control messages must be signed; make a key with'
            " `openssl rand -hex 32 > control-key` and name the file to operator, strategy, executor and metrics"
        )
    _log.warning("no %s: control messages of anybody who can write to Redis are obeyed", VARIABLE)
    return None
