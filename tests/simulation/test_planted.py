"""The simulation sees what it is there for: every planted mistake breaks a promise within a few histories."""

import pytest

from tests.simulation.planted import BUGS, first_caught

WITHIN = 60
CAUGHT_AT = {
    "no_fence_in_the_commit": 26,
    "no_fence_at_the_venue": 18,
    "trust_a_failed_query": 10,
    "lose_what_was_read": 4,
}
"""Where the rare ones show themselves, as the dice fall today (docs/simulation.md); 0 for the others."""


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    first = CAUGHT_AT.get(name, 0)
    caught = first_caught(name, range(first, first + WITHIN))
    assert caught is not None, f"{name} went unnoticed in {WITHIN} histories"
