"""Replaces a config file so that a reader sees the old one or the new one, never a part; the old one is kept."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from hedgegrid.runtime.errors import ConfigError


def put_in_place(new: Path, target: Path, now: datetime | None = None) -> Path | None:
    """Write `new`'s content to `target`; return where the old one is kept, None if there was none.

    Raises:
        ConfigError: it could not be written; the target is as it was.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H%M%SZ")
    backup = target.with_name(f"{target.name}.{stamp}.bak") if target.exists() else None
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        if backup is not None:
            shutil.copy2(target, backup)
        with draft.open("wb") as file:
            file.write(new.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        if backup is not None:
            shutil.copymode(target, draft)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"{target} could not be replaced: {error.strerror or error}") from error
    return backup
