"""`hedgegrid halt`: throw the kill switch of accounts by every way there is, or clear it by the one that clears."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import redis

from hedgegrid.bus import keys
from hedgegrid.domain.kill import KillLevel
from hedgegrid.operator.control import clear_kill_switch, known_accounts, throw_kill_switch
from hedgegrid.operator.project_files import STATE_FOLDER, running_demo
from hedgegrid.operator.redis_server import URL_VARIABLE
from hedgegrid.runtime.config import load_config
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.kill_latch import FOLDER, decode_latch, read_dropped
from hedgegrid.runtime.settings import load_settings

CONFIRMED_WITHIN_S = 3.0
POLL_S = 0.05


def local_folder() -> Path | None:
    """Where an executor on this machine looks for kill files; None when there is none."""
    settings = load_settings()
    demo = None if "state_dir" in settings.model_fields_set or os.environ.get(URL_VARIABLE) else running_demo()
    folder = (demo / STATE_FOLDER if demo is not None else settings.state_dir) / FOLDER
    return folder if folder.is_dir() else None


def accounts_of(client: redis.Redis) -> list[str]:
    """All accounts there are: by the config here, which needs nobody's answer, else by the bots on Redis.

    Raises:
        ConfigError: none are known.
    """
    demo = None if os.environ.get(URL_VARIABLE) else running_demo()
    path = demo / "config.toml" if demo is not None else load_settings().config
    with contextlib.suppress(ConfigError):  # elsewhere than on the host of the services there is none
        return sorted(account.id for account in load_config(path).accounts)
    found = known_accounts(client)
    if not found:
        raise ConfigError("no account is known here: name one with --account")
    return found


def drop_files(folder: Path, accounts: Sequence[str], level: KillLevel, actor: str, reason: str) -> list[Path]:
    """Leave a kill file for each account, unless one is there that stops as hard; returns those written.

    Raises:
        ConfigError: a file cannot be written.
    """
    written = []
    for account in accounts:
        file = folder / account
        if _level_in(file) >= level:
            continue
        beside = folder / f".{account}.halt"
        try:
            beside.write_text(f"{level.name} {actor}: {reason}\n", encoding="utf-8")
            beside.replace(file)
        except OSError as error:
            raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
        written.append(file)
    return written


def stop(client: redis.Redis, accounts: Sequence[str], level: KillLevel, actor: str, reason: str) -> bool:
    """Files first, since they need nobody; then Redis. Prints what came of it; True when every account is stopped.

    Raises:
        ConfigError: neither way is open.
    """
    folder = local_folder()
    if folder is not None:
        for file in drop_files(folder, accounts, level, actor, reason):
            print(f"wrote {file}", flush=True)
    try:
        confirmed = throw(client, accounts, level, actor, reason)
    except redis.RedisError as error:
        if folder is None:
            raise ConfigError(
                f"Redis does not answer ({type(error).__name__}) and no executor's kill folder is on this machine:"
                " on its host write the level into HEDGEGRID_STATE_DIR/kill/ACCOUNT, or send the executor SIGUSR1"
            ) from error
        print(f"Redis does not answer ({type(error).__name__}): the executor here acts on the files alone")
        return True
    return _tell(accounts, confirmed, f"kill switch at {level.name}")


def take_away(client: redis.Redis, accounts: Sequence[str], actor: str, reason: str) -> bool:
    """Clear, print what came of it; True when no account is stopped any more."""
    done = _tell(accounts, clear(client, accounts, actor, reason), "kill switch cleared")
    print("bots stay as they are: hedgegrid state ACCOUNT ACTIVE lets them trade again")
    return done


def _tell(accounts: Sequence[str], confirmed: Sequence[str], what: str) -> bool:
    for account in accounts:
        print(f"{account}: {what}" if account in confirmed else f"{account}: asked, but no executor has confirmed")
    return set(accounts) == set(confirmed)


def throw(client: redis.Redis, accounts: Sequence[str], level: KillLevel, actor: str, reason: str) -> list[str]:
    """Ask over Redis and wait; returns the accounts whose executor has confirmed.

    Raises:
        redis.RedisError: it does not answer.
    """
    for account in accounts:
        throw_kill_switch(client, account, level, actor, reason, time.time_ns() // 1_000_000)
    return _wait(accounts, lambda account: _stored_level(client, account) >= level)


def clear(client: redis.Redis, accounts: Sequence[str], actor: str, reason: str) -> list[str]:
    """The same for taking the stop away."""
    for account in accounts:
        clear_kill_switch(client, account, actor, reason, time.time_ns() // 1_000_000)
    return _wait(accounts, lambda account: _stored_level(client, account) == 0)


def _wait(accounts: Sequence[str], is_so: Callable[[str], bool]) -> list[str]:
    deadline = time.monotonic() + CONFIRMED_WITHIN_S
    waiting = list(accounts)
    while waiting and time.monotonic() < deadline:
        waiting = [account for account in waiting if not is_so(account)]
        time.sleep(POLL_S)
    return [account for account in accounts if account not in waiting]


def _stored_level(client: redis.Redis, account: str) -> int:
    raw: bytes | None = client.get(keys.kill(account))  # type: ignore[assignment]
    latch = decode_latch(raw) if raw is not None else None
    return 0 if latch is None else latch.level


def _level_in(file: Path) -> int:
    """What a kill file asks for; 0 for none, or for one that asks for nothing in particular."""
    try:
        raw = file.read_bytes()
    except OSError:
        return 0
    asked = decode_latch(raw) or read_dropped(raw)
    return asked.level or 0
