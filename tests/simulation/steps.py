"""What must hold at every step: told of every commit in Redis and of every order request, it looks at once."""

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.bus import codec, keys
from hedgegrid.bus.reader import id_key
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.order import Leg
from hedgegrid.executor.outcomes import NEVER_ARRIVED
from hedgegrid.executor.sent_mark import Mark
from hedgegrid.messages.events import CommandKind, OrderDenied, OrderRejected
from hedgegrid.messages.ledger import FillBooked, FundingBooked
from hedgegrid.strategy.plans import plans_of
from hedgegrid.strategy.stored_state import read_state
from tests.simulation.client import Server
from tests.simulation.http import Sent
from tests.simulation.loom import Process
from tests.simulation.store import raw
from tests.simulation.venue import Exchange
from tests.simulation.world import LEG_CAP, World


class Violation(AssertionError):
    """A promise was broken; the text begins with its name (docs/simulation.md)."""


class StepChecks:
    """Ends the history with a `Violation` in the middle of what broke a promise."""

    def __init__(self, world: World) -> None:
        self._money: Server = world.money
        self._exchange: Exchange = world.exchange
        self._world = world
        self._state_types = {
            keys.bot(account.id, plan.symbol): plan.strategy.state_type
            for account in world.config.accounts
            for plan in plans_of(account)
        }
        self.went_back = False
        self.created: Counter[str] = Counter()
        self.exempt_caps = False
        self._held: dict[tuple[Process, str], int] = {}
        self._forget()
        self._sent_epoch: dict[str, int] = defaultdict(int)
        world.money.watchers.append(self._watch)
        world.network.leaving = self._leaving
        world.network.arrived = self._arrived
        world.network.epoch_of = lambda process, account: self._held.get((process, keys.lease(account, "executor")), 0)

    def _forget(self) -> None:
        """The store has lost its newest writes: what it said of them counts no more."""
        self._newest_epoch: dict[str, int] = defaultdict(int)
        self._commit_epoch: dict[str, int] = defaultdict(int)
        self._positions: dict[str, tuple[int, int]] = {}
        self._booked: dict[str, set[str]] = defaultdict(set)
        self._ended: dict[str, set[str]] = defaultdict(set)
        self._working: dict[str, set[str]] = defaultdict(set)
        self._dead: set[str] = set()
        for account in self._world.accounts:
            for _, fields in self._money.store.xrange(keys.ledger(account)):
                row = codec.decode_ledger(fields)
                if isinstance(row, FillBooked | FundingBooked):
                    self._booked[account].add(row.trade_id)

    def _broken(self, promise: str) -> None:
        """Not raised here: this runs inside the product, which might take it for an error of its own."""
        self._world.loom.fail(Violation(promise))

    def time_travelled(self) -> None:
        self.went_back = True
        self._forget()

    # ---- Redis

    def _watch(self, name: str, args: tuple[Any, ...], answer: Any) -> None:
        if name == "xtrim" and answer:
            self._trimmed(raw(args[0]).decode())
        if name != "fcall":
            return
        function, count = args[0], int(args[1])
        names = [raw(key).decode() for key in args[2 : 2 + count]]
        values = [raw(value) for value in args[2 + count :]]
        if function == "hg1_lease_acquire" and answer:
            self._held[self._world.loom.current.process, names[0]] = int(answer)
            self._newest_epoch[names[0]] = max(self._newest_epoch[names[0]], int(answer))
        elif function == "hg1_commit" and answer == b"OK":
            self._committed(names, values)

    def _trimmed(self, stream: str) -> None:
        """The entry at a reader's position stays: it is how the reader knows that nothing is missing behind it."""
        kept = self._money.store.xrange(stream, count=1)
        oldest = id_key(kept[0][0].decode()) if kept else (1 << 62, 0)
        account = stream[1:].partition("}")[0]
        states = {keys.events(account): ":bot:", keys.commands(account): ":executor"}
        for state, position in self._positions.items():
            if states.get(stream, "?") in state and (0, 0) < position < oldest:
                self._broken(f"no silent skip: {stream} was trimmed to {oldest}, {state} stands at {position}")

    def _committed(self, names: list[str], values: list[bytes]) -> None:
        lease, state, streams = names[0], names[1], names[2:]
        epoch = int(values[1])
        if epoch < self._newest_epoch[lease] or epoch < self._commit_epoch[state]:
            self._broken(
                f"single writer: {state} was written under epoch {epoch} of {lease}, "
                f"which stands at {self._newest_epoch[lease]}"
            )
        self._commit_epoch[state] = epoch
        put_end = 5 + 2 * int(values[4])
        put = {name.decode(): value for name, value in zip(values[5:put_end:2], values[6:put_end:2], strict=True)}
        position = put.get("events_at") or put.get("checkpoint")
        if position is not None:
            self._advanced(state, id_key(position.decode()))
        if put.keys() & {"state:long", "state:short"}:
            self._legs_written(state)
        rest = values[put_end + 1 + int(values[put_end]) :]
        for number, payload in zip(rest[::2], rest[1::2], strict=True):
            self._message(streams[int(number) - 1], payload)

    def _advanced(self, state: str, position: tuple[int, int]) -> None:
        if position < self._positions.get(state, (0, 0)):
            self._broken(f"checkpoint monotone: {state} went back from {self._positions[state]} to {position}")
        self._positions[state] = position

    def _legs_written(self, key: str) -> None:
        """An order that the books no longer know does not come to life again."""
        fields = {name.decode(): value for name, value in self._money.store.hgetall(key).items()}
        state = read_state(fields, self._state_types[key])
        now = {order.client_order_id for leg in state.legs for order in leg.orders}
        back = now & self._ended[key]
        if back:
            self._broken(f"terminal is terminal: {key} works again with {', '.join(sorted(back))}")
        self._ended[key] |= self._working[key] - now
        self._working[key] = now

    def _message(self, stream: str, payload: bytes) -> None:
        account = stream[1:].partition("}")[0]
        if stream == keys.ledger(account):
            row = codec.decode_ledger({codec.FIELD: payload})
            if isinstance(row, FillBooked | FundingBooked):
                if row.trade_id in self._booked[account]:
                    self._broken(f"no double fill: {row.trade_id} of {row.symbol} was booked twice")
                self._booked[account].add(row.trade_id)
        elif stream == keys.events(account):
            event = codec.decode_event({codec.FIELD: payload})
            if isinstance(event, OrderRejected):
                self._refused(account, event.client_order_id, f"rejected: {event.code} {event.reason}")
                if event.code == NEVER_ARRIVED:
                    self._dead.add(event.client_order_id)
            elif isinstance(event, OrderDenied) and event.command is CommandKind.SUBMIT:
                self._refused(account, event.client_order_id, f"denied: {event.text}")

    def _refused(self, account: str, link: str, told: str) -> None:
        """Whoever is told that an order does not exist will place another in its stead."""
        order = self._exchange.venue.order_by_link(account, link)
        if order is not None and not self.went_back:
            self._broken(f"unknown resolves on evidence: {link} was {told}; but the venue has it as {order.status}")

    # ---- the venue

    def _leaving(self, sent: Sent) -> None:
        """Written down before the first byte goes."""
        link = sent.params.get("orderLinkId", "")
        if sent.path != "/v5/order/create" or self.went_back:
            return
        if not is_durable(self._world, sent.process, sent.account, link):
            self._broken(f"write-ahead: {link} leaves without a durable record")

    def _arrived(self, sent: Sent) -> None:
        if sent.code:
            return
        if sent.epoch < self._sent_epoch[sent.account] and not self.went_back:
            self._broken(
                f"single writer: the venue took {sent.path} of epoch {sent.epoch} after one of epoch "
                f"{self._sent_epoch[sent.account]}"
            )
        self._sent_epoch[sent.account] = max(self._sent_epoch[sent.account], sent.epoch)
        link = sent.params.get("orderLinkId", "")
        if sent.path == "/v5/order/create":
            self._order_created(sent.account, link)
        if sent.path in ("/v5/order/create", "/v5/order/amend"):
            self._caps(sent.account, sent.params["symbol"])

    def _order_created(self, account: str, link: str) -> None:
        self.created[link] += 1
        if self.created[link] > 1:
            self._broken(f"no duplicate order: {link} was created {self.created[link]} times")
        if link in self._dead:
            self._broken(f"unknown resolves on evidence: {link} arrived after it was declared never to")
        parts = parse_client_order_id(link)
        if parts is None:
            self._broken(f"no duplicate order: {link!r} is no id of ours")
            return
        same = []
        for order in self._exchange.venue.orders_open(account, parts.symbol):
            other = parse_client_order_id(order.order_link_id)
            if other is not None and (other.leg, other.purpose, other.level) == (parts.leg, parts.purpose, parts.level):
                same.append(order.order_link_id)
        if len(same) > 1 and not self.went_back:
            self._broken(f"no duplicate order: {', '.join(sorted(same))} rest for one level")

    def _caps(self, account: str, symbol: str) -> None:
        """Were every resting order filled now, the cap would still hold."""
        for leg in Leg:
            position = self._exchange.venue.position(account, symbol, leg.value)
            cost = position.size * position.entry_price + sum(
                (
                    order.leaves_qty * order.price
                    for order in self._exchange.venue.orders_open(account, symbol)
                    if order.position_idx == leg.value and order.side is leg.opening_side
                ),
                Decimal(0),
            )
            if cost > LEG_CAP and not self.went_back:
                self._broken(f"exposure bound: {symbol} {leg.word} could come to {cost}, more than {LEG_CAP}")


def is_durable(world: World, process: Process, account: str, link: str) -> bool:
    """Whether what is stored by now tells a successor that this order may have been sent: a record of it, or the
    command itself up to the mark that its sender keeps beside Redis."""
    store = world.money.store
    fields = store.hgetall(keys.executor(account))
    if any(name.startswith(b"sent:") and link.encode() in name for name in fields):
        return True
    needle = f'"{link}"'.encode()
    commands = store.xrevrange(keys.commands(account), count=500)
    command_id = next((entry_id for entry_id, entry in commands if needle in entry[codec.FIELD]), None)
    number = int(process.name.split("-")[1])
    mark = world.folder(number) / "executor" / f"{account}.mark"
    if command_id is None or not mark.exists():
        return False
    return id_key(command_id.decode()) <= id_key(msgspec.json.decode(mark.read_bytes(), type=Mark).command_id)
