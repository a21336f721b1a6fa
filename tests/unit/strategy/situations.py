"""Bots brought into a situation, for the tests beside this file."""

from decimal import Decimal

from hedgegrid.domain.order import Leg, Purpose, Side
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.strategy.core.state import LegState, WorkingOrder
from hedgegrid.venue.reports import OrderReport
from hedgegrid.venue.requests import MarketTrade
from tests.property.strategy.styles import dual
from tests.property.strategy.world import ACCOUNT, SYMBOL, World

D = Decimal


def settled(**fields: object) -> World:
    """A dual grid with these settings, come to rest after its first entries."""
    world = World(3, dual(**fields))
    world.come_to_rest()
    return world


def settle(world: World) -> None:
    """Everything commanded is carried out and told; no time passes."""
    while world.waiting or world.feed:
        world.execute()
        world.deliver()


def walk(world: World, *moves: str) -> None:
    """Percent by percent, with a tick after each."""
    for move in moves:
        world.move(D(move))
        settle(world)
        world.tick()
        settle(world)


def pass_s(world: World, seconds: float) -> None:
    """Time passes at the same price."""
    world.now_ms += int(seconds * 1000)
    world.tick()
    settle(world)


def print_trade(world: World, price: Decimal, qty: str, taker: Side) -> None:
    """Somebody trades exactly this: an order resting there gets what is left of it behind `QUOTED_QTY`."""
    world.venue.on_trade(MarketTrade(symbol=SYMBOL, price=price, qty=D(qty), taker_side=taker, ts_ms=world.now_ms))
    world.collect()
    settle(world)


def leg_of(world: World, leg: Leg = Leg.LONG) -> LegState:
    state: LegState = world.state.legs[leg.value - 1]
    return state


def orders(world: World, purpose: Purpose, leg: Leg = Leg.LONG) -> list[WorkingOrder]:
    """Of one leg, by level."""
    return sorted((o for o in leg_of(world, leg).orders if o.purpose is purpose), key=lambda order: order.level)


def at_venue(world: World, leg: Leg = Leg.LONG) -> list[OrderReport]:
    return [order for order in world.venue.orders_open(ACCOUNT, SYMBOL) if order.position_idx == leg.value]


def submitted(world: World, purpose: Purpose, leg: Leg = Leg.LONG) -> list[SubmitOrder]:
    mark = f"-{leg.word[0].upper()}{purpose.value}"
    return [c for c in world.seen if isinstance(c, SubmitOrder) and mark in c.client_order_id]
