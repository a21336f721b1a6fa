"""The simulation sees what it is there for: every planted mistake breaks a promise within a few histories."""

import pytest

from tests.simulation.planted import BUGS, first_caught

WITHIN = 60


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    caught = first_caught(name, range(WITHIN))
    assert caught is not None, f"{name} went unnoticed in {WITHIN} histories"
