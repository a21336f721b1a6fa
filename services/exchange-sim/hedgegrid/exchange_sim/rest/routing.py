"""What a handler gets and gives, and the shape of the table of endpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hedgegrid.exchange_sim.errors import ApiError
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.venue.refusals import Refused

Result = dict[str, Any]
T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """One request. `granted` is how many of a batch's legs the rate limit lets through; `lag_ms` how much of the latest
    venue time a query does not see.
    """

    account: str
    params: Params
    granted: int = 1
    lag_ms: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The envelope's variable part."""

    result: Result
    ext: Result
    text: str = "OK"


Handler = Callable[[Exchange, Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """`kind` names the rate budget; "" has none; a batch takes one unit a leg."""

    handler: Handler
    private: bool = True
    kind: str = ""
    is_batch: bool = False


Routes = dict[tuple[str, str], Route]


def answer(result: Result, text: str = "OK") -> Answer:
    return Answer(result, {}, text)


def accepted(outcome: Refused | T) -> T:
    """The venue's answer, or its refusal raised as the API's."""
    if isinstance(outcome, Refused):
        raise ApiError(outcome.code, outcome.text)
    return outcome
