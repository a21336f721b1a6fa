"""The kill switch thrown in every way there is: how long until nothing of ours rests at the venue any more."""

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial

from hedgegrid.bus import keys
from hedgegrid.bus.signed_control import send
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import ClearKillSwitch, ControlMessage, SetTradingState, ThrowKillSwitch
from hedgegrid.operator.halt import drop_files
from hedgegrid.operator.project_files import CONTROL_KEY_FILE, STATE_FOLDER
from hedgegrid.runtime.control_key import read_key
from hedgegrid.runtime.kill_latch import LatchFile, decode_latch
from tests.chaos.fault import Fault, injected, until_normal
from tests.chaos.figures import FaultFigures
from tests.chaos.world import World

EFFECTIVE_S = 3.0
TIMEOUT_S = 30.0
ACTOR, REASON = "chaos", "drill"

Throw = Callable[[World], None]


def table() -> list[Fault]:
    """Every way to throw it; recovery time here is the time until it has its effect."""
    ways: dict[str, Throw] = {
        "kill switch over Redis": _over_redis,
        "kill switch by file": _by_file,
        "kill switch by signal": _by_signal,
        "kill switch by file, Redis frozen": _by_file,
    }
    return [
        Fault(name=name, kind="kill switch", inject=partial(_stop, throw, "frozen" in name), limit_s=EFFECTIVE_S)
        for name, throw in ways.items()
    ]


def _stop(throw: Throw, without_redis: bool, world: World, row: FaultFigures, dice: random.Random) -> None:
    world.until(lambda: _resting(world) > 0, TIMEOUT_S, "orders that rest")
    mark = injected(world, row)
    pid = world.money.pid
    assert pid is not None
    began_s = time.monotonic()
    world.holding_redis = without_redis
    try:
        if without_redis:
            os.kill(pid, signal.SIGSTOP)
        throw(world)
        world.until(lambda: _resting(world) == 0, TIMEOUT_S, "a venue without orders of ours")
        row.recover_s.append(time.monotonic() - began_s)
        world.trade_on(1)
        if _resting(world):
            row.failures.append(f"seed {world.setting.seed}: {_resting(world)} orders rest after the stop")
    finally:
        os.kill(pid, signal.SIGCONT)
        world.holding_redis = False
    world.until(
        lambda: all(_level(world, account) == KillLevel.CANCEL for account in world.accounts), TIMEOUT_S, "latch"
    )
    world.say(f"stopped since {mark.at_ms}, clearing")
    for account in world.accounts:
        _tell(world, account, ClearKillSwitch(actor=ACTOR, reason=REASON, ts_event=world.now_ms()))
    world.until(lambda: all(_level(world, account) is None for account in world.accounts), TIMEOUT_S, "clearing")
    for account in world.accounts:
        _tell(
            world,
            account,
            SetTradingState(
                symbol=None, state=TradingState.ACTIVE, actor=ACTOR, reason=REASON, ts_event=world.now_ms()
            ),
        )
    until_normal(world)


def _over_redis(world: World) -> None:
    for account in world.accounts:
        _tell(
            world,
            account,
            ThrowKillSwitch(level=KillLevel.CANCEL, actor=ACTOR, reason=REASON, ts_event=world.now_ms()),
        )


def _by_file(world: World) -> None:
    drop_files(world.folder / STATE_FOLDER / "kill", world.accounts, KillLevel.CANCEL, ACTOR, REASON)


def _by_signal(world: World) -> None:
    pid = world.child("executor").pid
    assert pid is not None
    os.kill(pid, signal.SIGUSR1)


def _tell(world: World, account: str, wish: ControlMessage) -> None:
    key = read_key(world.folder / CONTROL_KEY_FILE)
    send(world.look, keys.control(account), wish, key, world.now_ms())


def _level(world: World, account: str) -> KillLevel | None:
    """What the latch of an account says."""
    raw = LatchFile(world.folder / STATE_FOLDER / "kill", account).read()
    latch = decode_latch(raw) if raw is not None else None
    return latch.level if latch is not None else None


def _resting(world: World) -> int:
    books = [world.admin.books(account) for account in world.accounts]
    return sum(order.ended_ms is None for venue in books for order in venue.orders)
