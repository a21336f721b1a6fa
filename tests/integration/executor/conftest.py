from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.executor.fake_venue import FakeVenue, running_venue
from tests.integration.executor.floor import Floor, Running

Start = Callable[..., Running]


@pytest.fixture
def venue() -> Iterator[FakeVenue]:
    with running_venue() as venue:
        yield venue


@pytest.fixture
def floor(redis_url: str) -> Iterator[Floor]:
    floor = Floor(redis_url)
    yield floor
    floor.client.close()


@pytest.fixture
def start(floor: Floor, venue: FakeVenue) -> Iterator[Start]:
    """Starts executors of the floor's account and waits until they are ready; stops them at the end."""
    running: list[Running] = []

    def start(owner: str = "one", ready: bool = True, **settings: Any) -> Running:
        executor = Running(floor, venue.url, owner, **settings)
        running.append(executor)
        if ready:
            floor.ready()
        return executor

    yield start
    for executor in running:
        executor.stop()
