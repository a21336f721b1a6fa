"""The control key: made for a demo, found for a command."""

import os
import secrets
from pathlib import Path

from hedgegrid.operator.project_files import CONTROL_KEY_FILE, running_demo
from hedgegrid.operator.redis_server import URL_VARIABLE
from hedgegrid.runtime.control_key import VARIABLE, read_key


def make_control_key(folder: Path) -> Path:
    """Write a random key that only we may read; returns its file."""
    file = folder / CONTROL_KEY_FILE
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(secrets.token_hex(32) + "\n")
    return file


def control_key_here() -> bytes | None:
    """The key that this command signs with: the one its environment names, else the running demo's, else none.

    Raises:
        ConfigError: the file cannot be read.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return read_key(Path(named))
    demo = None if os.environ.get(URL_VARIABLE) else running_demo()
    file = demo / CONTROL_KEY_FILE if demo is not None else None
    return read_key(file) if file is not None and file.exists() else None
