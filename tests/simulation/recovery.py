"""How long a killed service is missed: from the kill until somebody does its work again and every bot is reconciled."""

from hedgegrid.bus import codec, keys
from hedgegrid.bus.reader import id_key
from hedgegrid.messages.feed import FeedConnected
from tests.simulation.loom import NS_PER_MS, NS_PER_S, START_MS
from tests.simulation.rest_checks import AtRest
from tests.simulation.world import World

LOOK_EVERY_NS = 50 * NS_PER_MS


class Recovery:
    """Looks from outside; `took_s` is None until a kill was recovered from."""

    def __init__(self, world: World, at_rest: AtRest) -> None:
        self._world, self._at_rest = world, at_rest
        self._left_over: dict[str, set[bytes]] = {}
        self._killed_ns: int | None = None
        self.took_s: float | None = None
        world.loom.call_in(LOOK_EVERY_NS, self._look)

    def _look(self) -> None:
        if self.took_s is not None:
            return
        if self._killed_ns is None and self._world.points.struck:
            self._killed_ns = self._world.kills[-1][0]
            store = self._world.money.store
            self._left_over = {
                account: {name for name in store.hgetall(keys.executor(account)) if name.startswith(b"sent:")}
                for account in self._world.accounts
            }
        if self._killed_ns is not None and self._is_over(self._world.kills[-1][1]):
            self.took_s = (self._world.loom.now_ns - self._killed_ns) / NS_PER_S
            return
        self._world.loom.call_in(LOOK_EVERY_NS, self._look)

    def _is_over(self, kind: str) -> bool:
        works = {"worker": self._workers_work, "executor": self._executors_work, "gateway": self._gateway_works}[kind]
        return all(works(account) for account in self._world.accounts) and self._reconciled()

    def _reconciled(self) -> bool:
        states = [self._at_rest.state(account, s) for account in self._world.accounts for s in self._world.symbols]
        return all(state is not None and state.reconciled for state in states)

    def _workers_work(self, account: str) -> bool:
        return all(
            self._is_written_by_holder(keys.lease(account, symbol), keys.bot(account, symbol))
            for symbol in self._world.symbols
        )

    def _executors_work(self, account: str) -> bool:
        fields = self._world.money.store.hgetall(keys.executor(account))
        if self._left_over[account] & fields.keys():
            return False
        return self._is_written_by_holder(keys.lease(account, "executor"), keys.executor(account))

    def _is_written_by_holder(self, lease: str, state: str) -> bool:
        """Whoever has the lease lives and has committed under it."""
        store = self._world.money.store
        owner, epoch, expires = store.hmget(lease, ("owner", "epoch", "expires_ms"))
        alive = {running.process.name.encode() for running in self._world.services.values()}
        if owner not in alive or int(expires or 0) < self._world.loom.now_ms:
            return False
        commit_id = store.hget(state, "commit_id") or b""
        return commit_id.startswith(b"%s:%s:" % (owner, epoch or b""))

    def _gateway_works(self, account: str) -> bool:
        """A new session has been told, and every bot has heard of it."""
        since_ms = START_MS + (self._killed_ns or 0) // NS_PER_MS
        store = self._world.money.store
        for entry_id, fields in store.xrange(keys.events(account), min=f"{since_ms}-0"):
            if isinstance(codec.decode_event(fields), FeedConnected):
                told = id_key(entry_id.decode())
                places = (store.hget(keys.bot(account, symbol), "events_at") for symbol in self._world.symbols)
                return all(id_key((place or b"0-0").decode()) >= told for place in places)
        return False
