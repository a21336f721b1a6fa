"""What a second of the world may bring: processes, sockets, servers, the venue and other people."""

from decimal import Decimal
from random import Random

from tests.simulation.loom import NS_PER_MS, NS_PER_S
from tests.simulation.steps import StepChecks
from tests.simulation.world import World

RATES = (Decimal("0.0001"), Decimal("-0.00037"))


class Chaos:
    """Acts once a second while faults are active; `heal` takes back whatever lasts."""

    def __init__(self, world: World, checks: StepChecks) -> None:
        self._world, self._checks = world, checks
        self._random = Random(f"chaos {world.seed}")
        self._stopped = False
        self.people_acted = False

    def begin(self) -> None:
        self._world.faults.active = True
        self._world.points.active = True
        self._world.loom.call_in(NS_PER_S, self._second)

    def heal(self) -> None:
        """Nothing new goes wrong from here on, and the market stands still."""
        self._stopped = True
        world = self._world
        world.faults.active = False
        world.points.active = False
        world.exchange.moving = False
        world.exchange.is_down = False
        world.exchange.rest_out_until_ns = 0
        world.exchange.silent.clear()
        world.exchange.venue.fill_in_parts(1)
        for running in world.services.values():
            running.process.skew_ms = 0

    def _second(self) -> None:
        if self._stopped:
            return
        self._processes()
        self._connections()
        self._redis()
        self._venue()
        self._world.loom.call_in(NS_PER_S, self._second)

    def _processes(self) -> None:
        world, strikes = self._world, self._world.faults.strikes
        for kind in ("worker", "executor", "gateway"):
            running = [service for service in world.services.values() if service.kind == kind]
            if not running:
                continue
            service = self._random.choice(running)
            pause_ms = self._random.randrange(500, 3 * world.size.lease_ttl_ms)
            skew_ms = self._random.randrange(-400, 400)
            if strikes(f"{kind}.kill"):
                world.kill(kind, service.number)
            elif strikes(f"{kind}.stop"):
                world.stop(kind, service.number)
            elif kind != "gateway" and strikes(f"{kind}.pause"):
                world.pause(kind, service.number, pause_ms)
            elif strikes("clock.skew"):
                service.process.skew_ms = skew_ms

    def _connections(self) -> None:
        world, strikes = self._world, self._world.faults.strikes
        if strikes("private.disconnect"):
            world.sockets.cut(private=True)
        if strikes("private.stall"):
            world.sockets.stall(private=True)
        if strikes("public.disconnect"):
            world.sockets.cut(private=False)
        symbol, out_ms = self._random.choice(world.symbols), self._random.randrange(1_000, 12_000)
        if strikes("rest.outage"):
            world.exchange.rest_out_until_ns = world.loom.now_ns + out_ms * NS_PER_MS
        if strikes("public.silent_symbol"):
            world.exchange.silent[symbol] = world.loom.now_ns + 14 * NS_PER_S

    def _redis(self) -> None:
        world, strikes = self._world, self._world.faults.strikes
        lost = self._random.randrange(1, 25)
        if world.money.is_down:
            return
        if strikes("redis.time_travel"):
            if world.money.restart(lost):
                self._checks.time_travelled()
        elif strikes("redis.restart"):
            world.money.restart(0)

    def _venue(self) -> None:
        world, strikes = self._world, self._world.faults.strikes
        venue = world.exchange.venue
        account = self._random.choice(world.accounts)
        parts, rate = self._random.randrange(1, 4), self._random.choice(RATES)
        down_ms = self._random.randrange(500, 4_000)
        if strikes("venue.foreign_cancel"):
            world.exchange.cancel_one(self._random, account)
        if strikes("venue.lost_cancel_race"):
            venue.lose_next_cancel(account)
        if strikes("venue.lost_amend_race"):
            venue.lose_next_amend(account)
        if strikes("venue.parts"):
            venue.fill_in_parts(parts)
        if strikes("venue.funding"):
            world.exchange.fund(world.symbols, rate)
        if strikes("venue.down"):
            world.exchange.is_down = True
            world.sockets.cut(private=True)
            world.sockets.cut(private=False)
            world.loom.call_in(down_ms * NS_PER_MS, self._venue_up)

    def _venue_up(self) -> None:
        self._world.exchange.is_down = False
