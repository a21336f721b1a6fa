"""A venue, a gateway and a name for an account nobody else uses."""

import uuid
from collections.abc import Iterator

import pytest

from tests.integration.ws_gateway.rig import Rig
from tests.integration.ws_gateway.scripted_venue import ScriptedVenue


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    venue = ScriptedVenue().start()
    yield venue
    venue.shut_down()


@pytest.fixture
def rig(venue: ScriptedVenue, redis_url: str) -> Iterator[Rig]:
    rig = Rig(venue, redis_url)
    yield rig
    rig.close()


@pytest.fixture
def account() -> str:
    return f"t{uuid.uuid4().hex[:8]}"
