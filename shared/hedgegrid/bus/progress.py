"""How far the services have come, so that a simulated exchange can wait for them instead of outrunning them.

Kept on the market server: it is told with every tick and worth nothing after a restart. Off in normal operation. Fields
are written by the service that knows: the gateway counts the private frames it has published per account, a worker
tells the venue time of the newest tick it has stepped and the event it stands at.
"""

from collections.abc import Iterable, Mapping

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.reader import START, id_key


def _account_key(account: str) -> str:
    return keys.progress(account)


def report_private_frames(client: redis.Redis, account: str, frames: int) -> None:
    """Private data frames of the current session that are in `{acct}:events` by now."""
    client.hset(_account_key(account), "frames", str(frames))


def report_bot(client: redis.Redis, account: str, symbol: str, tick_ms: int, event_id: str, ticks: int) -> None:
    """Newest tick stepped (venue ms), newest event applied, ticks seen in all."""
    client.hset(_account_key(account), f"bot:{symbol}", f"{tick_ms} {event_id} {ticks}")


def bot_progress(client: redis.Redis, account: str, symbol: str) -> tuple[int, str, int]:
    """What `report_bot` said last; zeros before the first word."""
    raw = client.hget(_account_key(account), f"bot:{symbol}")
    return _parse(raw)  # type: ignore[arg-type]


def settled(
    money: redis.Redis,
    market: redis.Redis,
    bots: Iterable[tuple[str, str]],
    frames_sent: Mapping[str, int],
    tick_ms: Mapping[str, int],
) -> bool:
    """True when everything sent so far has had its full effect.

    That is: every bot has stepped the newest tick of its symbol and the newest event, the gateway has published every
    private frame, the executor has settled every command. `frames_sent` is per account, `tick_ms` per symbol.
    """
    bots = list(bots)
    accounts = list(dict.fromkeys(account for account, _ in bots))
    with market.pipeline(transaction=False) as pipe:
        for account in accounts:
            pipe.hgetall(_account_key(account))
        progress = pipe.execute()
    if not _have_stepped(bots, dict(zip(accounts, progress, strict=True)), tick_ms):
        return False
    with money.pipeline(transaction=False) as pipe:
        for account in accounts:
            pipe.xrevrange(keys.events(account), count=1)
            pipe.xrevrange(keys.commands(account), count=1)
            pipe.hgetall(keys.executor(account))
        answers = pipe.execute()
    for number, (account, seen) in enumerate(zip(accounts, progress, strict=True)):
        events, commands, executor = answers[3 * number : 3 * number + 3]
        if int(seen.get(b"frames", b"0")) < frames_sent.get(account, 0):
            return False
        if commands and executor.get(b"checkpoint", b"") != commands[0][0]:
            return False
        if any(field.startswith(b"sent:") for field in executor):
            return False
        newest_event = events[0][0].decode() if events else START
        for owner, symbol in bots:
            if owner == account:
                _, event_id, _ = _parse(seen.get(f"bot:{symbol}".encode()))
                if id_key(event_id) < id_key(newest_event):
                    return False
    return True


def _have_stepped(
    bots: Iterable[tuple[str, str]], progress: Mapping[str, Mapping[bytes, bytes]], tick_ms: Mapping[str, int]
) -> bool:
    return all(
        _parse(progress[account].get(f"bot:{symbol}".encode()))[0] >= tick_ms.get(symbol, 0) for account, symbol in bots
    )


def _parse(raw: bytes | None) -> tuple[int, str, int]:
    if raw is None:
        return 0, START, 0
    tick_ms, event_id, ticks = raw.decode().split()
    return int(tick_ms), event_id, int(ticks)
